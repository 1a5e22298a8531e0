package runner_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/botwright/botwright/internal/runner"
)

type followKey struct{}

// followed notes what a follower is told.
func followed(g *rig) runner.Follow[*event] {
	return runner.Follow[*event]{
		Divided: func(_ *event, parts int) { g.note(fmt.Sprintf("divided into %d", parts)) },
		Begin: func(ctx context.Context, h *runner.Handler[*event], _ *event) (context.Context, func(error)) {
			return context.WithValue(ctx, followKey{}, h.Name), func(err error) {
				g.note(fmt.Sprintf("call of %s: %v", h.Name, err))
			}
		},
		Ended: func(*event) { g.note("part ended") },
	}
}

// TestFollow has an event handled in three parts, whose handlers return, fail, panic and end their
// goroutine.
func TestFollow(t *testing.T) {
	t.Parallel()
	g := newRigWith(followed, 0, "TYPE")
	g.Handlers.Add(&runner.Handler[*event]{EventType: "TYPE", Name: "a", Func: func(ctx context.Context, _ *event) error {
		g.note(fmt.Sprint("context of ", ctx.Value(followKey{})))
		return nil
	}})
	g.add("b", runtime.Goexit)
	g.add("c", func() { panic("no") }, concurrent)
	g.Handlers.Seal()
	g.receive(t, "TYPE", message)
	got := g.lines()
	if got[0] != "divided into 3" {
		t.Errorf("first %q", got[0])
	}
	slices.Sort(got)
	want := []string{
		"b", "c", "call of a: <nil>", "call of b: " + runner.ErrGoexit.Error(), "call of c: panic: no", "context of a",
		"divided into 3", "forward TYPE", "part ended", "part ended", "part ended",
		"report: handler b: " + runner.ErrGoexit.Error(), "report: panic: no",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// TestFollowRefused refuses an event.
func TestFollowRefused(t *testing.T) {
	t.Parallel()
	g := newRigWith(followed, 0)
	g.add("a", nothing)
	g.Handlers.Seal()
	g.Stop()
	g.receive(t, "TYPE", message)
	if got := g.lines(); !slices.Equal(got, []string{"divided into 1", "part ended"}) {
		t.Errorf("%q", got)
	}
}
