package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/rest"
)

// A recorder keeps the spans of calls as lines, in the order in which they ended: what it was, how
// long it took, and what came of it.
type recorder struct {
	mu    sync.Mutex // guards lines
	lines []string
}

type spanKey struct{}

func (r *recorder) trace(ctx context.Context, s rest.Span) (context.Context, func(rest.Result)) {
	name := s.Method + " " + s.Route
	switch s.Step {
	case rest.StepWait:
		name = fmt.Sprintf("wait %s %d", s.Reason, s.Attempt)
	case rest.StepAttempt:
		name = fmt.Sprint("attempt ", s.Attempt)
	}
	if outer, ok := ctx.Value(spanKey{}).(string); ok {
		name = outer + " > " + name
	}
	start := time.Now()
	return context.WithValue(ctx, spanKey{}, name), func(res rest.Result) {
		r.mu.Lock()
		defer r.mu.Unlock()
		line := fmt.Sprintf("%s: %v", name, time.Since(start).Round(10*time.Millisecond))
		if res.Status != 0 {
			line += fmt.Sprint(", ", res.Status)
		}
		if res.Scope != "" {
			line += ", " + res.Scope
		}
		if res.Err != nil {
			line += ", failed"
		}
		r.lines = append(r.lines, line)
	}
}

func TestSpans(t *testing.T) {
	const path = "/guilds/1/roles"
	const call = "GET /guilds/{id}/roles"
	tests := []struct {
		name string
		d    *discord
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		want []string // of the last call
	}{
		{"nothing to wait for", &discord{}, nil, []string{
			call + " > attempt 1: 30ms, 200", call + ": 30ms, 200"}},
		{"a bucket", &discord{limit: 1, window: 2 * time.Second}, nil, []string{
			call + " > wait user 1: 2s", call + " > attempt 1: 30ms, 200", call + ": 2.03s, 200"}},
		{"gives up", &discord{limit: 1, window: 2 * time.Second}, giveUp(time.Second), []string{
			call + " > wait user 1: 1s, failed", call + ": 1s, failed"}},
		{"refused to wait", &discord{limit: 1, window: 2 * time.Second}, noWait, []string{
			call + ": 0s, user, failed"}},
		{"a shared limit", &discord{fault: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return tooMany(time.Second, "shared", nil), nil
			}
			return nil, nil
		}}, nil, []string{
			call + " > attempt 1: 30ms, 429, shared", call + " > wait shared 2: 1s",
			call + " > attempt 2: 30ms, 200", call + ": 1.06s, 200"}},
		{"the global limit", &discord{fault: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return tooMany(time.Second, "global", nil), nil
			}
			return nil, nil
		}}, nil, []string{
			call + " > attempt 1: 30ms, 429, global", call + " > wait global 2: 1s",
			call + " > attempt 2: 30ms, 200", call + ": 1.06s, 200"}},
		{"no answer", &discord{fault: func(n int, _ *http.Request) (*http.Response, error) {
			if n > 0 {
				return nil, reset()
			}
			return nil, nil
		}}, giveUp(time.Millisecond), []string{
			call + " > attempt 1: 0s, failed", call + ": 0s, failed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.d.latency = latency
				rec := &recorder{}
				rt := rest.New(rest.Config{Next: tt.d, Trace: rec.trace})
				if err := get(t.Context(), rt, path); err != nil {
					t.Fatal(err)
				}
				rec.lines = nil
				ctx := t.Context()
				if tt.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = tt.ctx(ctx)
					defer cancel()
				}
				_ = get(ctx, rt, path)
				if !slices.Equal(rec.lines, tt.want) {
					t.Errorf("got\n%s\nwant\n%s", strings.Join(rec.lines, "\n"), strings.Join(tt.want, "\n"))
				}
			})
		})
	}
}

// giveUp ends a context that has no deadline, after d.
func giveUp(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

func noWait(ctx context.Context) (context.Context, context.CancelFunc) {
	return rest.NoWait(ctx), func() {}
}

// TestSpansOfRetries looks at attempts whose pauses are random.
func TestSpansOfRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		rt := rest.New(rest.Config{Trace: rec.trace, Next: &discord{latency: latency,
			fault: fails(2, func() *http.Response { return answer(502, nil, "<html>") })}})
		if err := get(t.Context(), rt, "/guilds/1/roles"); err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, line := range rec.lines {
			_, step, _ := strings.Cut(line, " > ")
			steps = append(steps, step)
		}
		if len(steps) != 6 || steps[0] != "attempt 1: 30ms, 502" || steps[2] != "attempt 2: 30ms, 502" ||
			!strings.HasPrefix(steps[1], "wait retry 2: ") || !strings.HasPrefix(steps[3], "wait retry 3: ") ||
			steps[4] != "attempt 3: 30ms, 200" {
			t.Errorf("%q", rec.lines)
		}
	})
}

// TestNobodyTraces says what a call allocates where nobody follows it: the call itself, its deadline
// and a copy of the request for it, as before there were spans.
func TestNobodyTraces(t *testing.T) {
	resp := &http.Response{StatusCode: 200}
	next := roundTripper(func(*http.Request) (*http.Response, error) {
		resp.Header, resp.Body = http.Header{}, http.NoBody
		return resp, nil
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://discord.com/api/v9/channels/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	allocs := func(cfg rest.Config) float64 {
		cfg.Next, cfg.Global = next, -1
		rt := rest.New(cfg)
		return testing.AllocsPerRun(1000, func() {
			resp, err := rt.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		})
	}
	without := allocs(rest.Config{})
	with := allocs(rest.Config{Trace: func(ctx context.Context, _ rest.Span) (context.Context, func(rest.Result)) {
		return ctx, func(rest.Result) {}
	}})
	if want := 8.0; without > want || with < without {
		t.Errorf("%v allocations, want at most %v; %v with a tracer", without, want, with)
	}
}
