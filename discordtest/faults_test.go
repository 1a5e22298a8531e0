package discordtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/discordtest"
)

func TestOnConnectTakesOver(t *testing.T) {
	srv := start(t, discordtest.Config{})
	remove := srv.OnConnect(func(c *discordtest.Conn) bool {
		c.Reconnect() // in place of HELLO
		return true
	})
	c := dial(t, srv, plain)
	if f := c.read(); f.Op != 7 {
		t.Fatalf("got op %d, want op 7", f.Op)
	}
	remove()
	connect(t, srv, plain)
}

func TestOnCommandReplacesAndObserves(t *testing.T) {
	srv := start(t, discordtest.Config{})
	var seen atomic.Int32
	srv.OnFrame(func(*discordtest.Conn, int, json.RawMessage) bool { seen.Add(1); return false })
	var remove func()
	remove = srv.OnFrame(func(c *discordtest.Conn, op int, _ json.RawMessage) bool {
		if op != 2 {
			return false
		}
		c.SendOp(9, false)
		remove() // the next identify is a normal one
		return true
	})
	c := connect(t, srv, plain)
	c.identify(srv.Token, 0)
	if f := c.read(); f.Op != 9 {
		t.Fatalf("got op %d, want op 9", f.Op)
	}
	if n := len(srv.Identifies()); n != 0 {
		t.Fatalf("%d identifies were carried out, want none", n)
	}
	c.identify(srv.Token, 0)
	c.ready()
	if seen.Load() != 2 {
		t.Errorf("the observer saw %d commands, want 2", seen.Load())
	}
	if f := srv.Connections()[0].Frames(); len(f) != 2 || f[0].Op != 2 || f[0].ShardID != -1 {
		t.Errorf("frames: %+v", f)
	}
}

func TestOnDispatchCorruptsTheWireOnly(t *testing.T) {
	srv := start(t, discordtest.Config{})
	remove := srv.OnDispatch(func(_ *discordtest.Conn, seq int64, typ string, payload []byte) []byte {
		switch {
		case typ != "MESSAGE_CREATE":
			return payload
		case seq == 2:
			return payload[:len(payload)/2]
		}
		return nil
	})
	c := login(t, srv, discordgo.IntentGuildMessages)
	for range 2 {
		say(t, srv, 0, "x")
	}
	if err := srv.Dispatch(srv.Guilds()[0].ID, "MARK", 1); err != nil {
		t.Fatal(err)
	}
	_, msg, err := c.ws.ReadMessage()
	if err != nil || json.Valid(msg) {
		t.Errorf("got %q, %v, want half of an event", msg, err)
	}
	if f := c.event("MARK"); f.S != 4 {
		t.Errorf("mark has sequence %d, want 4: one event dropped", f.S)
	}
	remove()
	c.seq = 1
	again := connect(t, srv, onResumeURL)
	again.resume(srv.Token, c)
	for _, want := range []string{"MESSAGE_CREATE", "MESSAGE_CREATE", "MARK", "RESUMED"} {
		again.event(want)
	}
}

func TestSendInOrderWithEvents(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, discordgo.IntentGuildMessages)
	conn := srv.Conn(0)
	for i := range 200 {
		if i == 150 {
			conn.SendRaw([]byte(`{"op":10,"d":{}}`))
		}
		say(t, srv, 0, "x")
	}
	conn.SendOp(7, nil)
	conn.Close(4000, "done")
	conn.Reconnect() // nothing follows a close frame
	for i := range 200 {
		if i == 150 {
			if f := c.read(); f.Op != 10 {
				t.Fatalf("payload 150 is op %d, want what was sent raw", f.Op)
			}
		}
		c.event("MESSAGE_CREATE")
	}
	if f := c.read(); f.Op != 7 {
		t.Fatalf("got op %d, want op 7", f.Op)
	}
	if got := c.closed(); got != 4000 {
		t.Errorf("closed with %d, want 4000", got)
	}
}

func TestHalfOpen(t *testing.T) {
	srv := start(t, discordtest.Config{HeartbeatInterval: 10 * time.Millisecond})
	c := connect(t, srv, plain)
	conn := srv.Connections()[0]
	conn.PauseReads(true)
	conn.PauseWrites(true)
	c.send(1, nil)
	// A connection that is paused for longer than its heartbeats allow stays open.
	_ = c.ws.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, msg, err := c.ws.ReadMessage(); err == nil {
		t.Fatalf("a dead connection sent %s", msg)
	}
	if n := len(srv.Heartbeats()); n != 0 || conn.Closed() {
		t.Fatalf("%d heartbeats read, closed %t, want neither", n, conn.Closed())
	}
	conn.PauseReads(false)
	await(t, srv, func() bool { return len(srv.Heartbeats()) == 1 })
}

