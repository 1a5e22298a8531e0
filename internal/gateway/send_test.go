package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// most returns how many of the arrivals fall into any one minute.
func most(arrivals []time.Time) int {
	n := 0
	for i, first := range arrivals {
		j := i
		for j < len(arrivals) && arrivals[j].Sub(first) < time.Minute {
			j++
		}
		n = max(n, j-i)
	}
	return n
}

func TestSendLimit(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		const commands = 500
		for i := range commands {
			if err := r.shard.Send(4, fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range commands {
			if got := p.expect(4); got["n"] != float64(i) {
				t.Fatalf("command %v, want %d", got["n"], i)
			}
		}
		if n := most(p.arrivals()); n > 120 || n < 115 {
			t.Errorf("%d payloads within a minute", n)
		}
		beats := p.heartbeats()
		for i := 1; i < len(beats); i++ {
			if gap := beats[i].at.Sub(beats[i-1].at); gap != interval {
				t.Errorf("heartbeat %d came %v after the one before", i, gap)
			}
		}
		if d := time.Since(p.since); d > 5*time.Minute {
			t.Errorf("%d commands took %v", commands, d)
		}
	})
}

// What goes out late, because the peer was slow to take it, counts from then on.
func TestSendLimitWithASlowPeer(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		p.delay.Store(int64(50 * time.Millisecond))
		for range 300 {
			if err := r.shard.Send(4, []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
		}
		for range 300 {
			p.expect(4)
		}
		if n := most(p.arrivals()); n > 120 {
			t.Errorf("%d payloads within a minute", n)
		}
	})
}

// A peer that takes a command in half a second does not keep heartbeats from going out.
func TestHeartbeatsGoBetweenCommands(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		time.Sleep(interval)
		p.delay.Store(int64(2 * time.Second))
		for range 100 {
			if err := r.shard.Send(4, []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * interval)
		r.wantState(gateway.Ready)
		if n := len(p.heartbeats()); n < 5 {
			t.Errorf("%d heartbeats in 6 intervals", n)
		}
	})
}

func TestCommandSize(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		for _, tt := range []struct {
			op, size int
			ok       bool
		}{{4, 4096, true}, {4, 4097, false}, {3, 3072, true}, {3, 3073, false}} {
			around := len(fmt.Sprintf(`{"op":%d,"d":""}`, tt.op))
			d := `"` + strings.Repeat("<", tt.size-around) + `"`
			err := r.shard.Send(tt.op, []byte(d))
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, gateway.ErrPayloadTooLarge) {
				t.Errorf("op %d with %d bytes: %v", tt.op, tt.size, err)
			}
			if tt.ok {
				if m := p.next(); m.Op != tt.op || string(m.D) != d {
					t.Errorf("op %d with %d bytes arrived as op %d with %d", tt.op, tt.size, m.Op, len(m.D))
				}
			}
		}
		if err := r.shard.Send(4, []byte(`{"a":`)); err == nil {
			t.Error("a command that is no JSON was taken")
		}
	})
}

func TestQueueFull(t *testing.T) {
	s := gateway.New(gateway.Config{})
	n := 0
	var err error
	for ; err == nil && n < 5000; n++ {
		err = s.Send(4, []byte(`{}`))
	}
	if !errors.Is(err, gateway.ErrQueueFull) || n != 1025 {
		t.Errorf("command %d: %v, want ErrQueueFull at 1025", n, err)
	}
}

func TestSendWhileDisconnected(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		send := func(n int) {
			if err := r.shard.Send(4, fmt.Appendf(nil, `{"n":%d}`, n)); err != nil {
				t.Fatal(err)
			}
		}
		send(1)
		p := r.accept()
		p.hello()
		p.expect(2) // and not the command
		synctest.Wait()
		p.ready("a")
		if got := p.expect(4); got["n"] != 1.0 {
			t.Errorf("command %v", got)
		}
		f.refuse("", errors.New("network is down"))
		p.reset()
		p.ended()
		synctest.Wait()
		send(2)
		send(3)
		time.Sleep(10 * time.Minute)
		f.refuse("", nil)
		p = r.resume("a", 1)
		synctest.Wait()
		p.dispatch(2, "RESUMED", `{}`)
		for _, n := range []float64{2, 3} {
			if got := p.expect(4); got["n"] != n {
				t.Errorf("command %v, want %v", got, n)
			}
		}
	})
}

// A command that could not be written goes out over the next connection.
func TestCommandThatCouldNotBeWritten(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		p.deaf.Store(true)
		for i := range 4 { // the first one is still read
			if err := r.shard.Send(4, fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.expect(4); got["n"] != 0.0 {
			t.Errorf("command %v", got)
		}
		p = r.resume("a", 1)
		p.dispatch(2, "RESUMED", `{}`)
		for _, n := range []float64{1, 2, 3} {
			if got := p.expect(4); got["n"] != n {
				t.Errorf("command %v, want %v", got, n)
			}
		}
	})
}

func TestPresence(t *testing.T) {
	presence := func(s string) json.RawMessage { return fmt.Appendf(nil, `{"status":%q}`, s) }
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, func(c *gateway.Config) { c.Presence = presence("configured") })
		send := func(s string) {
			if err := r.shard.Send(3, presence(s)); err != nil {
				t.Fatal(err)
			}
		}
		status := func(d map[string]any) any {
			p, ok := d["presence"].(map[string]any)
			if ok {
				return p["status"]
			}
			return d["status"]
		}
		p := r.accept()
		p.hello()
		if got := status(p.expect(2)); got != "configured" {
			t.Errorf("IDENTIFY with presence %v", got)
		}
		for _, s := range []string{"one", "two", "three"} {
			send(s) // not ready: the last one replaces the others
		}
		if err := r.shard.Send(4, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		p.ready("a")
		if got := status(p.expect(3)); got != "three" {
			t.Errorf("presence %v, want the last one", got)
		}
		p.expect(4)
		// A new session starts with the last one, even if it has not been sent.
		f.refuse("", errors.New("network is down"))
		f.kill("a")
		p.send(`{"op":9,"d":false}`)
		p.ended()
		send("four")
		send("five")
		f.refuse("", nil)
		p = r.accept()
		p.hello()
		if got := status(p.expect(2)); got != "five" {
			t.Errorf("IDENTIFY with presence %v, want the last one", got)
		}
		p.ready("b")
		r.wantEvents("READY", "READY")
		synctest.Wait()
		select {
		case m := <-p.in:
			t.Errorf("op %d with %s came on top of IDENTIFY", m.Op, m.D)
		default:
		}
		// A resumed one keeps its own.
		p.reset()
		p = r.resume("b", 1)
		send("six")
		p.dispatch(2, "RESUMED", `{}`)
		if got := status(p.expect(3)); got != "six" {
			t.Errorf("presence %v, want six", got)
		}
	})
}
