package gateway_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// TestBackoff checks the range from which a wait is drawn, by the time since the loss.
func TestBackoff(t *testing.T) {
	session := gateway.Session{ID: "a"}
	type ends = []gateway.Ending
	stable := gateway.Ending{Hello: true, Stable: true, Resume: true}
	dial, resume := gateway.Ending{}, gateway.Ending{Hello: true, Resume: true}
	identify := gateway.Ending{Hello: true}
	refused := gateway.Ending{Hello: true, Invalid: true}
	for _, tt := range []struct {
		name     string
		session  gateway.Session
		before   ends // in equal parts of the time since the loss, the loss first
		since    time.Duration
		end      gateway.Ending
		from, to time.Duration
	}{
		{"first dial", gateway.Session{}, nil, 0, dial, 0, time.Second},
		{"the loss", session, nil, 0, stable, 0, time.Second},
		{"a loss after an outage", session, ends{stable, dial}, time.Hour, stable, 0, time.Second},
		{"dial after 3 s", session, ends{stable, dial}, 3 * time.Second, dial, 0, time.Second},
		{"dial after 12 s", session, ends{stable, dial}, 12 * time.Second, dial, 0, 3 * time.Second},
		{"dial after 59 s", session, ends{stable, dial}, 59 * time.Second, dial, 0, 5 * time.Second},
		{"dial after 100 s", session, ends{stable, dial}, 100 * time.Second, dial, 0, 25 * time.Second},
		{"dial that hung", session, ends{stable, dial}, 59 * time.Second,
			gateway.Ending{Dialing: 10 * time.Second}, 0, time.Second},
		{"dials for ever", session, ends{stable, dial}, 24 * time.Hour, dial, 0, 30 * time.Second},
		{"resumes for ever", session, ends{stable, resume}, time.Hour, resume, 0, 30 * time.Second},
		{"fourth identify", gateway.Session{}, ends{stable, identify, identify, identify}, time.Hour, identify,
			0, 16 * time.Second},
		{"identifies for ever", gateway.Session{}, slices.Repeat(ends{identify}, 50), 12 * time.Hour, identify,
			0, 600 * time.Second},
		{"the first identify after an outage", gateway.Session{}, ends{stable, dial}, time.Hour, identify,
			0, 2 * time.Second},
		{"op 9 in answer to RESUME", gateway.Session{}, ends{stable, dial, dial}, 50 * time.Second,
			gateway.Ending{Hello: true, Invalid: true, Resume: true}, time.Second, 5 * time.Second},
		{"op 9 amid events", gateway.Session{}, nil, 0, gateway.Ending{Hello: true, Stable: true, Invalid: true},
			time.Second, 5 * time.Second},
		{"op 9 in answer to the first IDENTIFY", gateway.Session{}, nil, 0, refused, time.Second, 5 * time.Second},
		{"op 7", session, nil, 0, gateway.Ending{Hello: true, Stable: true, Reconnect: true}, 0, 1},
		{"op 7 again", session, ends{stable}, 8 * time.Second,
			gateway.Ending{Hello: true, Reconnect: true, Resume: true}, 0, 2 * time.Second},
		{"restart", session, ends{stable, resume}, time.Hour, gateway.Ending{Hello: true, Restart: true}, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lowest, highest := time.Duration(1<<62), time.Duration(0)
				for range 200 {
					s := gateway.New(gateway.Config{Session: tt.session})
					for _, e := range tt.before {
						s.Backoff(e)
						time.Sleep(tt.since / time.Duration(len(tt.before)))
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
		})
	}
}

// A connection that lives for some seconds is a success, whatever came before.
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
	if got := longest(6 * time.Second); got >= time.Second {
		t.Errorf("waited up to %v between connections that last", got)
	}
	if got := longest(4 * time.Second); got < 6*time.Second || got > 30*time.Second {
		t.Errorf("waited up to %v between connections that do not last, want 30 s", got)
	}
}

// Outages of some length are over soon after their end: a quarter of their length at most, 5 s in
// the first minute.
func TestBackAfterAnOutage(t *testing.T) {
	for _, away := range []time.Duration{0, 3 * time.Second, 20 * time.Second, 55 * time.Second, 10 * time.Minute} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			p := r.identify("a")
			time.Sleep(stable)
			f.refuse("", errors.New("network is down"))
			p.reset()
			time.Sleep(away)
			f.refuse("", nil)
			up := time.Now()
			r.resume("a", 1)
			limit := max(time.Second, min(away/4, 30*time.Second)) + time.Second
			if away < time.Minute {
				limit = min(limit, 6*time.Second)
			}
			if d := time.Since(up); d > limit {
				t.Errorf("back %v after an outage of %v", d, away)
			}
		})
	}
}

// After a cut of a connection that has lived for 5 s the median shard is back in half a second.
func TestRecoveryAfterACut(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		var took []time.Duration
		for i := range 101 {
			time.Sleep(stable)
			cut := time.Now()
			p.reset()
			p = r.resume("a", i+1)
			p.dispatch(i+2, "RESUMED", `{}`)
			r.wantEvents("RESUMED")
			took = append(took, time.Since(cut))
		}
		slices.Sort(took)
		if median, worst := took[50], took[100]; median > 700*time.Millisecond || worst >= time.Second {
			t.Errorf("back after %v in the median, %v at worst", median, worst)
		}
	})
}

// Op 7 reconnects at once, again and again; but not in a loop.
func TestReconnectAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		for i := range 5 {
			time.Sleep(stable)
			asked := time.Now()
			p.send(`{"op":7}`)
			p = r.resume("a", i+1)
			if d := time.Since(asked); d > 0 {
				t.Errorf("back %v after op 7", d)
			}
			p.dispatch(i+2, "RESUMED", `{}`)
			r.wantEvents("RESUMED")
		}
		began := time.Now()
		for range 100 {
			p.send(`{"op":7}`)
			p = r.accept()
		}
		if d := time.Since(began); d < 30*time.Second {
			t.Errorf("100 times op 7 in place of HELLO took %v", d)
		}
	})
}

// stable is how long a connection lives that counts as a success.
const stable = 5 * time.Second

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

// However a shard loses its session, again and again for a day: the reserve is not touched.
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
				d := newDaily(1000)
				q := gateway.NewQueue(gateway.QueueConfig{Limit: d.limit})
				r := start(t, f, func(c *gateway.Config) { c.Gate = counted{f, q, d} })
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
				if _, n := f.counts(); d.low() < 50 || n < 100 {
					t.Errorf("%d IDENTIFYs in a day, %d left", n, d.low())
				}
			})
		})
	}
}

// counted counts for the fake what another gate admits.
type counted struct {
	f    *fake
	gate gateway.Gate
	d    *daily
}

func (g counted) Near(ctx context.Context, shardID int, waits func()) (func(), error) {
	return g.gate.Near(ctx, shardID, waits)
}

func (g counted) Wait(ctx context.Context, shardID int) error {
	if err := g.gate.Wait(ctx, shardID); err != nil {
		return err
	}
	g.d.spend()
	return g.f.Wait(ctx, shardID)
}

func (g counted) Identified(shardID int) { g.gate.Identified(shardID) }
