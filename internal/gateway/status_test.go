package gateway_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/testkit"
)

func TestStatusStates(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		var mu sync.Mutex
		var states []gateway.State
		r := start(t, f, func(c *gateway.Config) {
			c.Changed = func(st gateway.Status) {
				mu.Lock()
				defer mu.Unlock()
				states = append(states, st.State)
			}
		})
		p := r.identify("a")
		p.reset()
		p = r.resume("a", 1)
		p.dispatch(2, "RESUMED", `{}`)
		r.wantEvents("RESUMED")
		r.stop()
		want := []gateway.State{
			gateway.Connecting, gateway.Identifying, gateway.Ready, gateway.Backoff,
			gateway.Connecting, gateway.Resuming, gateway.Ready, gateway.Closed,
		}
		if !slices.Equal(states, want) {
			t.Errorf("states %v, want %v", states, want)
		}
	})
}

func TestStateString(t *testing.T) {
	want := []string{"unknown", "idle", "connecting", "identifying", "resuming", "ready", "backoff",
		"fatal", "closed", "unknown"}
	for i, w := range want {
		if got := gateway.State(i - 1).String(); got != w {
			t.Errorf("State(%d) is %q, want %q", i-1, got, w)
		}
	}
}

func TestStatusGuilds(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a", "1", "2", "3", "18446744073709551615")
		check := func(available, unavailable int) {
			t.Helper()
			synctest.Wait()
			if st := r.shard.Status(); st.Guilds != available || st.Unavailable != unavailable {
				t.Errorf("%d guilds and %d unavailable, want %d and %d",
					st.Guilds, st.Unavailable, available, unavailable)
			}
		}
		check(0, 4)
		p.dispatch(2, "GUILD_CREATE", `{"id":"1"}`)
		p.dispatch(3, "GUILD_CREATE", `{"id":"2","unavailable":false}`)
		check(2, 2)
		p.dispatch(4, "GUILD_DELETE", `{"id":"1","unavailable":true}`) // an outage
		check(1, 3)
		p.dispatch(5, "GUILD_DELETE", `{"id":"2"}`) // the bot was removed
		check(0, 3)
		p.dispatch(6, "GUILD_CREATE", `{"id":"9"}`) // the bot was added
		check(1, 3)
		f.kill("a")
		p.send(`{"op":9,"d":false}`)
		r.wantEvents("GUILD_CREATE", "GUILD_CREATE", "GUILD_DELETE", "GUILD_DELETE", "GUILD_CREATE")
		r.identify("b", "9")
		check(0, 1)
	})
}

func TestStatusTimes(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		ready := time.Now()
		p.mute.Store(true)
		var last time.Time
		for i := range 6 { // an ACK after 10, 20, … ms
			latency := time.Duration(i+1) * 10 * time.Millisecond
			for len(p.heartbeats()) == i {
				time.Sleep(time.Millisecond)
				synctest.Wait()
			}
			time.Sleep(time.Until(p.heartbeats()[i].at.Add(latency)))
			p.send(`{"op":11}`)
			synctest.Wait()
			last = time.Now()
		}
		p.mute.Store(false)
		st := r.shard.Status()
		if st.Latency != 60*time.Millisecond || st.AverageLatency != 40*time.Millisecond {
			t.Errorf("latency %v and %v on average, want 60 ms and 40 ms", st.Latency, st.AverageLatency)
		}
		if !st.LastACK.Equal(last) || !st.SessionSince.Equal(ready) || !st.Since.Equal(ready) || !st.DownSince.IsZero() {
			t.Errorf("status %+v", st)
		}
	})
}

// The latency is that of the first heartbeat that an ACK can be for.
func TestLatencyWithAHeartbeatOnRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		p.mute.Store(true)
		p.send(`{"op":1}`)
		time.Sleep(50 * time.Millisecond)
		p.send(`{"op":1}`)
		time.Sleep(50 * time.Millisecond)
		p.send(`{"op":11}`)
		p.send(`{"op":11}`)
		synctest.Wait()
		first := p.heartbeats()[0].at // the regular one, if that came even earlier
		if got := r.shard.Status().Latency; got != time.Since(first) {
			t.Errorf("latency %v, want %v", got, time.Since(first))
		}
	})
}

func TestStatusInBackoff(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		down := errors.New("network is down")
		f.refuse("", down)
		began := time.Now()
		r := start(t, f)
		for i := range 50 {
			r.wantState(gateway.Backoff)
			st := r.shard.Status()
			if !errors.Is(st.Err, down) || st.RetryAt.Before(st.Since) {
				t.Errorf("status %+v", st)
			}
			if !st.DownSince.Equal(began) || st.FailedDials != uint64(i+1) || len(st.Disconnects) > 0 {
				t.Errorf("attempt %d: down since %v, want %v; %d failed dials, disconnects %v",
					i, st.DownSince, began, st.FailedDials, st.Disconnects)
			}
			dialled := len(r.dialled())
			time.Sleep(time.Until(st.RetryAt) - time.Nanosecond)
			synctest.Wait()
			if got := len(r.dialled()); got != dialled {
				t.Error("dialled before RetryAt")
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if got := len(r.dialled()); got != dialled+1 {
				t.Errorf("dialled %d times at RetryAt", got-dialled)
			}
		}
	})
}

func TestStatusCountsDisconnects(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		seq := 1
		p := r.identify("a")
		for _, code := range []int{4000, 4000, 1006, 4008} {
			if code == 1006 {
				p.reset()
			} else {
				p.close(code)
			}
			p = r.resume("a", seq)
			seq++
			p.dispatch(seq, "RESUMED", `{}`)
			r.wantEvents("RESUMED")
		}
		st := r.shard.Status()
		if d := st.Disconnects; len(d) != 3 || d[4000] != 2 || d[0] != 1 || d[4008] != 1 {
			t.Errorf("disconnects %v", d)
		}
		if st.Events != 5 || st.Resumes != 4 || st.Identifies != 1 {
			t.Errorf("status %+v", st)
		}
		st.Disconnects[1] = 1 // a copy
		if got := r.shard.Status().Disconnects[1]; got != 0 {
			t.Error("the snapshot is not a copy")
		}
	})
}

// No field of any status tells the token.
func TestTokenIsNotLogged(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		var log testkit.Log
		r := start(t, f, func(c *gateway.Config) {
			c.Token = "hush"
			c.Logger = log.JSON()
		})
		p := r.identify("a")
		p.close(4002)
		p = r.accept()
		p.hello()
		p.expect(6)
		p.send(`{"op":"?"}`)
		p.ended()
		f.refuse("", errors.New("network is down"))
		time.Sleep(time.Minute)
		if strings.Contains(log.String(), "hush") || !strings.Contains(log.String(), "4002") {
			t.Errorf("log: %s", log.String())
		}
	})
}
