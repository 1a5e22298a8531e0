package gateway_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// A slowGate admits when open is closed.
type slowGate struct {
	*fake
	open chan struct{}
}

func (g slowGate) Wait(ctx context.Context, shardID int) error {
	select {
	case <-g.open:
		return g.fake.Wait(ctx, shardID)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilDone is what a dial does that hangs.
func untilDone(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// Whatever the Shard is doing when it is stopped, Run returns at once, and what is open is
// closed with a code that fits.
func TestStop(t *testing.T) {
	for _, tt := range []struct {
		name   string
		prompt bool // nothing needs to be waited for
		change func(f *fake, c *gateway.Config)
		reach  func(r *rig) *peer // nil: there is no connection
	}{
		{"while asking for the URL", true, func(_ *fake, c *gateway.Config) {
			c.URL = func(ctx context.Context, _ bool) (string, error) {
				<-ctx.Done()
				return "", ctx.Err()
			}
		}, func(*rig) *peer { return nil }},
		{"while dialling", true, func(f *fake, _ *gateway.Config) { f.onDial = untilDone },
			func(*rig) *peer { return nil }},
		{"in the upgrade", true, func(f *fake, _ *gateway.Config) {
			f.dial = func() (net.Conn, error) {
				client, server := net.Pipe()
				f.wg.Go(func() { <-f.done; _ = server.Close() })
				return client, nil
			}
		}, func(*rig) *peer { return nil }},
		{"before HELLO", true, nil, func(r *rig) *peer { return r.accept() }},
		{"in the gate", true, func(f *fake, c *gateway.Config) { c.Gate = slowGate{f, nil} },
			func(r *rig) *peer {
				p := r.accept()
				p.hello()
				return p
			}},
		{"before READY", true, nil, func(r *rig) *peer {
			p := r.accept()
			p.hello()
			p.expect(2)
			return p
		}},
		{"when ready", true, nil, func(r *rig) *peer { return r.identify("a") }},
		{"before RESUMED", true, nil, func(r *rig) *peer {
			r.identify("a").reset()
			return r.resume("a", 1)
		}},
		{"in back-off", true, nil, func(r *rig) *peer {
			f := r.fake
			p := r.identify("a")
			f.refuse("", errors.New("network is down"))
			p.reset()
			r.wantState(gateway.Backoff)
			return nil
		}},
		{"while the peer sends without end", true, nil, func(r *rig) *peer {
			p := r.identify("a")
			for i := range 1000 {
				p.dispatch(i+2, "TYPING_START", `{}`)
			}
			return p
		}},
		{"after a refused event", true, func(_ *fake, c *gateway.Config) {
			take := c.Event
			c.Event = func(f *gateway.Frame) gateway.Outcome {
				if take(f); f.Seq > 1 {
					return gateway.Refused
				}
				return gateway.Taken
			}
		}, func(r *rig) *peer {
			p := r.identify("a")
			for i := range 10 {
				p.dispatch(i+2, "MESSAGE_CREATE", `{}`)
			}
			r.wantEvents("MESSAGE_CREATE")
			time.Sleep(10 * time.Minute) // the connection is kept meanwhile
			return p
		}},
		{"while the peer does not read", false, nil, func(r *rig) *peer {
			p := r.identify("a")
			p.deaf.Store(true)
			for range 3 {
				_ = r.shard.Send(4, []byte(`{}`))
			}
			return nil // it cannot hear the close
		}},
	} {
		for _, keep := range []bool{false, true} {
			name := tt.name
			if keep {
				name += ", keeping the session"
			}
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, f *fake) {
					r := start(t, f, func(c *gateway.Config) {
						c.KeepSession = keep
						if tt.change != nil {
							tt.change(f, c)
						}
					})
					p := tt.reach(r)
					synctest.Wait()
					dialled, began := len(r.dialled()), time.Now()
					r.stop()
					if d := time.Since(began); d > 2*time.Second || tt.prompt && d > 0 {
						t.Errorf("Run returned after %v", d)
					}
					if r.err != nil {
						t.Errorf("Run returned %v", r.err)
					}
					want := 1000
					if keep {
						want = 4000
					}
					if p != nil && p.ended() != want {
						t.Errorf("closed with %d, want %d", p.code, want)
					}
					time.Sleep(time.Hour)
					if got := len(r.dialled()); got != dialled {
						t.Errorf("%d connections dialled after the stop", got-dialled)
					}
					r.wantState(gateway.Closed)
				})
			})
		}
	}
}

// A peer that does not answer our close is left after closeTimeout.
func TestStopWithoutAnAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		answer := make(chan struct{})
		p.ws.SetCloseHandler(func(code int, _ string) error {
			p.code = code
			<-answer
			return nil
		})
		began := time.Now()
		r.stop()
		close(answer)
		if d := time.Since(began); d != 2*time.Second || p.ended() != 1000 {
			t.Errorf("left with %d after %v, want 1000 after 2 s", p.code, d)
		}
	})
}

// The handler that blocks is told of the stop by its owner.
func TestStopWhileTheReaderIsHeldUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		stopped, cancel := context.WithCancel(context.Background())
		r := start(t, f, func(c *gateway.Config) {
			c.KeepSession = true
			take := c.Event
			c.Event = func(f *gateway.Frame) gateway.Outcome {
				if f.Seq < 3 {
					return take(f)
				}
				<-stopped.Done()
				return gateway.Refused
			}
		})
		p := r.identify("a")
		p.dispatch(2, "MESSAGE_CREATE", `{}`)
		p.dispatch(3, "MESSAGE_CREATE", `{}`)
		p.dispatch(4, "MESSAGE_CREATE", `{}`)
		r.wantEvents("MESSAGE_CREATE")
		time.Sleep(time.Hour)
		cancel()
		synctest.Wait()
		began := time.Now()
		r.stop()
		if d := time.Since(began); d != 0 || p.ended() != 4000 {
			t.Errorf("closed with %d after %v", p.code, d)
		}
		if got := r.shard.Resumable(); got.ID != "a" || got.Seq != 2 {
			t.Errorf("session %+v, want a with seq 2", got)
		}
	})
}

// What comes behind a refused event is not offered, so that no sequence is left out.
func TestNothingIsOfferedBehindARefusedEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		refuse := int64(3)
		r := start(t, f, func(c *gateway.Config) {
			take := c.Event
			c.Event = func(f *gateway.Frame) gateway.Outcome {
				if f.Seq == refuse {
					return gateway.Refused
				}
				return take(f)
			}
		})
		p := r.identify("a")
		for i := 2; i <= 10; i++ {
			p.dispatch(i, "MESSAGE_CREATE", `{}`)
		}
		r.wantEvents("MESSAGE_CREATE")
		time.Sleep(10 * interval)
		r.noEvents()
		refuse = 0
		r.shard.Restart()
		r.resume("a", 2)
	})
}

// What was closed with 1000 is no session any more.
func TestStopDropsTheSession(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		r.identify("a")
		r.stop()
		if got := r.shard.Resumable(); got.ID != "" {
			t.Errorf("session %+v is left", got)
		}
	})
}

func TestRunAfterTheEndOfItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		r.stop()
		s := gateway.New(gateway.Config{Dialer: f.dialer, Event: r.take, Gate: f})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run returned %v", err)
		}
		if got := s.Status().State; got != gateway.Closed {
			t.Errorf("state %v, want closed", got)
		}
	})
}
