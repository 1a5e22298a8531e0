package runner_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/interaction"
	"github.com/botwright/botwright/internal/runner"
	"github.com/botwright/botwright/internal/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event is what the runner of these tests runs.
type event struct {
	runner.About
	ticket runner.Ticket
}

// rig is a runner with one shard, and what they have done.
type rig struct {
	*runner.Runner[*event]
	shard   *runner.Shard[*event]
	tracker atomic.Pointer[session.Tracker]
	feeds   bool
	moved   atomic.Bool // the shard is another process's

	mu  sync.Mutex // guards log
	log []string
}

func newRig(slow time.Duration, forwards ...string) *rig {
	return newRigWith(func(*rig) runner.Follow[*event] { return runner.Follow[*event]{} }, slow, forwards...)
}

func newRigWith(follow func(*rig) runner.Follow[*event], slow time.Duration, forwards ...string) *rig {
	g := &rig{}
	of := func(v any) error { return fmt.Errorf("%v", v) }
	g.Runner = runner.New(runner.Config[*event]{
		Follow: follow(g),
		Queue:  dispatch.Config{MaxEvents: 64, MaxBytes: 1 << 20, MaxInFlight: 8},
		Slow:   slow,
		Logger: slog.New(slog.DiscardHandler),
		Ticket: func(e *event) *runner.Ticket { return &e.ticket },
		About:  func(e *event) runner.About { return e.About },
		Report: func(_ context.Context, _ *event, err error) { g.note("report: " + err.Error()) },
		Errors: runner.Errors{
			Panic:     func(v any, _ []byte) error { return fmt.Errorf("panic: %v", v) },
			Slow:      func(s runner.Slow) error { return fmt.Errorf("slow: %s, ended %t: %s", s.Key, s.Ended, s.Stack) },
			Overflow:  func(o runner.Overflow) error { return of(o) },
			Unclaimed: func(n interaction.Name) error { return fmt.Errorf("unclaimed: %s", n.Text) },
		},
	})
	types := make(map[string]bool)
	for _, t := range forwards {
		types[t] = true
	}
	g.shard = g.Shard(runner.ShardConfig[*event]{
		Tracker: &g.tracker,
		Owns:    func() bool { return !g.moved.Load() },
		Note:    func(*gateway.Frame) {},
		Event: func(eventType string, f *gateway.Frame, r frame.Route) *event {
			return &event{About: runner.About{Type: eventType, Sequence: f.Seq, Raw: slices.Clone(f.Data),
				GuildID: string(r.Guild), ChannelID: string(r.Channel)}}
		},
		Forwards: types,
		Forward:  func(e *event) { g.note("forward " + e.Type) },
		Feeds:    func([]byte) bool { return g.feeds },
		Feed:     func(e *event, others bool) error { g.note(fmt.Sprint("feed ", others)); return nil },
		Admit:    func(*gateway.Frame) bool { return true },
	})
	return g
}

func (g *rig) note(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log = append(g.log, line)
}

// lines returns what was done so far.
func (g *rig) lines() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.log)
}

// add adds a handler that notes its name and then does something.
func (g *rig) add(name string, do func(), change ...func(*runner.Handler[*event])) (remove func()) {
	h := &runner.Handler[*event]{EventType: "*", Name: name, Func: func(context.Context, *event) error {
		g.note(name)
		do()
		return nil
	}}
	for _, f := range change {
		f(h)
	}
	return g.Handlers.Add(h)
}

// receive has the shard receive an event, and waits until all is done.
func (g *rig) receive(t *testing.T, eventType, data string) gateway.Outcome {
	t.Helper()
	outcome := g.shard.Receive(&gateway.Frame{Type: []byte(eventType), Seq: 1, Data: []byte(data)})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if left := g.Drain(ctx); left > 0 {
		t.Fatalf("%d tasks are left", left)
	}
	g.TellRest(ctx)
	return outcome
}

const message = `{"guild_id":"10","channel_id":"20"}`

func nothing() {}

func concurrent(h *runner.Handler[*event]) { h.Concurrent = true }

