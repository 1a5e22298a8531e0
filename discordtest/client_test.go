package discordtest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/botwright/botwright/discordtest"
)

// A frame is a gateway payload as a client sees it.
type frame struct {
	Op int             `json:"op"`
	S  int64           `json:"s"`
	T  string          `json:"t"`
	D  json.RawMessage `json:"d"`
}

// A client is a gateway client without any cleverness.
type client struct {
	t   *testing.T
	ws  *websocket.Conn
	seq int64 // of the last event
	id  string
}

// connect opens a connection to the gateway and reads HELLO.
func connect(t *testing.T, srv *discordtest.Server, path string) *client {
	t.Helper()
	c := dial(t, srv, path)
	if f := c.read(); f.Op != 10 {
		t.Fatalf("first frame is op %d, want HELLO", f.Op)
	}
	return c
}

func dial(t *testing.T, srv *discordtest.Server, path string) *client {
	t.Helper()
	ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	return &client{t: t, ws: ws}
}

const plain = "/gateway/?v=10&encoding=json"

// login connects a shard and identifies; READY is read, what follows is not.
func login(t *testing.T, srv *discordtest.Server, intents discordgo.Intent, shard ...int) *client {
	t.Helper()
	c := connect(t, srv, plain)
	c.identify(srv.Token, intents, shard...)
	c.ready()
	return c
}

// loginAll connects with every intent and reads the guilds too.
func loginAll(t *testing.T, srv *discordtest.Server) *client {
	t.Helper()
	c := login(t, srv, discordgo.IntentsAll|discordgo.IntentGuildMessagePolls)
	for range srv.Guilds() {
		c.event("GUILD_CREATE")
	}
	return c
}

func (c *client) identify(token string, intents discordgo.Intent, shard ...int) {
	c.t.Helper()
	d := map[string]any{"token": token, "intents": intents, "properties": map[string]string{"os": "linux", "browser": "test", "device": "test"}}
	if len(shard) > 0 {
		d["shard"] = shard
	}
	c.send(2, d)
}

func (c *client) ready() {
	c.t.Helper()
	f := c.event("READY")
	var ready struct {
		SessionID string `json:"session_id"`
	}
	c.decode(f.D, &ready)
	c.id = ready.SessionID
}

// resume takes over the session of another client.
func (c *client) resume(token string, of *client) {
	c.t.Helper()
	c.id, c.seq = of.id, of.seq
	c.send(6, map[string]any{"token": token, "session_id": of.id, "seq": of.seq})
}

func (c *client) send(op int, d any) {
	c.t.Helper()
	if err := c.ws.WriteJSON(map[string]any{"op": op, "d": d}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) decode(raw json.RawMessage, v any) {
	c.t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		c.t.Fatalf("decode %s: %v", raw, err)
	}
}

// read returns the next payload.
func (c *client) read() frame {
	c.t.Helper()
	_ = c.ws.SetReadDeadline(time.Now().Add(patience))
	_, msg, err := c.ws.ReadMessage()
	if err != nil {
		c.t.Fatal(err)
	}
	var f frame
	c.decode(msg, &f)
	if f.Op == 0 {
		c.seq = f.S
	}
	return f
}

// event reads the next payload and fails unless it is the event.
func (c *client) event(name string) frame {
	c.t.Helper()
	f := c.read()
	for f.T == "GUILD_AUDIT_LOG_ENTRY_CREATE" && f.T != name { // follows most of what is done over REST
		f = c.read()
	}
	if f.Op != 0 || f.T != name {
		c.t.Fatalf("got op %d %s %s, want %s", f.Op, f.T, f.D, name)
	}
	return f
}

// closed reads until the server closes the connection and returns the code; 1006 without a close
// frame.
func (c *client) closed() int {
	c.t.Helper()
	for {
		_ = c.ws.SetReadDeadline(time.Now().Add(patience))
		_, _, err := c.ws.ReadMessage()
		var ce *websocket.CloseError
		switch {
		case errors.As(err, &ce):
			return ce.Code
		case err != nil:
			return websocket.CloseAbnormalClosure
		}
	}
}

// leave closes the connection with a code and waits for the answer.
func (c *client) leave(code int) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, "")); err != nil {
		c.t.Fatal(err)
	}
	c.closed()
	_ = c.ws.Close()
}

// stream reads a connection with transport compression as one endless reader: the decompressor asks
// for a message only when it has returned all of the one before.
type stream struct {
	c   *client
	cur []byte
}

func (r *stream) Read(p []byte) (int, error) {
	for len(r.cur) == 0 {
		_ = r.c.ws.SetReadDeadline(time.Now().Add(patience))
		kind, msg, err := r.c.ws.ReadMessage()
		if err != nil {
			return 0, err
		}
		if kind != websocket.BinaryMessage {
			return 0, fmt.Errorf("message of type %d, want binary", kind)
		}
		r.cur = msg
	}
	n := copy(p, r.cur)
	r.cur = r.cur[n:]
	return n, nil
}

// inflated returns the payloads of a compressed connection.
func (c *client) inflated(compress string) *json.Decoder {
	c.t.Helper()
	src := bufio.NewReader(&stream{c: c})
	if compress == "zlib-stream" {
		z, err := zlib.NewReader(src)
		if err != nil {
			c.t.Fatal(err)
		}
		return json.NewDecoder(z)
	}
	z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(z.Close)
	return json.NewDecoder(z)
}

// inflate undoes payload compression.
func inflate(t *testing.T, msg []byte) []byte {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(msg))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A filler puts ids of a server's first guild in the place of names in braces.
type filler struct{ *strings.Replacer }

func newFiller(t *testing.T, srv *discordtest.Server) filler {
	t.Helper()
	g := srv.Guilds()[0]
	m, err := srv.Say(g.Channels[0].ID, g.OwnerID, "hi")
	if err != nil {
		t.Fatal(err)
	}
	return filler{strings.NewReplacer(
		"{g}", g.ID, "{c}", g.Channels[0].ID, "{u}", g.Members[1].User.ID, "{m}", m.ID, "{me}", srv.Bot().ID)}
}

func (f filler) text(s string) string { return f.Replace(s) }

func (f filler) body(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return json.RawMessage(f.Replace(string(raw)))
}
