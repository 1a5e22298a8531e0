package relay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

// TestGarbageFromTheSession speaks to the relay as no session does.
func TestGarbageFromTheSession(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	keepClosed(t, b)
	ws, _, err := b.session.Dialer.Dial("ws://relay.invalid/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	ws.SetPongHandler(func(string) error {
		t.Error("the reader answered a ping")
		return nil
	})
	ended := make(chan error, 1)
	go func() {
		_, hello, err := ws.ReadMessage()
		if err == nil && !strings.Contains(string(hello), "heartbeat_interval") {
			t.Errorf("first frame is %s, want HELLO", hello)
		}
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
		ended <- err
	}()
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
	if got := testkit.Receive(t, b.sent, "frame"); got.op != 4 || got.d != `{"still":"here"}` {
		t.Errorf("Send got %v", got)
	}
	if got := b.Stats().Refused; got != 8 {
		t.Errorf("Refused = %d, want 8", got)
	}

	if err := ws.WriteMessage(websocket.CloseMessage, nil); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, ended, "end of the connection"); !websocket.IsCloseError(err, 1006) {
		t.Errorf("read = %v, want an end without a close frame", err)
	}
}

// keepClosed keeps the session, which loses its connection to the test's own, from taking it back.
func keepClosed(t *testing.T, b *bench) {
	b.session.RLock()
	t.Cleanup(b.session.RUnlock)
}

// TestOneConnectionAtATime dials twice: events have one consumer.
func TestOneConnectionAtATime(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	keepClosed(t, b)
	var conns [2]net.Conn
	for i := range conns {
		conn, err := b.session.Dialer.NetDialContext(t.Context(), "tcp", "relay.invalid:80")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	if _, err := conns[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read = %v: the old connection is served beside the new one", err)
	}
	if _, err := conns[0].Write([]byte("GET")); err == nil {
		t.Error("the old connection took a write")
	}
	if _, err := conns[1].Write([]byte("GET")); err != nil {
		t.Errorf("write to the new connection: %v", err)
	}
	_ = conns[1].SetDeadline(time.Now())
	if _, err := conns[1].Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read = %v, want a deadline", err)
	}
}

// TestCloseWaitsForSend closes the relay while Send is at work.
func TestCloseWaitsForSend(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	b := start(t, relay.Config{Send: func(int, json.RawMessage) error {
		close(entered)
		<-release
		return nil
	}})
	keepClosed(t, b)
	ws, _, err := b.session.Dialer.Dial("ws://relay.invalid/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	go func() { _ = ws.WriteMessage(websocket.TextMessage, []byte(`{"op":4}`)) }()
	testkit.Receive(t, entered, "frame")
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		b.Close()
	}()
	for err == nil {
		_, _, err = ws.ReadMessage() // HELLO, and the end
	}
	select {
	case <-closed:
		t.Error("Close returned while Send was at work")
	default:
	}
	close(release)
	testkit.Receive(t, closed, "return of Close")
}

func TestGarbageInsteadOfAHandshake(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	keepClosed(t, b)
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
