package gateway_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"

	"github.com/botwright/botwright/internal/gateway"
)

// overLoopback runs a test over a real socket with each compression.
func overLoopback(t *testing.T, test func(t *testing.T, f *fake, r *rig), changes ...func(*gateway.Config)) {
	for name, c := range map[string]gateway.Compression{
		"zstd": gateway.Zstd, "zlib": gateway.Zlib, "plain": gateway.Plain,
	} {
		t.Run(name, func(t *testing.T) {
			f := newLoopbackFake(t)
			compress := func(cfg *gateway.Config) { cfg.Compression = c }
			test(t, f, start(t, f, append(changes, compress)...))
		})
	}
}

// text returns n letters, which compress well or hardly at all.
func text(rnd *rand.Rand, n int, compressible bool) string {
	if compressible {
		return strings.Repeat("x", n)
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rnd.IntN(len(letters))]
	}
	return string(b)
}

// sized returns a dispatch whose payload has exactly n bytes, and its d.
func sized(rnd *rand.Rand, seq, n int, compressible bool) (frame, d string) {
	head := fmt.Sprintf(`{"t":"MESSAGE_CREATE","s":%d,"op":0,"d":`, seq)
	d = `"` + text(rnd, n-len(head)-3, compressible) + `"`
	return head + d + `}`, d
}

// Payloads come out as they went in, also where they end on the window of the decompressor.
func TestPayloadSizes(t *testing.T) {
	sizes := []int{60, 61, 127, 128, 4095, 4096, 4097, 16383, 16384, 16385, 32767, 32768, 32769,
		65535, 65536, 65537, 131072, 60, 1<<20 + 1, 32768, 61}
	overLoopback(t, func(t *testing.T, _ *fake, r *rig) {
		rnd := rand.New(rand.NewPCG(1, 2))
		p := r.identify("a")
		seq := 1
		for _, n := range sizes {
			for _, compressible := range []bool{true, false} {
				seq++
				frame, d := sized(rnd, seq, n, compressible)
				p.send("%s", frame)
				if got := r.event(); got.Data != d || got.Seq != int64(seq) {
					t.Fatalf("payload of %d bytes: seq %d with %d bytes of d", n, got.Seq, len(got.Data))
				}
			}
		}
	})
}

func TestManySmallPayloads(t *testing.T) {
	overLoopback(t, func(t *testing.T, _ *fake, r *rig) {
		rnd := rand.New(rand.NewPCG(3, 4))
		p := r.identify("a")
		var want []string
		for i := range 1000 {
			frame, d := sized(rnd, i+2, 60+rnd.IntN(500), rnd.IntN(2) == 0)
			p.send("%s", frame)
			want = append(want, d)
		}
		for i, d := range want {
			if got := r.event(); got.Data != d {
				t.Fatalf("event %d differs", i)
			}
		}
	})
}

// A zlib payload may come in several messages, however they are cut.
func TestSplitPayload(t *testing.T) {
	f := newLoopbackFake(t)
	r := start(t, f, func(c *gateway.Config) { c.Compression = gateway.Zlib })
	p := r.identify("a")
	seq := 1
	for cut := 1; cut < 40; cut++ {
		seq++
		p.out <- func() error {
			b := p.compress(fmt.Appendf(nil, `{"t":"MESSAGE_CREATE","s":%d,"op":0,"d":%d}`, seq, cut))
			for len(b) > 0 {
				n := min(cut, len(b))
				if err := p.ws.WriteMessage(websocket.BinaryMessage, b[:n]); err != nil {
					return err
				}
				b = b[n:]
			}
			return nil
		}
		want := event{"MESSAGE_CREATE", fmt.Sprint(cut), int64(seq), false}
		if got := r.event(); got != want {
			t.Fatalf("cut every %d bytes: event %+v, want %+v", cut, got, want)
		}
	}
}

// What a server does not compress it sends as text.
func TestTextOnACompressedStream(t *testing.T) {
	overLoopback(t, func(t *testing.T, _ *fake, r *rig) {
		p := r.accept()
		p.raw(websocket.TextMessage, []byte(`{"op":10,"d":{"heartbeat_interval":41250}}`))
		p.expect(2)
		p.ready("a")
		for i := 2; i < 200; i++ {
			if i%3 == 0 {
				p.raw(websocket.TextMessage, fmt.Appendf(nil, `{"t":"TYPING_START","s":%d,"op":0,"d":{}}`, i))
			} else {
				p.dispatch(i, "TYPING_START", `{}`)
			}
		}
		r.wantEvents("READY")
		for i := 2; i < 200; i++ {
			if got := r.event(); got.Seq != int64(i) {
				t.Fatalf("seq %d, want %d", got.Seq, i)
			}
		}
	})
}

func TestCorruptStream(t *testing.T) {
	overLoopback(t, func(t *testing.T, f *fake, r *rig) {
		p := r.identify("a")
		p.dispatch(2, "MESSAGE_CREATE", `{}`)
		r.wantEvents("MESSAGE_CREATE")
		p.raw(websocket.BinaryMessage, []byte("\x07\xde\xad\xbe\xef\xff\xff\xff\x00\x00\xff\xff"))
		p = r.resume("a", 2)
		p.dispatch(3, "MESSAGE_CREATE", `{}`)
		p.dispatch(4, "RESUMED", `{}`)
		r.wantEvents("MESSAGE_CREATE", "RESUMED")
	})
}

// A few kilobytes that would become 4 MiB.
func TestBomb(t *testing.T) {
	limit := func(c *gateway.Config) { c.MaxPayload = 1 << 16 }
	overLoopback(t, func(t *testing.T, _ *fake, r *rig) {
		p := r.identify("a")
		frame, _ := sized(nil, 2, 4<<20, true)
		p.send("%s", frame)
		p = r.resume("a", 1)
		p.dispatch(2, "RESUMED", `{}`)
		r.wantEvents("RESUMED")
	}, limit)
}

// A stream that asks for more memory than it should get is not read.
func TestHugeWindow(t *testing.T) {
	f := newLoopbackFake(t)
	r := start(t, f, func(c *gateway.Config) { c.Compression = gateway.Zstd })
	p := r.accept()
	p.encode, _ = zstd.NewWriter(&p.buf, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(16<<20))
	p.hello()
	p.ended()
	r.identify("a")
}

// A close frame is understood at any point of a compressed stream.
func TestCloseOfACompressedStream(t *testing.T) {
	for _, early := range []bool{true, false} {
		overLoopback(t, func(t *testing.T, _ *fake, r *rig) {
			p := r.accept()
			if !early {
				p.hello()
				p.expect(2)
			}
			p.close(4014)
			<-r.done
			var ce *gateway.CloseError
			if !errors.As(r.err, &ce) || ce.Code != 4014 {
				t.Errorf("Run returned %v, want a CloseError with 4014", r.err)
			}
		})
	}
}

// A reset in the middle of a message.
func TestResetMidMessage(t *testing.T) {
	overLoopback(t, func(t *testing.T, _ *fake, r *rig) {
		p := r.identify("a")
		p.bytes("\x81\x7e\x10\x00{\"t\":\"MESS")
		p.out <- func() error {
			_ = p.ws.NetConn().(*net.TCPConn).SetLinger(0)
			return p.ws.NetConn().Close()
		}
		r.resume("a", 1)
	})
}
