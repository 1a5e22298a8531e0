package gateway_test

import (
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/testkit"
)

// A server that does not know a compression is asked for the next, whatever it does; each time with
// one warning, and without an IDENTIFY.
func TestCompressionFallsBack(t *testing.T) {
	for name, play := range map[string]func(f *fake, p *peer){
		"HTTP 400":            nil,
		"close code 4002":     func(_ *fake, p *peer) { p.close(4002) },
		"something else":      func(_ *fake, p *peer) { p.raw(websocket.BinaryMessage, []byte("not compressed at all")) },
		"JSON as binary":      func(_ *fake, p *peer) { p.raw(websocket.BinaryMessage, []byte(`{"op":10,"d":{}}`)) },
		"zlib in either case": func(_ *fake, p *peer) { p.raw(websocket.BinaryMessage, []byte{0x78, 0x9c, 1, 0}) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				var log testkit.Log
				knows := map[string]bool{"": true}
				if play == nil {
					f.knows = func(compress string) bool { return knows[compress] }
				}
				r := start(t, f, func(c *gateway.Config) {
					c.Compression, c.Logger = gateway.Zstd, log.JSON()
				})
				if play != nil {
					for _, want := range []string{"zstd-stream", "zlib-stream"} {
						p := r.accept()
						if got := p.query.Get("compress"); got != want {
							t.Errorf("asked for %q, want %q", got, want)
						}
						if name == "zlib in either case" && want == "zlib-stream" {
							p.raw(websocket.BinaryMessage, []byte("not zlib"))
							continue
						}
						play(f, p)
					}
				}
				p := r.identify("a")
				if got := p.query.Get("compress"); got != "" {
					t.Errorf("asked for %q in the end", got)
				}
				for _, next := range []string{"zlib-stream", "none"} {
					if !strings.Contains(log.String(), `"next":"`+next+`"`) {
						t.Errorf("%s is not in the log: %s", next, log.String())
					}
				}
				p.reset()
				if p = r.resume("a", 1); p.query.Get("compress") != "" {
					t.Errorf("asked for %q again", p.query.Get("compress"))
				}
				if st := r.shard.Status(); st.Identifies != 1 {
					t.Errorf("%d IDENTIFYs", st.Identifies)
				}
			})
		})
	}
}

// What breaks later says nothing about what the server knows.
func TestCompressionStays(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, func(c *gateway.Config) { c.Compression = gateway.Zstd })
		r.identify("a").raw(websocket.BinaryMessage, []byte("garbage"))
		p := r.resume("a", 1)
		p.close(4002)
		if p = r.resume("a", 1); p.query.Get("compress") != "zstd-stream" {
			t.Errorf("asked for %q", p.query.Get("compress"))
		}
	})
}

func TestTrustedResumeURL(t *testing.T) {
	const discord = "wss://gateway.discord.gg/"
	for _, tt := range []struct {
		resume, gateway string
		want            bool
	}{
		{"wss://gateway-us-east1-b.discord.gg", discord, true},
		{"wss://GATEWAY.discord.gg:443/?v=10", discord, true},
		{"ws://127.0.0.1:9/resume", "ws://127.0.0.1:9/gateway", true},
		{"wss://127.0.0.1:8/", "ws://127.0.0.1:9/", true},
		{"ws://gateway-us-east1-b.discord.gg", discord, false},
		{"https://gateway.discord.gg", discord, false},
		{"wss://evil.example", discord, false},
		{"wss://discord.gg", discord, false},
		{"wss://a.b.discord.gg", discord, false},
		{"wss://gateway.discord.gg.evil.example", discord, false},
		{"wss://gateway.discord.gg@evil.example", discord, false},
		{"wss://evildiscord.gg", discord, false},
		{"ws://127.0.0.2:9", "ws://127.0.0.1:9", false},
		{"ws://other.localhost", "ws://localhost", false},
		{"ws://b.test", "ws://a.test", false},
		{"ws:", "ws:", false},
		{"::", discord, false},
	} {
		if got := gateway.Trusted(tt.resume, tt.gateway); got != tt.want {
			t.Errorf("%s beside %s: %t, want %t", tt.resume, tt.gateway, got, tt.want)
		}
	}
}

// The token goes to no other host, whether its URL came from the store or from READY.
func TestResumeURLOfAnotherHost(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, func(c *gateway.Config) {
			c.Session = gateway.Session{ID: "old", Seq: 4, ResumeURL: "ws://evil.example/"}
		})
		p := r.resume("old", 4)
		p.send(`{"op":9,"d":false}`)
		p = r.accept()
		p.hello()
		p.expect(2)
		p.dispatch(1, "READY", `{"session_id":"a","resume_gateway_url":"ws://evil.example/"}`)
		r.wantEvents("READY")
		p.reset()
		r.resume("a", 1)
		for _, host := range r.dialled() {
			if host != "gateway.fake.test" {
				t.Errorf("dialled %s", host)
			}
		}
	})
}
