package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
)

// FuzzFrame feeds two payloads to a connection that is new and to one that is ready. Whatever
// they are, only a dispatch that was taken moves the sequence.
func FuzzFrame(f *testing.F) {
	f.Add([]byte(readyFrame), []byte(`{"t":"GUILD_CREATE","s":2,"op":0,"d":{"id":"1"}}`))
	f.Add([]byte(`{"op":10,"d":{"heartbeat_interval":41250}}`), []byte(`{"op":9,"d":true}`))
	f.Add([]byte(`{"op":11}`), []byte(`{"op":7}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, ready := range []bool{false, true} {
			var taken int64
			s := gateway.New(gateway.Config{
				Gate: &fake{},
				Event: func(f *gateway.Frame) gateway.Outcome {
					if f.Seq <= taken {
						t.Errorf("seq %d after %d", f.Seq, taken)
					}
					if !frame.Valid(f.Data) {
						return gateway.Damaged
					}
					taken = f.Seq
					return gateway.Taken
				},
			})
			r := gateway.NewReceiver(s)
			if ready {
				_ = r.Receive([]byte(readyFrame))
			}
			if r.Receive(first) == nil {
				_ = r.Receive(second)
			}
			if st := s.Status(); st.Events == 0 && st.Sequence != 0 || st.Sequence < taken {
				t.Errorf("sequence %d with %d taken last of %d", st.Sequence, taken, st.Events)
			}
			r.Close()
		}
	})
}

// FuzzWire feeds bytes to a connection, below the websocket. Whatever they are, the Shard comes
// back or ends with a *CloseError, and stops when it is told to.
func FuzzWire(f *testing.F) {
	f.Add([]byte("\x88\x02\x0f\xa0"))
	f.Add([]byte("\x88\x06\x0f\xa4oops"))
	f.Add([]byte("\x81\x09{\"op\":11}"))
	f.Add([]byte("\x89\x00\x8a\x00\x82\x01\x00"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			r := start(t, f, func(c *gateway.Config) {
				c.Event = func(*gateway.Frame) gateway.Outcome { return gateway.Unwanted }
			})
			p := f.accept()
			p.bytes(string(wire))
			time.Sleep(10 * time.Minute)
			select {
			case <-r.done:
				if r.err == nil {
					t.Error("Run ended by itself without an error")
				}
			default:
				if n := len(r.dialled()); n < 2 {
					t.Errorf("%d connections in 10 minutes without HELLO", n)
				}
			}
		})
	})
}
