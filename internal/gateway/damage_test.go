package gateway_test

import (
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/testkit"
)

// damaged are frames that may have been dispatches.
var damaged = map[string]string{
	"truncated":       `{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"content":"hel`,
	"truncated early": `{"t":"MESSAGE_CR`,
	"garbage":         "\x00\xff\x17\x03",
	"empty":           ``,
	"white space":     ` `,
	"two values":      `{"op":11}{"op":11}`,
	"no op":           `{"t":"MESSAGE_CREATE","s":2,"d":{}}`,
	"op is a string":  `{"t":"MESSAGE_CREATE","s":2,"op":"0","d":{}}`,
	"s is a string":   `{"t":"MESSAGE_CREATE","s":"2","op":0,"d":{}}`,
	"s is negative":   `{"t":"MESSAGE_CREATE","s":-2,"op":0,"d":{}}`,
	"s is null":       `{"t":"MESSAGE_CREATE","s":null,"op":0,"d":{}}`,
	"s is missing":    `{"t":"MESSAGE_CREATE","op":0,"d":{}}`,
	"s is huge":       `{"t":"MESSAGE_CREATE","s":99999999999999999999,"op":0,"d":{}}`,
	"t is a number":   `{"t":7,"s":2,"op":0,"d":{}}`,
	"t is null":       `{"t":null,"s":2,"op":0,"d":{}}`,
	"d is cut short":  `{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"a":{}`,
}

// valid is how a receiver that needs the data finds that it is damaged.
func valid(c *gateway.Config) {
	take := c.Event
	c.Event = func(f *gateway.Frame) gateway.Outcome {
		if _, whole := frame.Whole(f.Data); !whole {
			return gateway.Damaged
		}
		return take(f)
	}
}

// A damaged frame is asked for again, once.
func TestDamagedFrame(t *testing.T) {
	for name, bad := range damaged {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				r := start(t, f, valid)
				p := r.identify("a")
				p.send("%s", bad)
				p.dispatch(3, "MESSAGE_CREATE", `{}`) // not to be taken: 2 is missing
				if code := p.ended(); code != 4000 {
					t.Errorf("closed with %d, want 4000", code)
				}
				p = r.resume("a", 1)
				p.dispatch(2, "MESSAGE_CREATE", `{}`)
				p.dispatch(3, "RESUMED", `{}`)
				r.wantEvents("MESSAGE_CREATE", "RESUMED")
				if got := r.shard.Status().Malformed; got != 1 {
					t.Errorf("%d malformed frames counted, want 1", got)
				}
				// The next one gets its chance, too.
				p.send("%s", strings.ReplaceAll(bad, `"s":2`, `"s":4`))
				r.resume("a", 3)
			})
		})
	}
}

// One that comes damaged again is damaged at its source.
func TestFrameThatStaysDamaged(t *testing.T) {
	for name, bad := range damaged {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				r := start(t, f, valid)
				r.identify("a").send("%s", bad)
				p := r.resume("a", 1)
				p.send("%s", bad)
				p.dispatch(3, "MESSAGE_CREATE", `{}`)
				p.dispatch(4, "RESUMED", `{}`)
				r.wantEvents("MESSAGE_CREATE", "RESUMED")
				r.wantState(gateway.Ready)
				if got := len(r.dialled()); got != 2 {
					t.Errorf("%d connections, want 2", got)
				}
			})
		})
	}
}

