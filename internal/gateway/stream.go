package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zlib"
)

// Compression is how Discord is asked to compress what it sends.
type Compression int

// Compressions. Over a mix of events zstd needs an eighth of the bytes and half of zlib's time.
const (
	Zstd Compression = iota
	Zlib
	Plain
)

// query returns the value of the compress parameter of the gateway's URL.
func (c Compression) query() string {
	switch c {
	case Zstd:
		return "zstd-stream"
	case Zlib:
		return "zlib-stream"
	}
	return ""
}

// keepBuffer is the size up to which a buffer is kept for the next payload.
const keepBuffer = 64 << 10

// String returns the name of the compression.
func (c Compression) String() string {
	if c == Plain {
		return "none"
	}
	return c.query()
}

// fallBack chooses another compression for the next connection, because the server does not seem
// to know this one. If it does not understand even what is not compressed, that was not why.
func (s *Shard) fallBack(reason error) {
	from := s.compression
	if from == Plain {
		s.compression = s.cfg.Compression
		return
	}
	s.compression++
	s.log.Warn("the server does not seem to support the compression; trying another",
		"compression", from.String(), "next", s.compression.String(), "error", reason)
}

// errEncoding says that what came was not compressed as it was asked for.
var errEncoding = errors.New("not compressed as asked for")

var errTooLarge = errors.New("payload is larger than the limit")

// A stream turns the messages of a websocket into payloads.
//
// The decompressor pulls: it asks for input only when all of its earlier output has been
// returned, so whenever it asks, and the message before was the end of a payload, what has come
// out since the last payload is exactly the next one. Working the other way round, reading
// until some buffer is empty, breaks the stream when a payload ends on the decompressor's
// window.
type stream struct {
	ws    *websocket.Conn
	limit int
	emit  func(payload []byte) error // must not keep the slice
	wait  func() error               // called before each message; sets the read deadline

	msg   []byte // the message being read, reused
	cur   []byte // what of msg has not been decompressed yet
	out   []byte // the payload being put together
	ended bool   // msg was the last of its payload
	tail  uint32 // the last 4 bytes of the zlib stream

	compressed bool
	zlib       bool
	failed     bool // reading has failed, and not decompressing
}

// run reads until an error, which it returns.
func (s *stream) run(c Compression) error {
	s.compressed = c != Plain
	switch c {
	case Zstd:
		z, err := newWindowReader(s)
		if err != nil {
			return fmt.Errorf("read zstd-stream: %w", err)
		}
		defer z.Close()
		return s.pump(z)
	case Zlib:
		s.zlib = true
		// bufio asks for no more than one Read gives, so it never reads past a message.
		z, err := zlib.NewReader(bufio.NewReaderSize(s, 4096))
		if err != nil {
			return s.reason(err)
		}
		defer z.Close()
		return s.pump(z)
	}
	for {
		if err := s.nextMessage(); err != nil {
			return err
		}
		if err := s.emit(s.msg); err != nil {
			return err
		}
	}
}

// pump decompresses step by step, so that a bomb is noticed after one step too many.
func (s *stream) pump(z io.Reader) error {
	chunk := make([]byte, 4<<10)
	for {
		n, err := z.Read(chunk)
		s.out = append(s.out, chunk[:n]...)
		if len(s.out) > s.limit {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return errors.New("compressed stream ended")
		}
		if err != nil {
			return s.reason(err)
		}
	}
}

// reason tells an error of decompressing from one of reading.
func (s *stream) reason(err error) error {
	if s.failed {
		return err
	}
	return fmt.Errorf("%w: %w", errEncoding, err)
}

// Read gives the decompressor the bytes of the next message.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.cur) == 0 {
		if s.ended && len(s.out) > 0 {
			if err := s.emit(s.out); err != nil {
				s.failed = true
				return 0, err
			}
			s.out = recycle(s.out)
		}
		if err := s.nextMessage(); err != nil {
			s.failed = true
			return 0, err
		}
		s.cur = s.msg
		s.ended = !s.zlib || s.flushed()
	}
	n := copy(p, s.cur)
	s.cur = s.cur[n:]
	return n, nil
}

// flushed reports whether msg completes the marker with which a zlib payload ends. The marker
// itself may be split.
func (s *stream) flushed() bool {
	for _, b := range s.msg[max(0, len(s.msg)-4):] {
		s.tail = s.tail<<8 | uint32(b)
	}
	return s.tail == 0x0000ffff
}

// nextMessage reads one message into s.msg. A text message on a compressed stream is a payload
// that the server did not compress; it is emitted as it is.
func (s *stream) nextMessage() error {
	for {
		if err := s.wait(); err != nil {
			return err
		}
		kind, r, err := s.ws.NextReader()
		if err != nil {
			return err
		}
		s.msg = recycle(s.msg)
		if err := s.readAll(r); err != nil {
			return err
		}
		if !s.compressed || kind == websocket.BinaryMessage {
			return nil
		}
		if err := s.emit(s.msg); err != nil {
			return err
		}
	}
}

// readAll appends to s.msg what r has, up to the limit.
func (s *stream) readAll(r io.Reader) error {
	for {
		if len(s.msg) == cap(s.msg) {
			s.msg = append(s.msg, 0)[:len(s.msg)]
		}
		n, err := r.Read(s.msg[len(s.msg):cap(s.msg)])
		s.msg = s.msg[:len(s.msg)+n]
		if len(s.msg) > s.limit {
			return errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// recycle empties a buffer for the next payload, unless one huge payload made it huge.
func recycle(b []byte) []byte {
	if cap(b) > keepBuffer {
		return nil
	}
	return b[:0]
}
