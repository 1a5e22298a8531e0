package state

import (
	"encoding/binary"
	"sync"

	"github.com/botwright/botwright/internal/frame"
)

// A Journal records what it takes to give another State what a Keeper's has: the events that have
// changed it since READY, with what is not kept left out. What is stored of it is a list of parts,
// of which the first one replaces all that was stored before:
//
//	READY ──▶ recording ──Cut──▶ being stored ──Stored(true)──▶ recording
//	             ▲                    │
//	             └───Stored(false)────┘ what was cut is recorded again
//
// When the parts have grown to twice what State takes, a snapshot is written beside them, some
// guilds with each event: READY with all guilds, and GUILD_CREATE for each. What happens to a
// guild before its GUILD_CREATE is about a guild that is not known, and changes nothing; what
// happens after it is recorded behind it. So the snapshot needs no moment at which State stands
// still. It replaces the parts when it is complete.
//
// These hold:
//
//   - The parts, applied in order, give the State that there was after the event upto.
//   - Whoever applies events calls record and advance, one at a time and in the order of the
//     events. Another goroutine calls Cut, Stored and Position. mu guards all of it.
//   - What waits to be stored is bounded. When it is dropped, nothing is stored before there is
//     a snapshot, and upto stays where it was.
type Journal struct {
	packer   *Packer
	policy   uint64
	maxDelta int

	mu       sync.Mutex // guards what follows
	session  string     // of the READY that State has seen last
	applied  int64      // the last event of which anything was recorded
	delta    recording  // since the last cut
	cut      *part      // being stored
	lost     bool       // delta was dropped
	replace  bool       // what is stored is of no use: the next part replaces it
	snapshot *snapshot  // nil while none is being written
	due      bool       // a snapshot is to be written

	upto  int64 // of what is stored
	last  int64 // upto of the last part
	parts int
	size  int // of the first part
	grown int // size of the others
}

// A snapshot is one that is being written.
type snapshot struct {
	recording
	left []string // guilds to come
}

const (
	// maxDelta is how much waits to be stored before it is dropped: more than State itself.
	maxDelta = 16 << 20

	// minGrown is below what size the parts behind a snapshot are no reason for another one.
	minGrown = 1 << 20

	// snapshotStep is how many guilds of a snapshot are written with an event. One takes about
	// as long as an event.
	snapshotStep = 4
)

// NewJournal returns a Journal for a Keeper with the given policy.
func NewJournal(packer *Packer, p Policy) *Journal {
	return &Journal{
		packer: packer, policy: p.fingerprint(), maxDelta: maxDelta, replace: true}
}

// record notes an event that was applied; raw is what matters of it.
func (j *Journal) record(e *Event, raw []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.Type == "READY" {
		v, _ := frame.Lookup(e.Raw, "session_id")
		id, _ := frame.String(v)
		j.beginLocked(string(id))
	}
	j.applied = max(j.applied, e.Seq)
	if raw == nil || j.session == "" {
		return
	}
	if j.snapshot != nil {
		j.snapshot.add(j.packer, e.Type, raw)
	}
	if j.lost {
		return
	}
	j.delta.add(j.packer, e.Type, raw)
	if j.delta.size() > j.maxDelta {
		j.delta, j.lost, j.due = recording{}, true, true
	}
}

// beginLocked begins with another session.
func (j *Journal) beginLocked(session string) {
	j.session, j.applied = session, 0
	j.delta, j.cut, j.lost, j.replace = recording{}, nil, false, true
	j.snapshot, j.due = nil, false
	j.upto, j.last, j.parts, j.size, j.grown = 0, 0, 0, 0, 0
}

