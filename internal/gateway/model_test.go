package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/botwright/botwright/internal/gateway"
)

// A step is something that happens to the connection, at Discord's end or ours.
type step struct {
	Do string
	N  int
}

var steps = []string{
	"events", "events", "events", "duplicate", "damage", "time", "time", "op 1", "op 7", "op 9 true",
	"op 9 false", "close", "reset", "mute", "silent", "no dial", "restart", "command", "unseen",
}

// TestModel lets random things happen to a Shard and checks after each that it keeps the
// invariants of the package comment, and at the end that it comes back and has lost no event.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		script := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{rapid.SampledFrom(steps).Draw(rt, "do"), rapid.IntRange(0, 99).Draw(rt, "n")}
		}), 1, 40).Draw(rt, "script")
		rec := &recorder{TB: t}
		synctest.Test(t, func(t *testing.T) { play(t, rec, script) })
		if len(rec.errs) > 0 {
			rt.Fatal(rec.errs)
		}
	})
}

// A recorder notes what goes wrong without failing the test, so that rapid can look for a
// shorter script.
type recorder struct {
	testing.TB

	mu   sync.Mutex
	errs []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, fmt.Sprintf(format, args...))
}

// A world is Discord and a Shard.
type world struct {
	*rig
	rec *recorder
	p   *peer // the current connection; nil before the first

	state    sync.Mutex // guards what follows between the script and Config.Event
	session  *session   // the current one; nil when there is none
	sessions int        // how many there were
	silent   bool       // handshakes are not answered
	barren   int        // connections since the last one that brought something
	live     bool       // the handshake was answered
}

// A session is what Discord knows of one.
type session struct {
	id    string
	log   []string // types of all dispatches; index 0 has sequence 1
	taken []int64  // sequences that Config.Event has taken
}

func play(t *testing.T, rec *recorder, script []step) {
	f := newFake(rec)
	w := &world{rec: rec}
	w.rig = start(t, f, func(c *gateway.Config) { c.Event = w.event })
	for _, s := range script {
		w.settle()
		w.do(s)
		w.settle()
	}
	f.refuse("", nil)
	w.silent = false
	for range 100 {
		w.settle()
		if w.live && w.p.alive() {
			break
		}
		time.Sleep(time.Minute)
	}
	w.p.mute.Store(false)
	w.do(step{Do: "events", N: 2})
	w.settle()
	if got := w.shard.Status().State; got != gateway.Ready {
		rec.Errorf("state %v at the end, want ready", got)
		return
	}
	if w.session != nil {
		w.session.check(rec, true)
	}
}

// event is Config.Event. It runs while the driver waits.
func (w *world) event(f *gateway.Frame) gateway.Outcome {
	w.state.Lock()
	defer w.state.Unlock()
	s := w.session
	if s == nil || f.Seq > int64(len(s.log)) || s.log[f.Seq-1] != string(f.Type) {
		w.rec.Errorf("event %s with seq %d was never sent", f.Type, f.Seq)
		return gateway.Unwanted
	}
	s.taken = append(s.taken, f.Seq)
	w.barren = 0
	return []gateway.Outcome{gateway.Unwanted, gateway.Taken, gateway.TakenLate}[f.Seq%3]
}

// check compares what was sent with what was taken: the same, in order, once, or a beginning.
func (s *session) check(rec *recorder, all bool) {
	var want []int64
	for i, eventType := range s.log {
		seq := int64(i + 1)
		if eventType != "RESUMED" || slices.Contains(s.taken, seq) { // RESUMED is not replayed
			want = append(want, seq)
		}
	}
	if !all {
		want = want[:min(len(want), len(s.taken))]
	}
	if !slices.Equal(s.taken, want) {
		rec.Errorf("session %s: took %v, want %v", s.id, s.taken, want)
	}
}

// settle plays Discord until nothing more happens without time.
func (w *world) settle() {
	for {
		synctest.Wait()
		select {
		case w.p = <-w.peers:
			w.connected()
			continue
		default:
		}
		if w.p == nil {
			return
		}
		select {
		case m := <-w.p.in:
			w.handle(m)
		default:
			return
		}
	}
}