func TestWayOfAnEvent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		types   []string
		feeds   bool
		set     func(*rig)
		event   string
		data    string
		outcome gateway.Outcome
		want    []string // sorted
	}{
		{name: "nobody wants it", set: func(*rig) {}, event: "TYPE", data: message},
		{
			name: "together and alone", event: "TYPE", data: message, outcome: gateway.Taken,
			set: func(g *rig) {
				g.add("a", nothing)
				g.add("b", nothing)
				g.add("c", nothing, concurrent)
			},
			want: []string{"a", "b", "c"},
		},
		{
			name: "forwarded", types: []string{"TYPE"}, set: func(*rig) {}, event: "TYPE", data: message,
			outcome: gateway.Taken, want: []string{"forward TYPE"},
		},
		{
			name: "for State alone", feeds: true, set: func(*rig) {}, event: "TYPE", data: message,
			outcome: gateway.Taken, want: []string{"feed false"},
		},
		{
			name: "for State first", feeds: true, set: func(g *rig) { g.add("a", nothing) }, event: "TYPE",
			data: message, outcome: gateway.Taken, want: []string{"a", "feed true"},
		},
		{
			name: "handlers that fail", event: "TYPE", data: message, outcome: gateway.Taken,
			set: func(g *rig) {
				g.add("a", func() { panic("no") })
				g.add("b", runtime.Goexit)
				g.add("c", nothing)
				g.add("d", runtime.Goexit, concurrent)
			},
			want: []string{"a", "b", "c", "d", "report: handler b: " + runner.ErrGoexit.Error(),
				"report: handler d: " + runner.ErrGoexit.Error(), "report: panic: no"},
		},
		{
			name: "an order that panics", event: "TYPE", data: message, outcome: gateway.Taken,
			set: func(g *rig) {
				g.add("a", nothing, func(h *runner.Handler[*event]) {
					h.Order = func(*event) string { panic("no key") }
				})
			},
			want: []string{"a", "report: panic: no key"},
		},
		{
			name: "an interaction of nobody", set: func(*rig) {}, event: "INTERACTION_CREATE",
			data: `{"type":2,"data":{"name":"ping"}}`, outcome: gateway.Taken,
			want: []string{"report: unclaimed: ping"},
		},
		{
			name: "an interaction of somebody", set: func(g *rig) { g.add("a", nothing, concurrent) },
			event: "INTERACTION_CREATE", data: `{"type":2,"data":{"name":"ping"}}`, outcome: gateway.Taken,
			want: []string{"a"},
		},
		{
			name: "middleware that turns an interaction away", event: "INTERACTION_CREATE",
			data: `{"type":2,"data":{"name":"ping"}}`, outcome: gateway.Taken,
			set: func(g *rig) {
				g.Handlers.Use(func(runner.Func[*event]) runner.Func[*event] {
					return func(context.Context, *event) error { return nil }
				})
				g.add("a", nothing)
				g.add("b", nothing, concurrent)
			},
			want: []string{"report: unclaimed: ping"},
		},
		{
			name: "half a payload", set: func(g *rig) { g.add("a", nothing) }, event: "TYPE", data: `{"guild_id":`,
			outcome: gateway.Damaged,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(0, tt.types...)
			g.feeds = tt.feeds
			tt.set(g)
			g.Handlers.Seal()
			if outcome := g.receive(t, tt.event, tt.data); outcome != tt.outcome {
				t.Errorf("outcome %v, want %v", outcome, tt.outcome)
			}
			got := g.lines()
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestHandlersKeepTheirOrder has handlers end their goroutine: those after them follow, and then the
// next event.
func TestHandlersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	g := newRig(0)
	g.add("a", runtime.Goexit)
	g.add("b", runtime.Goexit)
	g.add("c", nothing)
	g.Handlers.Seal()
	for range 3 {
		g.shard.Receive(&gateway.Frame{Type: []byte("TYPE"), Data: []byte(message)})
	}
	g.Drain(t.Context())
	if got := strings.Join(g.lines(), ""); got != "abcabcabc" {
		t.Errorf("%s", got)
	}
}

func TestStoppedRunnerRefuses(t *testing.T) {
	t.Parallel()
	g := newRig(0)
	g.tracker.Store(session.NewTracker("s", session.Position{}, 0))
	g.add("a", nothing)
	g.Handlers.Seal()
	g.Stop()
	if o := g.receive(t, "TYPE", message); o != gateway.Refused || len(g.lines()) > 0 {
		t.Errorf("outcome %v, %q", o, g.lines())
	}
	if p := g.tracker.Load().Position(1); p.Has(1) {
		t.Error("the event counts as handled")
	}
}

// TestTracking finds out when an event counts as handled.
func TestTracking(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for _, tt := range []struct {
		name    string
		err     error
		cut     bool
		handled bool
	}{
		{"returned", nil, false, true},
		{"failed", failed, false, true},
		{"returned when it was cut off", nil, true, true},
		{"failed when it was cut off", failed, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(0)
			g.tracker.Store(session.NewTracker("s", session.Position{}, 0))
			g.Handlers.Add(&runner.Handler[*event]{EventType: "TYPE", Name: "a", Func: func(context.Context, *event) error {
				if g.tracker.Load().Position(1).Has(1) {
					t.Error("it counts as handled before it is")
				}
				if tt.cut {
					g.Cancel(failed)
				}
				return tt.err
			}})
			g.add("b", nothing, concurrent)
			g.Handlers.Seal()
			g.receive(t, "TYPE", message)
			if got := g.tracker.Load().Position(1).Has(1); got != tt.handled {
				t.Errorf("handled: %t", got)
			}
		})
	}
}