// advance goes on with a snapshot, if one is due.
func (j *Journal) advance(k *Keeper) {
	j.mu.Lock()
	if j.due && j.snapshot == nil {
		j.due = false
		j.snapshot = &snapshot{left: k.GuildIDs()}
		j.snapshot.add(j.packer, "READY", readyRecord(j.session, k.self, j.snapshot.left))
	}
	s := j.snapshot
	j.mu.Unlock()
	if s == nil {
		return
	}
	for range min(snapshotStep, len(s.left)) {
		id := s.left[0]
		records := k.guildRecords(id)
		j.mu.Lock()
		for _, r := range records {
			s.add(j.packer, r.eventType, r.raw)
		}
		s.left = s.left[1:]
		j.mu.Unlock()
	}
}

// Cut returns what is to be stored next of a session, when every event up to applied has been
// applied. It is false if there is nothing. Stored has to be called before the next Cut.
func (j *Journal) Cut(session string, applied int64) (data []byte, replace, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.session == "" || j.session != session {
		return nil, false, false
	}
	applied = max(applied, j.applied)
	switch {
	case j.snapshot != nil && len(j.snapshot.left) == 0:
		j.delta, j.snapshot, j.lost, j.replace = j.snapshot.recording, nil, false, true
	case j.lost:
		return nil, false, false
	case j.delta.empty() && !j.replace:
		j.upto = max(j.upto, applied)
		return nil, false, false
	}
	p := &part{session: session, policy: j.policy, upto: applied, records: j.delta.pack(j.packer)}
	if !j.replace {
		p.from = j.last
	}
	j.cut, j.delta = p, recording{}
	return p.encode(), j.replace, true
}

// Stored says whether what was cut was stored.
func (j *Journal) Stored(ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.cut
	j.cut = nil
	switch {
	case p == nil: // there is a new session since
	case !ok:
		j.delta.packed = append(p.records, j.delta.packed...)
	case j.replace:
		j.replace = false
		j.parts, j.size, j.grown = 1, len(p.records), 0
		j.upto, j.last = p.upto, p.upto
	default:
		j.parts++
		j.grown += len(p.records)
		j.upto, j.last = p.upto, p.upto
	}
	if j.grown > max(j.size, minGrown) && j.snapshot == nil {
		j.due = true
	}
}

// Position returns up to which event State is stored of a session, and in how many parts; 0 if it
// is not.
func (j *Journal) Position(session string) (upto int64, parts int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.session != session || j.parts == 0 {
		return 0, 0
	}
	return j.upto, j.parts
}

// resume goes on behind what an earlier process has stored.
func (j *Journal) resume(s *Stored) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.beginLocked(s.session)
	j.replace = false
	j.applied, j.upto, j.last, j.parts = s.Upto, s.Upto, s.last, len(s.parts)
	for i, p := range s.parts {
		if i == 0 {
			j.size = len(p.records)
		} else {
			j.grown += len(p.records)
		}
	}
	// Nothing that is stored behind a part that is damaged would be found.
	j.lost = s.torn
	j.due = s.torn || j.grown > max(j.size, minGrown)
}

// begin begins to record a session of which nothing is stored.
func (j *Journal) begin(session string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.beginLocked(session)
}

// A recording is a list of events: those in raw are not compressed yet.
type recording struct{ raw, packed []byte }

// packAt is how much is compressed at once.
const packAt = 256 << 10

func (r *recording) add(p *Packer, eventType string, raw []byte) {
	r.raw = binary.AppendUvarint(r.raw, uint64(len(eventType)))
	r.raw = append(r.raw, eventType...)
	r.raw = binary.AppendUvarint(r.raw, uint64(len(raw)))
	r.raw = append(r.raw, raw...)
	if len(r.raw) >= packAt {
		r.pack(p)
	}
}

// pack compresses what is not compressed yet, and returns all of it.
func (r *recording) pack(p *Packer) []byte {
	if len(r.raw) > 0 {
		r.packed, r.raw = p.pack(r.packed, r.raw), nil
	}
	return r.packed
}

func (r *recording) size() int   { return len(r.raw) + len(r.packed) }
func (r *recording) empty() bool { return r.size() == 0 }
