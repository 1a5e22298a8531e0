package gateway_test

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

func TestNoHello(t *testing.T) {
	for _, other := range []string{``, `{"op":11}`, `{"op":1}`, `{"op":99}`} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			p := r.accept()
			if other != "" { // what else comes does not count
				for range 10 {
					p.send("%s", other)
					time.Sleep(5 * time.Second)
				}
			}
			if code := p.ended(); code != 4000 && code != 0 {
				t.Errorf("closed with %d", code)
			}
			if d := r.accept().since.Sub(p.since); d < 30*time.Second || d > 33*time.Second {
				t.Errorf("next connection after %v, want 30 s and a little", d)
			}
		})
	}
}

func TestNoReady(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.accept()
		p.hello()
		p.expect(2)
		began := time.Now()
		if code := p.ended(); code != 4000 {
			t.Errorf("closed with %d, want 4000", code)
		}
		if d := time.Since(began); d != 60*time.Second {
			t.Errorf("closed after %v, want 60 s", d)
		}
		r.wantNext(false)
	})
}

func TestNoResumed(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		r.identify("a").reset()
		p := r.resume("a", 1)
		p.dispatch(2, "MESSAGE_CREATE", `{}`)
		if code := p.ended(); code != 4000 {
			t.Errorf("closed with %d, want 4000", code)
		}
		if d := time.Since(p.since); d != 60*time.Second {
			t.Errorf("closed after %v, want 60 s", d)
		}
		r.resume("a", 2)
	})
}

// The wait for the gate is no part of the wait for READY. One that takes longer than Discord keeps
// a connection without an IDENTIFY is waited for without a connection.
func TestTheGateMayTakeItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		open := make(chan struct{})
		r := start(t, f, func(c *gateway.Config) { c.Gate = slowGate{f, open} })
		p := r.accept()
		p.hello()
		if code := p.ended(); code != 4000 || time.Since(p.since) != 20*time.Second {
			t.Errorf("closed with %d after %v, want 4000 after 20 s", code, time.Since(p.since))
		}
		p = r.accept()
		p.hello()
		time.Sleep(19 * time.Second)
		close(open)
		p.expect(2)
		time.Sleep(59 * time.Second)
		p.ready("a")
		r.wantEvents("READY")
		if got := len(r.dialled()); got != 2 {
			t.Errorf("%d connections, want 2", got)
		}
	})
}

func TestNoACK(t *testing.T) {
	for _, other := range []time.Duration{0, time.Second} { // how often something else comes
		t.Run(fmt.Sprint(other), func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				r := start(t, f)
				// The first two guilds come; the third never does.
				p := r.identify("a", "1", "2", "3")
				p.dispatch(2, "GUILD_CREATE", `{"id":"1"}`)
				p.dispatch(3, "GUILD_CREATE", `{"id":"2"}`)
				r.wantEvents("GUILD_CREATE", "GUILD_CREATE")
				time.Sleep(3 * interval)
				synctest.Wait()
				beats := p.heartbeats()
				time.Sleep(time.Until(beats[len(beats)-1].at.Add(interval + time.Millisecond)))
				p.mute.Store(true)
				muted, seq := time.Now(), 3
				for other > 0 && p.alive() {
					seq++
					p.dispatch(seq, "TYPING_START", `{}`)
					time.Sleep(other)
				}
				if code := p.ended(); code != 4000 && code != 0 {
					t.Errorf("closed with %d", code)
				}
				limit := 2 * interval
				if other == 0 { // nothing at all comes
					limit = interval * 3 / 2
				}
				if d := time.Since(muted); d > limit+other {
					t.Errorf("found after %v, want at most %v", d, limit)
				}
				p = r.accept()
				p.hello()
				p.wantResume("a", int(r.shard.Status().Sequence))
			})
		})
	}
}

// A peer that neither reads nor sends any more.
func TestPeerThatStopsReading(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		time.Sleep(2 * interval)
		p.deaf.Store(true)
		began := time.Now()
		next := r.resume("a", 1)
		if d := next.since.Sub(began); d > 5*interval/2 {
			t.Errorf("found after %v", d)
		}
	})
}

// A peer that stops reading while it goes on sending.
func TestPeerThatOnlySends(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		p.deaf.Store(true)
		began, seq := time.Now(), 1
		for len(r.dialled()) == 1 {
			seq++
			p.dispatch(seq, "TYPING_START", `{}`)
			time.Sleep(time.Second)
		}
		if d := time.Since(began); d > 3*interval {
			t.Errorf("found after %v", d)
		}
		next := r.accept()
		next.hello()
		next.wantResume("a", int(r.shard.Status().Sequence))
	})
}