func (w *world) connected() {
	w.state.Lock()
	defer w.state.Unlock()
	w.live = false
	if w.session != nil {
		w.barren++
	}
	w.p.hello()
}

func (w *world) handle(m payload) {
	w.state.Lock()
	defer w.state.Unlock()
	switch m.Op {
	case 2:
		if w.session != nil && w.barren < 5 {
			w.rec.Errorf("IDENTIFY while session %s is alive", w.session.id)
		}
		w.drop()
		if w.silent {
			return
		}
		w.sessions++
		w.session = &session{id: fmt.Sprint(w.sessions), log: []string{"READY"}}
		w.live = true
		w.p.ready(w.session.id)
	case 6:
		var d struct {
			ID  string `json:"session_id"`
			Seq int64  `json:"seq"`
		}
		_ = json.Unmarshal(m.D, &d)
		s := w.session
		if s == nil || d.ID != s.id {
			w.rec.Errorf("RESUME of session %s", d.ID)
			return
		}
		if last := s.taken[len(s.taken)-1]; d.Seq != last {
			w.rec.Errorf("RESUME from %d, but %d was taken last", d.Seq, last)
		}
		if w.silent {
			return
		}
		w.live = true
		for seq := d.Seq + 1; seq <= int64(len(s.log)); seq++ {
			if s.log[seq-1] != "RESUMED" {
				w.p.dispatch(int(seq), s.log[seq-1], `{}`)
			}
		}
		s.log = append(s.log, "RESUMED")
		w.p.dispatch(len(s.log), "RESUMED", `{}`)
	}
}

// drop ends the session at Discord's.
func (w *world) drop() {
	if w.session != nil {
		w.session.check(w.rec, false)
		w.kill(w.session.id)
	}
	w.session = nil
}

func (p *peer) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

func (w *world) do(s step) {
	if s.Do == "time" {
		time.Sleep([]time.Duration{100 * time.Millisecond, time.Second, 20 * time.Second,
			70 * time.Second, 5 * time.Minute}[s.N%5])
		return
	}
	w.state.Lock()
	defer w.state.Unlock()
	connected := w.p != nil && w.p.alive()
	switch s.Do {
	case "silent":
		w.silent = s.N%2 == 0
	case "no dial":
		w.refuse("", []error{nil, fmt.Errorf("network is down")}[s.N%2])
	case "restart":
		w.shard.Restart()
	case "command":
		_ = w.shard.Send(4, []byte(`{}`))
	case "unseen": // happens while nobody is connected, or is lost on the way
		if w.session != nil && !connected {
			w.session.log = append(w.session.log, "MESSAGE_CREATE")
		}
	default:
		if connected {
			w.disturb(s)
		}
	}
}

// disturb does something to the connection that is open.
func (w *world) disturb(s step) {
	switch s.Do {
	case "events", "duplicate", "damage":
		if w.session != nil && w.live {
			w.dispatch(s)
		}
	case "op 1":
		w.p.send(`{"op":1}`)
	case "op 7":
		w.p.send(`{"op":7}`)
	case "op 9 true":
		w.p.send(`{"op":9,"d":true}`)
	case "op 9 false":
		w.p.send(`{"op":9,"d":false}`)
		w.drop()
	case "close":
		code := []int{1000, 1001, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009, 4999}[s.N%11]
		w.p.close(code)
		if slices.Contains([]int{4001, 4003, 4005, 4007, 4009}, code) {
			w.drop()
		}
	case "reset":
		w.p.reset()
	case "mute":
		w.p.mute.Store(s.N%2 == 0)
	}
}

func (w *world) dispatch(s step) {
	log := &w.session.log
	switch s.Do {
	case "events":
		for range s.N%5 + 1 {
			*log = append(*log, "MESSAGE_CREATE")
			w.p.dispatch(len(*log), "MESSAGE_CREATE", `{}`)
		}
	case "duplicate":
		seq := s.N%len(*log) + 1
		w.p.dispatch(seq, (*log)[seq-1], `{}`)
	case "damage":
		*log = append(*log, "MESSAGE_CREATE")
		w.p.send(`{"t":"MESSAGE_CREATE","s":%d,"op":0,"d":`, len(*log))
	}
}
