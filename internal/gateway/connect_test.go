package gateway_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

func TestIdentifyThenEventsInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, func(c *gateway.Config) {
			c.ShardID, c.ShardCount, c.LargeThreshold = 2, 4, 250
			c.Presence = json.RawMessage(`{"status":"idle"}`)
		})
		p := r.accept()
		if got := p.query.Encode(); got != "encoding=json&v=10" {
			t.Errorf("query %q", got)
		}
		p.hello()
		d := p.expect(2)
		delete(d, "properties")
		want := map[string]any{
			"token": "secret", "intents": 513.0, "shard": []any{2.0, 4.0},
			"large_threshold": 250.0, "presence": map[string]any{"status": "idle"},
		}
		if !reflect.DeepEqual(d, want) {
			t.Errorf("IDENTIFY with %v, want %v", d, want)
		}
		r.wantState(gateway.Identifying)
		p.ready("a")
		r.wantEvents("READY")
		for i := 2; i < 200; i++ {
			p.dispatch(i, "MESSAGE_CREATE", fmt.Sprintf(`{"n":%d}`, i))
		}
		for i := 2; i < 200; i++ {
			want := event{"MESSAGE_CREATE", fmt.Sprintf(`{"n":%d}`, i), int64(i), false}
			if got := r.event(); got != want {
				t.Fatalf("event %+v, want %+v", got, want)
			}
		}
		r.wantState(gateway.Ready)
	})
}

func TestIdentifyLeavesOutWhatIsUnset(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.accept()
		p.hello()
		d := p.expect(2)
		for _, name := range []string{"presence", "large_threshold"} {
			if v, ok := d[name]; ok {
				t.Errorf("IDENTIFY has %s %v", name, v)
			}
		}
	})
}

func TestHeartbeat(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.accept()
		p.hello()
		p.expect(2)
		began := time.Now()
		time.Sleep(interval) // the first one goes out before READY
		synctest.Wait()
		beats := p.heartbeats()
		if len(beats) == 0 {
			t.Fatal("no heartbeat within the first interval")
		}
		if string(beats[0].D) != "null" {
			t.Errorf("first heartbeat with d %s, want null", beats[0].D)
		}
		if first := beats[0].at.Sub(began); first >= interval {
			t.Errorf("first heartbeat after %v, want less than %v", first, interval)
		}
		p.ready("a")
		p.dispatch(7, "TYPING_START", `{}`)
		r.wantEvents("READY", "TYPING_START")
		time.Sleep(10 * interval)
		synctest.Wait()
		beats = p.heartbeats()
		if len(beats) < 11 {
			t.Fatalf("%d heartbeats within 11 intervals", len(beats))
		}
		for i := 1; i < len(beats); i++ {
			if gap := beats[i].at.Sub(beats[i-1].at); gap != interval {
				t.Errorf("heartbeat %d came %v after the one before", i, gap)
			}
			if string(beats[i].D) != "7" {
				t.Errorf("heartbeat %d with d %s, want 7", i, beats[i].D)
			}
		}
	})
}

func TestFirstHeartbeatIsSpread(t *testing.T) {
	var early, late int
	for range 40 {
		inBubble(t, func(t *testing.T, f *fake) {
			p := start(t, f).accept()
			p.hello()
			time.Sleep(interval)
			synctest.Wait()
			if first := p.heartbeats()[0].at.Sub(p.since); first < interval/2 {
				early++
			} else {
				late++
			}
		})
	}
	// By chance alone one of them stays 0 once in 5e11 runs.
	if early == 0 || late == 0 {
		t.Errorf("%d first heartbeats came early and %d late", early, late)
	}
}

func TestHeartbeatOnRequest(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		for range 3 { // whether or not the regular one is near
			synctest.Wait()
			had := len(p.heartbeats())
			asked := time.Now()
			p.send(`{"t":null,"s":null,"op":1,"d":null}`)
			synctest.Wait()
			beats := p.heartbeats()
			if len(beats) != had+1 || !beats[had].at.Equal(asked) || string(beats[had].D) != "1" {
				t.Errorf("op 1 was answered by %d heartbeats", len(beats)-had)
			}
			time.Sleep(interval/3 + time.Second)
		}
	})
}

// A heartbeat that Discord asks for just before the regular one is not acknowledged by then.
func TestHeartbeatOnRequestIsNotMissed(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		time.Sleep(interval)
		synctest.Wait()
		next := p.heartbeats()[0].at.Add(interval)
		time.Sleep(time.Until(next) - time.Millisecond)
		p.mute.Store(true)
		p.send(`{"op":1,"d":null}`)
		time.Sleep(100 * time.Millisecond)
		p.mute.Store(false)
		p.send(`{"op":11}`)
		p.send(`{"op":11}`)
		time.Sleep(3 * interval)
		r.wantState(gateway.Ready)
		if got := len(r.dialled()); got != 1 {
			t.Errorf("dialled %d times, want once", got)
		}
	})
}

func TestOnlyReadyAndResumedMakeReady(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		r.wantState(gateway.Connecting)
		p := r.accept()
		p.send(`{"op":11}`)
		p.send(`{"op":1}`)
		r.wantState(gateway.Connecting)
		p.hello()
		p.expect(2)
		p.send(`{"op":11}`)
		p.send(`{"op":1}`)
		p.send(`{"op":99,"d":{}}`)
		p.dispatch(1, "RESUMED", `{}`) // nobody has asked for it
		r.wantEvents("RESUMED")
		r.wantState(gateway.Identifying)
		p.dispatch(2, "READY", `{"session_id":"a","guilds":[]}`)
		r.wantEvents("READY")
		r.wantState(gateway.Ready)
		p.send(`{"op":7}`)
		p = r.resume("a", 2)
		p.dispatch(3, "MESSAGE_CREATE", `{}`)
		p.send(`{"op":11}`)
		r.wantEvents("MESSAGE_CREATE")
		r.wantState(gateway.Resuming)
		p.dispatch(4, "RESUMED", `{}`)
		r.wantEvents("RESUMED")
		r.wantState(gateway.Ready)
	})
}