func TestCloseWhilePaused(t *testing.T) {
	srv := start(t, discordtest.Config{})
	login(t, srv, 0)
	conn := srv.Conn(0)
	conn.PauseReads(true)
	conn.PauseWrites(true)
	conn.Close(4000, "")
	srv.Close()
	srv.Close()
	if !conn.Closed() {
		t.Error("the connection is open")
	}
	if err := srv.Wait(deadline(t), func() bool { return false }); err != discordtest.ErrClosed {
		t.Errorf("Wait returned %v, want ErrClosed", err)
	}
}

func TestReset(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, 0)
	srv.Conn(0).Reset()
	_, _, err := c.ws.ReadMessage()
	if err == nil || !strings.Contains(err.Error(), "reset by peer") {
		t.Errorf("read: %v, want a TCP reset", err)
	}
}

func TestBrokenStreams(t *testing.T) {
	for _, compress := range []string{"zlib-stream", "zstd-stream"} {
		for name, fault := range map[string]func(*discordtest.Conn){
			"truncated": func(c *discordtest.Conn) {
				c.SendTruncated([]byte(`{"op":0,"t":"X","s":9,"d":"` + strings.Repeat("abc", 100) + `"}`))
				c.Close(4000, "")
			},
			"garbage": func(c *discordtest.Conn) {
				c.SendMessage(websocket.BinaryMessage, []byte("this is no compressed data"))
				c.Close(4000, "")
			},
		} {
			t.Run(compress+" "+name, func(t *testing.T) {
				srv := start(t, discordtest.Config{})
				c := dial(t, srv, "/gateway?v=10&compress="+compress)
				dec := c.inflated(compress)
				var f frame
				if err := dec.Decode(&f); err != nil {
					t.Fatal(err)
				}
				fault(srv.Connections()[0])
				if err := dec.Decode(&f); err == nil {
					t.Errorf("decoded %+v from a broken stream", f)
				}
			})
		}
	}
}

func TestBomb(t *testing.T) {
	const size = 1 << 20
	for _, compress := range []string{"zlib-stream", "zstd-stream"} {
		t.Run(compress, func(t *testing.T) {
			srv := start(t, discordtest.Config{})
			c := dial(t, srv, "/gateway?v=10&compress="+compress)
			dec := c.inflated(compress)
			var f frame
			if err := dec.Decode(&f); err != nil {
				t.Fatal(err)
			}
			srv.Connections()[0].SendBomb(size)
			if err := dec.Decode(&f); err != nil || len(f.D) < size {
				t.Errorf("decoded %d bytes, %v, want %d", len(f.D), err, size)
			}
		})
	}
}

func TestSplitPayload(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := dial(t, srv, "/gateway?v=10&compress=zlib-stream")
	dec := c.inflated("zlib-stream")
	var f frame
	if err := dec.Decode(&f); err != nil {
		t.Fatal(err)
	}
	srv.Connections()[0].SendSplit([]byte(`{"op":0,"t":"SPLIT","s":1,"d":"` + strings.Repeat("ab", 200) + `"}`))
	if err := dec.Decode(&f); err != nil || f.T != "SPLIT" {
		t.Errorf("decoded %+v, %v", f, err)
	}
}

func TestExecuteLater(t *testing.T) {
	srv := start(t, discordtest.Config{})
	held := make(chan func(), 1)
	srv.OnFrame(func(c *discordtest.Conn, op int, d json.RawMessage) bool {
		if op == 2 {
			held <- func() { c.Execute(op, d) }
		}
		return op == 2
	})
	c := connect(t, srv, plain)
	c.identify(srv.Token, 0)
	c.send(1, nil)
	if f := c.read(); f.Op != 11 {
		t.Fatalf("got op %d, want op 11 while READY is held back", f.Op)
	}
	(<-held)()
	c.ready()
}

func TestFailHandshake(t *testing.T) {
	srv := start(t, discordtest.Config{})
	remove := srv.FailHandshake(func(*http.Request) *discordtest.RESTFault { return discordtest.BadGateway() })
	_, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http")+plain, nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusBadGateway {
		t.Errorf("handshake: %v, want status 502", err)
	}
	remove()
	connect(t, srv, plain)
}

