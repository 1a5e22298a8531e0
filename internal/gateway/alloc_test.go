package gateway_test

import (
	"fmt"
	"testing"

	"github.com/botwright/botwright/internal/gateway"
)

// receiver returns a Receiver that is ready, and whose Config.Event is event.
func receiver(tb testing.TB, event func(*gateway.Frame) gateway.Outcome) *gateway.Receiver {
	tb.Helper()
	r := gateway.NewReceiver(gateway.New(gateway.Config{Token: "secret", Event: event}))
	if err := r.Receive([]byte(readyFrame)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}

const readyFrame = `{"t":"READY","s":1,"op":0,"d":{"session_id":"a","guilds":[]}}`

// frames returns n dispatches from the given sequence on.
func frames(eventType string, from, n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = fmt.Appendf(nil, `{"t":"%s","s":%d,"op":0,"d":{"guild_id":"197038439483310086",`+
			`"user":{"id":"80351110224678912"},"status":"online","activities":[],`+
			`"client_status":{"desktop":"online"}}}`, eventType, from+i)
	}
	return list
}

func TestReadingDoesNotAllocate(t *testing.T) {
	const runs = 1000
	var copied []byte
	for _, tt := range []struct {
		name      string
		eventType string
		event     func(*gateway.Frame) gateway.Outcome
		want      float64
	}{
		{"unwanted", "PRESENCE_UPDATE", func(*gateway.Frame) gateway.Outcome {
			return gateway.Unwanted
		}, 0},
		{"taken late", "PRESENCE_UPDATE", func(*gateway.Frame) gateway.Outcome {
			return gateway.TakenLate
		}, 0},
		{"copied", "MESSAGE_CREATE", func(f *gateway.Frame) gateway.Outcome {
			copied = append([]byte(nil), f.Data...)
			return gateway.Taken
		}, 1},
		{"guild", "GUILD_CREATE", func(*gateway.Frame) gateway.Outcome {
			return gateway.Unwanted
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := receiver(t, tt.event)
			list := frames(tt.eventType, 2, runs+1)
			got := testing.AllocsPerRun(runs, func() {
				if err := r.Receive(list[0]); err != nil {
					t.Fatal(err)
				}
				list = list[1:]
			})
			if got != tt.want {
				t.Errorf("%v allocations per event, want %v", got, tt.want)
			}
		})
	}
	_ = copied
}

func BenchmarkReceiveUnwanted(b *testing.B) {
	r := receiver(b, func(*gateway.Frame) gateway.Outcome { return gateway.Unwanted })
	list := frames("PRESENCE_UPDATE", 2, b.N)
	b.SetBytes(int64(len(list[0])))
	b.ReportAllocs()
	b.ResetTimer()
	for _, p := range list {
		if err := r.Receive(p); err != nil {
			b.Fatal(err)
		}
	}
}