// A member of the envelope that nobody knows does no harm, wherever it stands.
func TestUnknownMemberOfTheEnvelope(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, valid)
		p := r.accept()
		p.send(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250},"x":1}`)
		p.expect(2)
		p.send(`{"t":"READY","s":1,"op":0,"d":{"session_id":"a","guilds":[]},"x":{"y":"}"}}`)
		p.send(`{"x":1,"t":"MESSAGE_CREATE","s":2,"op":0,"d":{},"y":[]}`)
		r.wantEvents("READY", "MESSAGE_CREATE")
		if st := r.shard.Status(); st.Malformed != 0 || st.State != gateway.Ready {
			t.Errorf("status %+v", st)
		}
	})
}

// A frame that cannot be read is named in the log.
func TestLogNamesTheMalformedFrame(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		var log testkit.Log
		r := start(t, f, func(c *gateway.Config) { c.Logger = log.JSON() })
		r.identify("a").send(`{"t":"MESSAGE_CREATE","s":0,"op":0,"d":{}}`)
		r.resume("a", 1)
		if !strings.Contains(log.String(), `"op":0,"event":"MESSAGE_CREATE","sequence":0`) {
			t.Error(log.String())
		}
	})
}

// Values that are no objects cannot have been dispatches.
func TestOddValuesAreIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		odd := []string{`null`, `[]`, `[{"op":7}]`, `7`, `"op"`, `true`}
		for _, v := range odd {
			p.send("%s", v)
		}
		p.dispatch(2, "MESSAGE_CREATE", `{}`)
		r.wantEvents("MESSAGE_CREATE")
		st := r.shard.Status()
		if st.Malformed != uint64(len(odd)) || len(st.Disconnects) != 0 {
			t.Errorf("status %+v", st)
		}
	})
}

// Fields of the wrong type in what the connection itself reads do no harm.
func TestOddDispatches(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.accept()
		p.hello()
		p.expect(2)
		p.dispatch(1, "READY", `{"session_id":"a","guilds":[null,{"id":"x"},{}],"\ud800":1}`)
		n := 1
		for _, eventType := range []string{"GUILD_CREATE", "GUILD_DELETE", "RATE_LIMITED", "RESUMED"} {
			for _, d := range []string{`null`, `[]`, `7`, `{}`, `{"id":7}`, `{"id":null}`, `{"id":"-1"}`,
				`{"opcode":8,"retry_after":"x"}`, `{"opcode":8,"retry_after":-1}`,
				`{"opcode":8,"retry_after":1e300,"meta":{}}`, `{"opcode":8,"meta":null}`} {
				n++
				p.dispatch(n, eventType, d)
			}
		}
		for range n {
			r.event()
		}
		r.wantState(gateway.Ready)
	})
}

// Without a session there is nothing to resume: the next connection identifies.
func TestDamagedReady(t *testing.T) {
	for _, d := range []string{`{"session_id":"a`, `{"session_id":7}`, `{}`, `null`, `[]`,
		`{"session_id":""}`, `{"session_id":"a","guilds":7}`} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			p := r.accept()
			p.hello()
			p.expect(2)
			p.dispatch(1, "READY", d)
			if code := p.ended(); code != 4000 {
				t.Errorf("%s: closed with %d, want 4000", d, code)
			}
			r.identify("b")
		})
	}
}

func TestOversizedPayload(t *testing.T) {
	big := `{"t":"GUILD_CREATE","s":2,"op":0,"d":{"x":"` + strings.Repeat("x", 1<<16) + `"}}`
	limit := func(c *gateway.Config) { c.MaxPayload = 1 << 16 }
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, limit)
		r.identify("a").send("%s", big)
		p := r.resume("a", 1)
		// The replay brings it again: only a new session is free of it.
		p.send("%s", big)
		f.kill("a")
		r.identify("b")
		if n := r.shard.Status().Malformed; n != 2 {
			t.Errorf("%d frames counted as malformed, want 2", n)
		}
	})
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, limit)
		r.identify("a").reset()
		p := r.resume("a", 1)
		p.dispatch(2, "RESUMED", `{}`)
		p.send("%s", strings.ReplaceAll(big, `"s":2`, `"s":3`))
		r.resume("a", 2) // once ready, it is worth a try
	})
}

func TestPayloadOfExactlyTheLimit(t *testing.T) {
	frame := `{"t":"GUILD_CREATE","s":2,"op":0,"d":{"x":"` + strings.Repeat("x", 1000) + `"}}`
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, func(c *gateway.Config) { c.MaxPayload = len(frame) })
		p := r.identify("a")
		p.send("%s", frame)
		r.wantEvents("GUILD_CREATE")
		p.send("%s", strings.ReplaceAll(frame, `"s":2`, `"s":33`))
		r.resume("a", 2)
	})
}

// What breaks the websocket's own rules is no reason to lose the session.
func TestProtocolErrors(t *testing.T) {
	for name, b := range map[string]string{
		"reserved opcode": "\x83\x00", "masked": "\x81\x80\x00\x00\x00\x00", "reserved bit": "\xf1\x00",
		"continuation of nothing": "\x80\x00", "long control frame": "\x89\x7e\x01\x00",
		"huge length": "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				r := start(t, f)
				p := r.identify("a")
				p.bytes(b)
				r.resume("a", 1)
			})
		})
	}
}

func TestPing(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		pong := make(chan string, 1)
		p.ws.SetPongHandler(func(s string) error {
			pong <- s
			return nil
		})
		p.raw(websocket.PingMessage, []byte("x"))
		if got := <-pong; got != "x" {
			t.Errorf("pong %q", got)
		}
	})
}
