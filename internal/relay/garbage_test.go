package relay_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/internal/relay"
)

// TestGarbageFromTheSession speaks to the relay as no session does.
func TestGarbageFromTheSession(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	ws, _, err := b.session.Dialer.Dial("ws://relay.invalid/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	garbage := []struct {
		kind    int
		message string
	}{
		{websocket.BinaryMessage, `{"op":1}`},
		{websocket.TextMessage, ``},
		{websocket.TextMessage, `{`},
		{websocket.TextMessage, `null`},
		{websocket.TextMessage, `{"op":1e400}`},
		{websocket.TextMessage, "{\"op\":31,\"d\":\"\xff\"}"},
		{websocket.TextMessage, strings.Repeat("[", 100_000)},
		{websocket.TextMessage, strings.Repeat(" ", 1<<20)},
		{websocket.PingMessage, `ping`},
		{websocket.TextMessage, `{"op":4,"d":{"still":"here"}}`},
	}
	for _, g := range garbage {
		if err := ws.WriteMessage(g.kind, []byte(g.message)); err != nil {
			t.Fatalf("write %.20q: %v", g.message, err)
		}
	}
	if got := receive(t, b.sent, "frame"); got.op != 4 || got.d != `{"still":"here"}` {
		t.Errorf("Send got %v", got)
	}
	if got := b.Stats().Refused; got != 8 {
		t.Errorf("Refused = %d, want 8", got)
	}
}

func TestGarbageInsteadOfAHandshake(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	for _, request := range []string{
		"\x00\x01\x02\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: relay.invalid\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		conn, err := b.session.Dialer.NetDialContext(t.Context(), "tcp", "relay.invalid:80")
		if err != nil {
			t.Fatal(err)
		}
		within(t, "garbage", func() {
			// The write ends when the relay has read all of it or dropped the connection, and
			// the read when it has dropped the connection.
			_, _ = conn.Write([]byte(request))
			var answer bytes.Buffer
			if _, err := answer.ReadFrom(conn); err != nil {
				t.Errorf("read: %v", err)
			}
			if answer.Len() != 0 {
				t.Errorf("%q was answered with %q", request, answer.String())
			}
		})
		conn.Close()
	}
}