func TestBytesPastTheFraming(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := connect(t, srv, plain)
	srv.Connections()[0].SendBytes([]byte{0xff, 0xff}) // reserved bits and an unknown opcode
	if _, _, err := c.ws.ReadMessage(); err == nil {
		t.Error("an invalid frame was accepted")
	}
}

func TestRefuse(t *testing.T) {
	srv := start(t, discordtest.Config{})
	dials := func(path string) bool {
		ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http")+path, nil)
		if err == nil {
			_ = ws.Close()
		}
		return err == nil
	}
	gets := func() bool {
		resp, err := direct.Get(srv.URL + "/api/v10/gateway")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	}
	for name, tc := range map[string]struct {
		set                   func(bool)
		gateway, resume, rest bool
	}{
		"gateway":    {srv.RefuseGateway, false, true, true},
		"resume":     {srv.RefuseResume, true, false, true},
		"everything": {srv.Refuse, false, false, false},
	} {
		tc.set(true)
		if g, r, h := dials(plain), dials(onResumeURL), gets(); g != tc.gateway || r != tc.resume || h != tc.rest {
			t.Errorf("refuse %s: gateway %t, resume %t, REST %t", name, g, r, h)
		}
		tc.set(false)
		if !dials(plain) || !dials(onResumeURL) || !gets() {
			t.Errorf("refuse %s: still refused afterwards", name)
		}
	}
}

func TestPayloadCompression(t *testing.T) {
	srv := start(t, discordtest.Config{Members: 50})
	c := connect(t, srv, plain)
	c.send(2, map[string]any{"token": srv.Token, "intents": discordgo.IntentsAll, "compress": true})
	kinds := map[int]int{}
	for range 4 {
		kind, msg, err := c.ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if kind == websocket.BinaryMessage {
			msg = inflate(t, msg)
		}
		if !json.Valid(msg) {
			t.Errorf("payload %q", msg)
		}
		kinds[kind]++
	}
	if kinds[websocket.BinaryMessage] < 3 {
		t.Errorf("kinds of messages: %v, want the guilds compressed", kinds)
	}
}

func TestHooksMayBlockOneConnectionOnly(t *testing.T) {
	srv := start(t, discordtest.Config{MaxConcurrency: 2})
	stuck, release := make(chan struct{}), make(chan struct{})
	srv.OnDispatch(func(c *discordtest.Conn, _ int64, typ string, payload []byte) []byte {
		if c.ShardID() == 0 && typ == "MARK" {
			close(stuck)
			<-release
		}
		return payload
	})
	a, b := login(t, srv, 0, 0, 2), login(t, srv, 0, 1, 2)
	for shard := range 2 {
		if err := srv.DispatchShard(shard, "MARK", 0); err != nil {
			t.Fatal(err)
		}
	}
	<-stuck
	b.event("MARK")
	close(release)
	a.event("MARK")
}

// One connection is closed by both sides, by faults and by the server, while events flow: nothing
// may race or leak.
func TestFaultsUnderLoad(t *testing.T) {
	srv := start(t, discordtest.Config{Shards: 8, MaxConcurrency: 8})
	faults := []func(*discordtest.Conn){
		func(c *discordtest.Conn) { c.Close(4000, "") }, (*discordtest.Conn).Reset, (*discordtest.Conn).ResetMidFrame,
		func(c *discordtest.Conn) { c.InvalidSession(true); c.Close(1000, "") },
		func(c *discordtest.Conn) { c.PauseWrites(true); c.Reset() },
	}
	guild := srv.Guilds()[0].ID
	for i := range 8 {
		c := login(t, srv, discordgo.IntentsAll, i, 8)
		for range 50 {
			if err := srv.Dispatch(guild, "MARK", bytes.Repeat([]byte("x"), 100)); err != nil {
				t.Fatal(err)
			}
		}
		faults[i%len(faults)](srv.Conn(i))
		c.closed()
	}
	await(t, srv, func() bool { return len(srv.Connections()) == 0 })
	if n := len(srv.AllConnections()); n != 8 {
		t.Errorf("%d connections, want 8", n)
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	srv := start(t, discordtest.Config{RecordLimit: 4})
	for i := range 7 {
		resp, err := direct.Get(srv.URL + "/api/v10/gateway?n=" + fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	got := srv.Requests()
	last := got[len(got)-1]
	if len(got) > 4 || last.Query != "n=6" || last.Method != http.MethodGet || last.Status != 200 || last.Path != "/gateway" {
		t.Errorf("%d requests, the last is %+v", len(got), last)
	}
}
