package relay

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 answers the handshake with it
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/websocket"
)

// maxRequest is the size of a handshake that no session's comes near.
const maxRequest = 64 << 10

// upgrade returns the answer to the websocket handshake at the start of b, and what follows
// it; neither as long as the request is incomplete.
func upgrade(b []byte) (answer, rest []byte, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(b) > maxRequest:
		return nil, nil, errors.New("request is too long")
	case end < 0:
		return nil, b, nil
	}
	end += len("\r\n\r\n")
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b[:end])))
	if err != nil {
		return nil, nil, fmt.Errorf("read request: %w", err)
	}
	key := request.Header.Get("Sec-WebSocket-Key")
	if request.Method != http.MethodGet || !websocket.IsWebSocketUpgrade(request) || key == "" {
		return nil, nil, errors.New("request does not ask for a websocket")
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	return fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:])), b[end:], nil
}

// Opcodes of websocket frames.
const (
	opcodeContinuation = 0
	opcodeText         = 1
	opcodeBinary       = 2
	opcodeClose        = 8
)

// maxFrame bounds what one frame of the session may announce. Its websocket splits messages into
// frames of the size of its buffer.
const maxFrame = 1 << 20

// frame is one frame of the session's websocket.
type frame struct {
	opcode  byte
	final   bool   // the last of its message
	payload []byte // a copy
}

// cutFrame returns the frame at the start of b, and what follows it; nil as long as it is
// incomplete.
func cutFrame(b []byte) (f *frame, rest []byte, err error) {
	if len(b) < 2 {
		return nil, b, nil
	}
	if b[0]&0x70 != 0 || b[1]&0x80 == 0 {
		return nil, nil, errors.New("no websocket frame of a client")
	}
	head, size := 2, uint64(b[1]&0x7f)
	switch {
	case size == 126 && len(b) >= 4:
		head, size = 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case size == 127 && len(b) >= 10:
		head, size = 10, binary.BigEndian.Uint64(b[2:])
	case size >= 126:
		return nil, b, nil
	}
	if size > maxFrame {
		return nil, nil, errors.New("websocket frame is too long")
	}
	end := head + 4 + int(size)
	if len(b) < end {
		return nil, b, nil
	}
	mask, payload := b[head:head+4], make([]byte, size)
	for i := range payload {
		payload[i] = b[head+4+i] ^ mask[i%4]
	}
	return &frame{opcode: b[0] & 0xf, final: b[0]&0x80 != 0, payload: payload}, b[end:], nil
}

// textFrame returns the websocket frame of a whole message to the session.
func textFrame(message []byte) []byte {
	b := make([]byte, 0, len(message)+10)
	b = append(b, 0x80|opcodeText)
	switch n := len(message); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, message...)
}
