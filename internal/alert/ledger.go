package alert

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/health"
)

const (
	recordVersion = 1

	// maxProblems and maxMessage bound what is stored: some 2 MB for a thousand shards that are
	// all down and three receivers of which none can be reached.
	maxProblems = 2000
	maxMessage  = 500
)

// A Ledger knows what to store of the alerts of one process, so that the next one goes on with
// them: what was told and is not over, and what each outbox has yet to deliver. Its methods may be
// called from any goroutine, except that Add and Restore come before all others.
type Ledger struct {
	changed  func()
	outboxes map[string]*Outbox

	mu      sync.Mutex // guards what follows
	told    []health.Problem
	at      time.Time // of the last notice
	telling bool      // the outboxes have more than told
	version uint64
}

// record is what a Ledger stores.
type record struct {
	Version int                        `json:"version"`
	At      time.Time                  `json:"at"`
	Told    []health.Problem           `json:"told"`
	Waiting map[string][]health.Notice `json:"waiting,omitempty"` // by receiver, without Open
}

// NewLedger returns a Ledger that knows of nothing. It calls changed, which must not block, when
// there is something new to store.
func NewLedger(changed func()) *Ledger {
	return &Ledger{changed: changed, outboxes: make(map[string]*Outbox)}
}

// Add makes an outbox known. The name has to be the same in the next process: several of one name
// are told apart by their order.
func (l *Ledger) Add(name string, o *Outbox) {
	unique := name
	for n := 2; l.outboxes[unique] != nil; n++ {
		unique = fmt.Sprintf("%s %d", name, n)
	}
	l.outboxes[unique] = o
}

// Telling notes that a notice goes to the outboxes. Until Told is called there is nothing to store
// that would be true.
func (l *Ledger) Telling(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.telling, l.at = true, at
}

// Told notes what was told and not told to be over.
func (l *Ledger) Told(problems []health.Problem) {
	l.mu.Lock()
	news := l.telling || !sameTold(l.told, problems)
	l.told, l.telling = problems, false
	l.mu.Unlock()
	if news {
		l.Changed()
	}
}

// sameTold reports whether two lists are of the same problems, and these as bad.
func sameTold(a, b []health.Problem) bool {
	type severity struct{ status, worst health.Status }
	known := make(map[key]severity, len(a))
	for _, p := range a {
		known[keyOf(p)] = severity{p.Status, p.Worst}
	}
	return len(a) == len(b) && !slices.ContainsFunc(b, func(p health.Problem) bool {
		return known[keyOf(p)] != severity{p.Status, p.Worst}
	})
}

// Changed notes that an outbox has more or less to deliver.
func (l *Ledger) Changed() {
	l.mu.Lock()
	l.version++
	l.mu.Unlock()
	l.changed()
}

// Version returns a number that is another one when there is something new to store.
func (l *Ledger) Version() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version
}

// Encode returns what to store. It is false while a notice goes out: there is a new version soon.
func (l *Ledger) Encode() (b []byte, ok bool) {
	l.mu.Lock()
	if l.telling {
		l.mu.Unlock()
		return nil, false
	}
	r := record{Version: recordVersion, At: l.at, Told: briefly(l.told),
		Waiting: make(map[string][]health.Notice)}
	for name, o := range l.outboxes {
		for _, n := range o.Waiting() {
			n.Problems, n.Open = briefly(n.Problems), nil // that is what was told
			r.Waiting[name] = append(r.Waiting[name], n)
		}
	}
	l.mu.Unlock()
	b, err := json.Marshal(r)
	return b, err == nil // which it is: all in it has a form in JSON
}

// briefly returns problems as they are stored: the worst ones, if there are too many.
func briefly(problems []health.Problem) []health.Problem {
	brief := slices.Clone(problems)
	if len(brief) > maxProblems {
		slices.SortStableFunc(brief, func(a, b health.Problem) int {
			switch {
			case a.Worst.Worse(b.Worst):
				return -1
			case b.Worst.Worse(a.Worst):
				return 1
			}
			return 0
		})
		brief = brief[:maxProblems]
	}
	for i, p := range brief {
		for _, v := range []*float64{&brief[i].Value, &brief[i].Threshold} {
			if math.IsNaN(*v) || math.IsInf(*v, 0) { // JSON has none
				*v = 0
			}
		}
		if len(p.Message) > maxMessage {
			brief[i].Message = strings.ToValidUTF8(p.Message[:maxMessage], "") + "…"
		}
	}
	return brief
}

// Restore gives the outboxes what an earlier process has stored, and returns what that had told,
// and when it told something last. Nothing stored is nothing told.
func (l *Ledger) Restore(b []byte) (told []health.Problem, at time.Time, err error) {
	if len(b) == 0 {
		return nil, at, nil
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, at, fmt.Errorf("the open alerts are damaged: %w", err)
	}
	if r.Version != recordVersion {
		return nil, at, fmt.Errorf("the open alerts have version %d of the format, not %d",
			r.Version, recordVersion)
	}
	for name, o := range l.outboxes {
		for i := range r.Waiting[name] {
			r.Waiting[name][i].Open = r.Told
		}
		o.Seed(r.Told, r.Waiting[name])
	}
	l.told, l.at = r.Told, r.At
	return slices.Clone(r.Told), r.At, nil
}
