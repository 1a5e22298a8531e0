package discordtest

import (
	"bytes"
	"fmt"
	"io"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// An encoder turns gateway payloads into websocket messages under one connection's compression. One
// goroutine uses it.
type encoder struct {
	stream flusher // transport compression, nil for none
	out    bytes.Buffer
	single *zlib.Writer // payload compression, made on first use
	buf    bytes.Buffer
}

type flusher interface {
	io.Writer
	Flush() error
}

// open prepares the encoder for a value of the compress parameter.
func (e *encoder) open(compress string) error {
	switch compress {
	case "":
		return nil
	case "zlib-stream":
		e.stream = zlib.NewWriter(&e.out)
		return nil
	case "zstd-stream":
		z, err := zstd.NewWriter(&e.out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		e.stream = z
		return err
	}
	return fmt.Errorf("discordtest: unknown compression %q", compress)
}

// zstdWindow is small because a test may hold hundreds of connections; decoders accept any window
// up to theirs.
const zstdWindow = 128 << 10

// payloadThreshold is the size from which payload compression pays.
const payloadThreshold = 1 << 10

// encode returns the websocket message for a payload. The data is valid until the next call.
func (e *encoder) encode(payload []byte, compress bool) (messageType int, data []byte, err error) {
	switch {
	case e.stream != nil:
		e.out.Reset()
		if _, err = e.stream.Write(payload); err == nil {
			err = e.stream.Flush()
		}
		return websocket.BinaryMessage, e.out.Bytes(), err
	case compress && len(payload) >= payloadThreshold:
		e.buf.Reset()
		if e.single == nil {
			e.single = zlib.NewWriter(&e.buf)
		} else {
			e.single.Reset(&e.buf)
		}
		if _, err = e.single.Write(payload); err == nil {
			err = e.single.Close()
		}
		return websocket.BinaryMessage, e.buf.Bytes(), err
	}
	return websocket.TextMessage, payload, nil
}

// bomb returns a message that is one valid payload of about size bytes: small on the wire if the
// connection compresses.
func (e *encoder) bomb(size int) (messageType int, data []byte, err error) {
	e.out.Reset()
	w := io.Writer(&e.out)
	if e.stream != nil {
		w = e.stream
	}
	chunk := bytes.Repeat([]byte("A"), 64<<10)
	_, err = io.WriteString(w, `{"t":"BOMB","s":null,"op":0,"d":{"content":"`)
	for left := size; left > 0 && err == nil; left -= len(chunk) {
		_, err = w.Write(chunk[:min(left, len(chunk))])
	}
	if err == nil {
		_, err = io.WriteString(w, `"}}`)
	}
	if e.stream == nil {
		return websocket.TextMessage, e.out.Bytes(), err
	}
	if err == nil {
		err = e.stream.Flush()
	}
	return websocket.BinaryMessage, e.out.Bytes(), err
}
