package state

import (
	"errors"
	"fmt"
)

// A Stored is what an earlier process has stored of a State.
type Stored struct {
	// Upto is the number of the event after which it was that State.
	Upto int64

	session string
	last    int64 // upto of the last part
	parts   []part
	torn    bool // the last parts are damaged
}

// maxBehind is how many events State may be behind the handlers. Discord does not say how many it
// can send again; that many come within minutes.
const maxBehind = 10_000

// Read returns what the parts hold, which were stored for a session whose position was saved as
// upto, parts, when events up to handled had been handled. An error says why it is of no use.
func Read(
	parts [][]byte, policy Policy, session string, upto int64, count int, handled int64,
) (*Stored, error) {
	s := &Stored{session: session}
	for i, b := range parts {
		p, err := decodePart(b)
		switch {
		case err != nil && i > 0: // the rest did not get to the disk
		case err != nil:
			return nil, err
		case p.session != session:
			return nil, errors.New("it belongs to another session")
		case p.policy != policy.fingerprint():
			return nil, errors.New("it was saved under another policy")
		case p.from != s.last:
			return nil, errors.New("a part is missing")
		}
		if err != nil {
			s.torn = true
			break
		}
		s.parts = append(s.parts, p)
		s.last = p.upto
	}
	if len(s.parts) == 0 {
		return nil, errors.New("nothing is stored")
	}
	if s.Upto = s.last; len(s.parts) == len(parts) && len(s.parts) >= count {
		s.Upto = max(s.last, upto)
	}
	if s.Upto < handled-maxBehind {
		return nil, fmt.Errorf("it is %d events behind", handled-s.Upto)
	}
	return s, nil
}

// Restore gives State what was stored, and lets the Journal go on behind it. After an error State
// is empty. Only a Keeper that has applied nothing can be restored.
func (k *Keeper) Restore(s *Stored) error {
	journal := k.journal
	k.journal, k.restoring = nil, true
	defer func() { k.journal, k.restoring = journal, false }()
	for _, p := range s.parts {
		if err := journal.packer.unpack(p.records, k.applyRecords); err != nil {
			_ = k.Apply(&Event{Type: "READY", Raw: readyRecord(s.session, k.self, nil)})
			journal.begin(s.session)
			return err
		}
	}
	journal.resume(s)
	return nil
}

// Begin lets the Journal begin with a session that is resumed, and of which nothing is stored. Only
// a Keeper that has applied nothing can begin.
func (k *Keeper) Begin(session string) { k.journal.begin(session) }

// applyRecords applies what was recorded.
func (k *Keeper) applyRecords(b []byte) error {
	for len(b) > 0 {
		eventType, rest, err := cutField(b)
		if err != nil {
			return err
		}
		raw, rest, err := cutField(rest)
		if err != nil {
			return err
		}
		if err := k.Apply(&Event{Type: string(eventType), Raw: raw}); err != nil {
			return err
		}
		b = rest
	}
	return nil
}
