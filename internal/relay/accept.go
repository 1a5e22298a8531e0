package relay

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// accept answers the websocket handshake that the session's dialer sends over conn.
func accept(conn net.Conn) (*websocket.Conn, error) {
	// A pipe's deadlines cannot fail before it is closed, and then the next read does.
	_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
	buffered := bufio.NewReader(conn)
	request, err := http.ReadRequest(buffered)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: handshakeTimeout,
		ReadBufferSize:   bufferSize,
		WriteBufferSize:  bufferSize,
	}
	ws, err := upgrader.Upgrade(&handshake{conn: conn, buffered: buffered}, request, nil)
	if err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	return ws, nil
}

// handshake is the least [http.ResponseWriter] that a websocket upgrade needs: it gives its
// connection away. An error response goes nowhere, as the connection is dropped after it.
type handshake struct {
	conn     net.Conn
	buffered *bufio.Reader
	header   http.Header
}

func (h *handshake) Header() http.Header {
	if h.header == nil {
		h.header = make(http.Header)
	}
	return h.header
}

func (h *handshake) Write([]byte) (int, error) {
	return 0, errors.New("relay: no response over a pipe")
}

func (h *handshake) WriteHeader(int) {}

// Hijack implements [http.Hijacker].
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(h.buffered, bufio.NewWriterSize(h.conn, 0)), nil
}
