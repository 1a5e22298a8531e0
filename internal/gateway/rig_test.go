package gateway_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// A rig is a Shard that runs against a fake.
type rig struct {
	*fake
	t      *testing.T
	shard  *gateway.Shard
	events chan event
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of Run, once done is closed
}

// An event is what Config.Event was given.
type event struct {
	Type, Data string
	Seq        int64
	Replayed   bool
}

// inBubble runs a test in a bubble, on a fake in memory.
func inBubble(t *testing.T, test func(t *testing.T, f *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newFake(t)) })
}

// start runs a Shard against the fake until the end of the test. The Shard takes every event.
func start(t *testing.T, f *fake, changes ...func(*gateway.Config)) *rig {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{
		fake: f, t: t, cancel: cancel,
		events: make(chan event, 1<<16),
		done:   make(chan struct{}),
	}
	cfg := gateway.Config{
		Token: "secret", ShardCount: 1, Intents: 513, Compression: gateway.Plain,
		URL:    func(context.Context, bool) (string, error) { return gatewayURL, nil },
		Gate:   f,
		Dialer: f.dialer,
		Event:  r.take,
	}
	for _, change := range changes {
		change(&cfg)
	}
	r.shard = gateway.New(cfg)
	t.Cleanup(func() {
		r.stop()
		f.close()
	})
	go func() {
		defer close(r.done)
		r.err = r.shard.Run(ctx)
	}()
	return r
}

func (r *rig) take(f *gateway.Frame) gateway.Outcome {
	r.events <- event{string(f.Type), string(f.Data), f.Seq, f.Replayed}
	return gateway.Taken
}

// stop ends Run and waits for it.
func (r *rig) stop() {
	r.mu.Lock()
	r.stopping = true
	r.mu.Unlock()
	r.cancel()
	<-r.done
}

// event returns the next event.
func (r *rig) event() event {
	r.t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(patience):
		r.t.Fatal("no event came")
		return event{}
	}
}

// wantEvents checks the types of the next events.
func (r *rig) wantEvents(types ...string) {
	r.t.Helper()
	for _, want := range types {
		if got := r.event(); got.Type != want {
			r.t.Fatalf("event %s with seq %d, want %s", got.Type, got.Seq, want)
		}
	}
}

// noEvents checks that nothing was taken that the test has not seen.
func (r *rig) noEvents() {
	r.t.Helper()
	synctest.Wait()
	select {
	case e := <-r.events:
		r.t.Errorf("unexpected event %+v", e)
	default:
	}
}

// identify plays the next connection up to READY.
func (r *rig) identify(session string, guilds ...string) *peer {
	r.t.Helper()
	p := r.accept()
	p.hello()
	p.expect(2)
	p.ready(session, guilds...)
	r.wantEvents("READY")
	return p
}

// resume plays the next connection up to RESUME and checks what it asks for.
func (r *rig) resume(session string, seq int) *peer {
	r.t.Helper()
	p := r.accept()
	p.hello()
	p.wantResume(session, seq)
	return p
}

func (p *peer) wantResume(session string, seq int) {
	p.f.t.Helper()
	d := p.expect(6)
	if d["token"] != "secret" || d["session_id"] != session || d["seq"] != float64(seq) {
		p.f.t.Errorf("RESUME with %v, want session %q and seq %d", d, session, seq)
	}
}

func (r *rig) wantState(want gateway.State) {
	r.t.Helper()
	synctest.Wait()
	if got := r.shard.Status().State; got != want {
		r.t.Errorf("state %v, want %v", got, want)
	}
}