// While the handler holds up the reader, nobody reads the ACKs.
func TestHeldUpReaderKeepsTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		release := make(chan struct{})
		r := start(t, f, func(c *gateway.Config) {
			take := c.Event
			c.Event = func(f *gateway.Frame) gateway.Outcome {
				take(f)
				if string(f.Type) != "MESSAGE_CREATE" {
					return gateway.Taken
				}
				<-release
				return gateway.TakenLate
			}
		})
		p := r.identify("a")
		time.Sleep(interval + time.Second)
		for i := 2; i < 100; i++ {
			p.dispatch(i, "MESSAGE_CREATE", `{}`)
		}
		time.Sleep(20 * interval)
		synctest.Wait()
		if got := len(p.heartbeats()); got < 20 {
			t.Errorf("%d heartbeats in 21 intervals", got)
		}
		for range 50 { // now and then one goes on
			release <- struct{}{}
			time.Sleep(interval - time.Second)
		}
		close(release)
		time.Sleep(3 * interval)
		r.wantState(gateway.Ready)
		if got := len(r.dialled()); got != 1 {
			t.Errorf("dialled %d times, want once", got)
		}
	})
}

// Until the reader has caught up, an ACK may be late.
func TestLateACKAfterTheReaderWasHeldUp(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		release := make(chan struct{})
		r := start(t, f, func(c *gateway.Config) {
			c.Event = func(f *gateway.Frame) gateway.Outcome {
				if f.Seq == 1 {
					return gateway.Taken
				}
				<-release
				return gateway.TakenLate
			}
		})
		p := r.accept()
		p.hello()
		p.expect(2)
		p.ready("a")
		time.Sleep(3 * interval)
		synctest.Wait()
		beats := p.heartbeats()
		next := beats[len(beats)-1].at.Add(interval)
		p.mute.Store(true)
		p.dispatch(2, "MESSAGE_CREATE", `{}`)
		time.Sleep(time.Until(next.Add(interval - time.Second)))
		close(release)
		time.Sleep(2 * time.Second) // the heartbeat that finds no ACK is due in between
		p.send(`{"op":11}`)
		p.send(`{"op":11}`)
		p.mute.Store(false)
		time.Sleep(3 * interval)
		r.wantState(gateway.Ready)
		if got := len(r.dialled()); got != 1 {
			t.Errorf("dialled %d times, want once", got)
		}
	})
}

// So it is amid a replay, which must not be taken for a RESUME that failed.
func TestHeldUpReplay(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		release := make(chan struct{})
		r := start(t, f, func(c *gateway.Config) {
			take := c.Event
			c.Event = func(f *gateway.Frame) gateway.Outcome {
				if f.Replayed {
					<-release
				}
				take(f)
				return gateway.TakenLate
			}
		})
		r.identify("a").reset()
		p := r.resume("a", 1)
		for i := 2; i <= 10; i++ {
			p.dispatch(i, "MESSAGE_CREATE", `{}`)
		}
		p.dispatch(11, "RESUMED", `{}`)
		for range 9 {
			time.Sleep(2 * time.Minute)
			release <- struct{}{}
			r.wantEvents("MESSAGE_CREATE")
		}
		r.wantEvents("RESUMED")
		time.Sleep(5 * time.Minute)
		r.wantState(gateway.Ready)
		if got := len(r.dialled()); got != 2 {
			t.Errorf("dialled %d times, want twice", got)
		}
	})
}

// Behind the guilds that follow READY an ACK may come an interval and a half late.
func TestLateACKBehindGuilds(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		guilds := make([]string, 500)
		for i := range guilds {
			guilds[i] = strconv.Itoa(i + 1)
		}
		p := r.accept()
		p.mute.Store(true)
		p.hello()
		p.expect(2)
		p.ready("a", guilds...)
		for i, id := range guilds {
			p.dispatch(i+2, "GUILD_CREATE", fmt.Sprintf(`{"id":%q}`, id))
			time.Sleep(interval * 3 / 2 / 500)
		}
		for range p.heartbeats() {
			p.send(`{"op":11}`)
		}
		p.mute.Store(false)
		time.Sleep(3 * interval)
		r.wantState(gateway.Ready)
		if got := len(r.dialled()); got != 1 {
			t.Errorf("dialled %d times, want once", got)
		}
	})
}

func TestHeartbeatIntervals(t *testing.T) {
	for _, d := range []string{
		`{"heartbeat_interval":0}`, `{"heartbeat_interval":-1}`, `{"heartbeat_interval":3600001}`,
		`{"heartbeat_interval":9223372036854775807}`, `{"heartbeat_interval":1e300}`,
		`{"heartbeat_interval":"41250"}`, `{"heartbeat_interval":null}`, `{}`, `null`, `[]`, `7`,
	} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			p := r.accept()
			p.send(`{"op":10,"d":%s}`, d)
			if code := p.ended(); code != 4000 {
				t.Errorf("%s: closed with %d, want 4000", d, code)
			}
			r.identify("a")
		})
	}
}

// A second HELLO changes nothing.
func TestHelloTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		p.hello()
		p.dispatch(2, "MESSAGE_CREATE", `{}`)
		r.wantEvents("MESSAGE_CREATE")
		if _, n := r.counts(); n != 1 {
			t.Errorf("%d IDENTIFYs, want 1", n)
		}
	})
}
