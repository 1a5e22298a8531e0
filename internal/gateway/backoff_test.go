package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// TestBackoff checks the range from which the wait after the nth failure is drawn.
func TestBackoff(t *testing.T) {
	session := gateway.Session{ID: "a"}
	lost := gateway.Ending{Hello: true}
	for _, tt := range []struct {
		name     string
		session  gateway.Session
		before   []gateway.Ending // the ends that came before
		repeat   int              // of the last of them
		end      gateway.Ending
		from, to time.Duration
	}{
		{"first dial", gateway.Session{}, nil, 0, gateway.Ending{}, 0, time.Second},
		{"third dial", gateway.Session{}, []gateway.Ending{{}}, 2, gateway.Ending{}, 0, 4 * time.Second},
		{"dials for ever", gateway.Session{}, []gateway.Ending{{}}, 1 << 10, gateway.Ending{},
			0, 30 * time.Second},
		{"first resume", session, nil, 0, lost, 0, time.Second},
		{"second resume", session, []gateway.Ending{lost}, 1, lost, 0, 2 * time.Second},
		{"resumes for ever", session, []gateway.Ending{lost}, 1 << 10, lost, 0, 30 * time.Second},
		{"first identify", gateway.Session{}, nil, 0, lost, 0, time.Second},
		{"sixth identify", gateway.Session{}, []gateway.Ending{lost}, 5, lost, 0, 32 * time.Second},
		{"identifies for ever", gateway.Session{}, []gateway.Ending{lost}, 1 << 10, lost,
			0, 600 * time.Second},
		{"a failed dial between", session, []gateway.Ending{lost, lost, {}}, 1, lost,
			0, 4 * time.Second},
		{"a dial after many resumes", session, []gateway.Ending{lost}, 9, gateway.Ending{},
			0, time.Second},
		{"a dial after a HELLO", session, []gateway.Ending{{}, {}, {}, {}, lost}, 1, gateway.Ending{},
			0, time.Second},
		{"after a stable one", session, []gateway.Ending{lost}, 9,
			gateway.Ending{Hello: true, Stable: true}, 0, time.Second},
		{"second after a stable one", session,
			[]gateway.Ending{lost, lost, {Hello: true, Stable: true}}, 1, lost, 0, 2 * time.Second},
		{"invalid session", gateway.Session{}, nil, 0, gateway.Ending{Hello: true, Invalid: true},
			time.Second, 5 * time.Second},
		{"restart", session, []gateway.Ending{lost}, 9, gateway.Ending{Hello: true, Restart: true},
			0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lowest, highest := time.Duration(1<<62), time.Duration(0)
			for range 200 {
				s := gateway.New(gateway.Config{Session: tt.session})
				for _, e := range tt.before {
					s.Backoff(e)
				}
				for range tt.repeat - 1 {
					s.Backoff(tt.before[len(tt.before)-1])
				}
				d := s.Backoff(tt.end)
				lowest, highest = min(lowest, d), max(highest, d)
			}
			if lowest < tt.from || highest >= tt.to {
				t.Errorf("waits of %v to %v, want %v to %v", lowest, highest, tt.from, tt.to)
			}
			// Full jitter: 200 draws miss the outer quarters once in 1e24 runs.
			if spread := (tt.to - tt.from) / 4; lowest > tt.from+spread || highest < tt.to-spread-1 {
				t.Errorf("waits of %v to %v do not fill %v to %v", lowest, highest, tt.from, tt.to)
			}
		})
	}
}

func TestBackoffStartsAnewOnlyAfterAStableConnection(t *testing.T) {
	longest := func(life time.Duration) time.Duration {
		var longest time.Duration
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			p := r.identify("a")
			for i := range 40 {
				time.Sleep(life)
				lost := time.Now()
				p.reset()
				p = r.resume("a", i+1)
				longest = max(longest, p.since.Sub(lost))
				p.dispatch(i+2, "RESUMED", `{}`)
				r.wantEvents("RESUMED")
			}
		})
		return longest
	}
	if got := longest(61 * time.Second); got >= time.Second {
		t.Errorf("waited up to %v between connections that last", got)
	}
	if got := longest(59 * time.Second); got < 10*time.Second || got > 30*time.Second {
		t.Errorf("waited up to %v between connections that do not last, want 30 s", got)
	}
}

func TestFailingDialsAreRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		var renewals int
		f.refuse("", context.DeadlineExceeded)
		r := start(t, f, func(c *gateway.Config) {
			c.URL = func(_ context.Context, renew bool) (string, error) {
				if renew {
					renewals++
				}
				return gatewayURL, nil
			}
		})
		time.Sleep(time.Hour)
		n := len(r.dialled())
		if n < 150 || n > 400 { // one in 15 s on average
			t.Errorf("%d attempts in an hour", n)
		}
		f.refuse("", nil)
		r.identify("a")
		if n := len(r.dialled()); renewals != n-1 {
			t.Errorf("URL renewed %d times for %d dials", renewals, n)
		}
	})
}

// flap loses the session of each connection, in a way of its own, for a day.
func TestFlappingConnectionSparesTheBudget(t *testing.T) {
	for name, tt := range map[string]struct {
		life time.Duration
		lose func(p *peer)
	}{
		"ready, then 4007":               {0, func(p *peer) { p.close(4007) }},
		"ready, then 4003":               {5 * time.Second, func(p *peer) { p.close(4003) }},
		"op 9":                           {0, func(p *peer) { p.send(`{"op":9,"d":false}`) }},
		"stable each time, then 4009":    {2 * time.Minute, func(p *peer) { p.close(4009) }},
		"stable for long, then a 4009":   {10 * time.Minute, func(p *peer) { p.close(4009) }},
		"ready, then 4002 and no RESUME": {0, func(p *peer) { p.close(4002) }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				q := gateway.NewQueue(gateway.QueueConfig{
					Limit: func(context.Context) (gateway.Limit, error) {
						return gateway.Limit{Total: 1000, Remaining: 1000, MaxConcurrency: 1}, nil
					},
				})
				r := start(t, f, func(c *gateway.Config) { c.Gate = counted{f, q} })
				for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); {
					p := r.accept()
					p.hello()
					select {
					case m := <-p.in:
						if m.Op == 6 {
							p.send(`{"op":9,"d":false}`)
							p.ended()
							continue
						}
					case <-time.After(time.Until(end)):
						continue
					}
					p.ready("a")
					time.Sleep(tt.life)
					tt.lose(p)
					p.ended()
				}
				if _, n := f.counts(); n >= 100 || n < 50 {
					t.Errorf("%d IDENTIFYs in a day, want fewer than 100", n)
				}
			})
		})
	}
}

// counted counts for the fake what another gate admits.
type counted struct {
	f    *fake
	gate gateway.Gate
}

func (g counted) Wait(ctx context.Context, shardID int) error {
	if err := g.gate.Wait(ctx, shardID); err != nil {
		return err
	}
	return g.f.Wait(ctx, shardID)
}