// TestRemovedHandler removes a handler while a middleware has the event.
func TestRemovedHandler(t *testing.T) {
	t.Parallel()
	g := newRig(0)
	var remove func()
	g.Handlers.Use(func(next runner.Func[*event]) runner.Func[*event] {
		return func(ctx context.Context, e *event) error {
			remove()
			return next(ctx, e)
		}
	})
	remove = g.add("a", nothing)
	g.Handlers.Seal()
	for range 2 {
		g.receive(t, "TYPE", message)
	}
	if got := g.lines(); got != nil || g.Handlers.Types() != nil {
		t.Errorf("%q", got)
	}
	if g.Handlers.Use() {
		t.Error("Use after Seal")
	}
}

// TestSlowHandler finds the stack of a slow handler, and not that of a goroutine it has started.
func TestSlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(5 * time.Second)
		g.add("a", func() {
			go sleepBeside()
			time.Sleep(20 * time.Second)
		})
		g.Handlers.Seal()
		ctx, cancel := context.WithCancel(t.Context())
		go g.Watch(ctx)
		g.receive(t, "TYPE", message)
		cancel()
		got := g.lines()
		if len(got) != 3 || !strings.HasPrefix(got[1], "report: slow: guild 10, channel 20, ended false") ||
			!strings.Contains(got[1], "TestSlowHandler") || strings.Contains(got[1], "sleepBeside") ||
			got[2] != "report: slow: guild 10, channel 20, ended true: " {
			t.Errorf("%q", got)
		}
	})
}

func sleepBeside() { time.Sleep(20 * time.Second) }

// TestOldest asks what holds the oldest event up.
func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(0)
		release := make(chan struct{})
		g.add("first", func() { <-release })
		g.Handlers.Seal()
		for range 2 {
			g.shard.Offer(&gateway.Frame{
				Type: []byte("TYPE"), Data: []byte(message), Received: time.Now()})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		waited, why := g.Oldest()
		if want := " (TYPE of guild 10, channel 20), behind the handler first"; waited != time.Minute || why != want {
			t.Errorf("%v%s", waited, why)
		}
		close(release)
	})
}

// TestParkedHandler has handlers of one guild wait, parked, as others of it are called.
func TestParkedHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(0)
		release := make(chan struct{})
		g.Handlers.Add(&runner.Handler[*event]{EventType: "MESSAGE_CREATE", Name: "a", Func: func(ctx context.Context, _ *event) error {
			defer g.Park(ctx)()
			<-release
			return nil
		}})
		g.Handlers.Seal()
		for i := range 10 {
			g.shard.Offer(&gateway.Frame{Type: []byte("MESSAGE_CREATE"), Received: time.Now(),
				Data: fmt.Appendf(nil, `{"guild_id":"10","channel_id":"%d"}`, 20+i)})
		}
		synctest.Wait()
		if st := g.Stats(); st.Parked != 10 {
			t.Errorf("%+v", st)
		}
		close(release)
		synctest.Wait()
		if st := g.Stats(); st.Parked != 0 || st.Events != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestWithin(t *testing.T) {
	t.Parallel()
	g := newRig(0)
	g.add("a", func() {
		if !runner.Within() {
			t.Error("a handler is not within")
		}
	})
	g.Handlers.Seal()
	g.receive(t, "TYPE", message)
	if runner.Within() {
		t.Error("a test is within")
	}
}

// TestEventsOfAShardThatMoved wants what waits when the shard becomes another process's to count as
// unhandled, and not to be handled.
func TestEventsOfAShardThatMoved(t *testing.T) {
	t.Parallel()
	g := newRig(0)
	tracker := session.NewTracker("s", session.Position{}, 0)
	g.tracker.Store(tracker)
	entered, leave := make(chan bool), make(chan bool)
	g.add("first", func() { entered <- true; <-leave })
	g.Handlers.Seal()
	put := func(seq int64) gateway.Outcome {
		return g.shard.Receive(&gateway.Frame{Type: []byte("TYPE"), Seq: seq,
			Data: []byte(`{"channel_id":"5"}`)})
	}
	for seq := range int64(3) {
		if o := put(seq + 1); o != gateway.Taken {
			t.Fatal(o)
		}
	}
	<-entered
	g.moved.Store(true)
	if o := put(4); o != gateway.Refused {
		t.Error(o)
	}
	close(leave)
	g.Drain(t.Context())
	if p := tracker.Position(3); p.Sequence != 1 {
		t.Errorf("handled up to %d", p.Sequence)
	}
	if lines := g.lines(); !slices.Equal(lines, []string{"first"}) {
		t.Errorf("called %q", lines)
	}
}
