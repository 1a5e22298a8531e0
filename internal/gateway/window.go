package gateway

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Limits of the window of a zstd stream.
const (
	minWindow = 16 << 10 // what the decoder begins with
	maxWindow = 8 << 20  // the largest that a stream may make us allocate
)

// A windowReader decompresses a zstd stream with no more memory than what has come of it needs.
//
// The decoder allocates the window that the stream announces, and more, before anything has come:
// megabytes that a shard without much traffic never touches, and that the collector counts all the
// same. So the decoder is told of a smaller one. Nothing refers farther back than what has come,
// so that is enough until more than that has; then another decoder is told of twice as much and
// given all of the stream again. What is kept of the stream for that is compressed, and dropped
// when the window is what the stream announced.
//
// A smaller window is also a lower limit for what one step of the stream may hold, and the
// decoder returns an error then, which is an error of the stream only if the window is not smaller.
type windowReader struct {
	src    io.Reader
	srcErr error
	z      *zstd.Decoder
	head   []byte // what src has given; nil once it is not needed any more
	told   int    // the window that the decoder has been told of
	window int    // the stream's; 0 while that is unknown
	out    int64  // how much has been returned
}

// The start of a zstd frame (RFC 8878): a magic number, the descriptor, and unless that says
// otherwise the window.
const (
	zstdMagic     = "\x28\xb5\x2f\xfd"
	descriptorAt  = len(zstdMagic)
	windowAt      = descriptorAt + 1
	singleSegment = 1 << 5
)

func newWindowReader(src io.Reader) (*windowReader, error) {
	w := &windowReader{src: src, told: minWindow}
	var err error
	w.z, err = newZstd(source{w})
	return w, err
}

func newZstd(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
}

// Close frees the decoder.
func (w *windowReader) Close() { w.z.Close() }

// Read implements [io.Reader]. It asks src for more only when it has returned all before that.
func (w *windowReader) Read(p []byte) (int, error) {
	for {
		n, err := w.z.Read(p)
		w.out += int64(n)
		done := err == nil || n > 0 || w.srcErr != nil
		switch {
		case w.head == nil || w.told >= w.window:
			return n, err
		case done && w.out <= int64(w.told):
			return n, err
		}
		if growErr := w.grow(); growErr != nil {
			return n, growErr
		}
		if done {
			return n, err
		}
	}
}

// grow replaces the decoder by one that has been told of a window twice as large.
func (w *windowReader) grow() error {
	w.told = min(2*w.told, w.window)
	w.z.Close()
	start := append([]byte(nil), w.head...)
	start[windowAt] = w.descriptor(start[windowAt])
	if w.told == w.window {
		w.head = nil
	}
	var err error
	if w.z, err = newZstd(io.MultiReader(bytes.NewReader(start), source{w})); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, w.z, w.out); err != nil {
		return fmt.Errorf("decompress again with a window of %d bytes: %w", w.told, err)
	}
	return nil
}

// descriptor returns the window descriptor for what the decoder is to be told, in place of the
// stream's.
func (w *windowReader) descriptor(own byte) byte {
	if w.told >= w.window {
		return own
	}
	exponent := byte(0)
	for 1<<(10+exponent) < w.told {
		exponent++
	}
	return exponent << 3
}

// A source gives the decoder what comes, except for the window, and keeps it.
type source struct{ w *windowReader }

func (s source) Read(p []byte) (int, error) {
	w := s.w
	n, err := w.src.Read(p)
	w.srcErr = err
	if w.window > 0 && w.head == nil {
		return n, err
	}
	at := len(w.head)
	w.head = append(w.head, p[:n]...)
	if at > windowAt || len(w.head) <= windowAt {
		return n, err
	}
	if w.window = announced(w.head); w.window <= minWindow || w.window > maxWindow {
		w.head = nil
		return n, err
	}
	p[windowAt-at] = w.descriptor(w.head[windowAt])
	return n, err
}

// announced returns the window in the header of a frame, 1 if there is none.
func announced(head []byte) int {
	if string(head[:descriptorAt]) != zstdMagic || head[descriptorAt]&singleSegment != 0 {
		return 1
	}
	base := 1 << (10 + int(head[windowAt]>>3))
	return base + base/8*int(head[windowAt]&7)
}
