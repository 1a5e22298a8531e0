package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/botwright/botwright/internal/gateway"
)

// messages gives a decompressor one message after the other. It fails the test when the next is
// asked for before all payloads so far have been returned.
type messages struct {
	t      *testing.T
	list   [][]byte
	ends   []int // of the payloads in what comes out
	out    *bytes.Buffer
	cur    []byte
	opened int
}

func (m *messages) Read(p []byte) (int, error) {
	if len(m.cur) == 0 {
		if m.opened > 0 && m.out.Len() != m.ends[m.opened-1] {
			m.t.Fatalf("asked for message %d with %d bytes out, want %d", m.opened, m.out.Len(),
				m.ends[m.opened-1])
		}
		if m.opened == len(m.list) {
			return 0, io.ErrNoProgress
		}
		m.cur = m.list[m.opened]
		m.opened++
	}
	n := copy(p, m.cur)
	m.cur = m.cur[n:]
	return n, nil
}

// What refers back as far as the window allows comes out as it went in, whatever the window.
func TestWindowGrows(t *testing.T) {
	t.Parallel()
	for _, window := range []int{1 << 10, 16 << 10, 32 << 10, 128 << 10, 1 << 20, 4 << 20} {
		for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedBetterCompression} {
			t.Run(fmt.Sprintf("%d KiB, %v", window>>10, level), func(t *testing.T) {
				t.Parallel()
				var compressed, want, got bytes.Buffer
				z, err := zstd.NewWriter(&compressed, zstd.WithEncoderConcurrency(1),
					zstd.WithWindowSize(window), zstd.WithEncoderLevel(level))
				if err != nil {
					t.Fatal(err)
				}
				rnd := rand.New(rand.NewPCG(5, uint64(window)))
				m := &messages{t: t, out: &got}
				for want.Len() < 2*window+64<<10 {
					compressed.Reset()
					payload := far(rnd, want.Bytes(), window)
					want.Write(payload)
					_, _ = z.Write(payload)
					if err := z.Flush(); err != nil {
						t.Fatal(err)
					}
					m.list = append(m.list, bytes.Clone(compressed.Bytes()))
					m.ends = append(m.ends, want.Len())
				}
				r, free, err := gateway.NewWindowReader(m)
				if err != nil {
					t.Fatal(err)
				}
				defer free()
				chunk := make([]byte, 1000)
				for {
					n, err := r.Read(chunk)
					got.Write(chunk[:n])
					if err != nil {
						if !errors.Is(err, io.ErrNoProgress) {
							t.Errorf("Read = %v", err)
						}
						break
					}
				}
				if !bytes.Equal(got.Bytes(), want.Bytes()) {
					t.Errorf("%d bytes came out of %d, or others", got.Len(), want.Len())
				}
			})
		}
	}
}

// far returns a payload of letters and of pieces of what came before, from anywhere in the window.
func far(rnd *rand.Rand, before []byte, window int) []byte {
	payload := []byte(text(rnd, 1+rnd.IntN(500), false))
	for size := 1 << rnd.IntN(18); len(payload) < size; {
		n := 1 + rnd.IntN(2000)
		back := n + rnd.IntN(window)
		if back > len(before) {
			payload = append(payload, text(rnd, n, rnd.IntN(2) == 0)...)
			continue
		}
		from := len(before) - back
		payload = append(payload, before[from:from+n]...)
	}
	return payload
}

// Whatever is damaged, the outcome is that of a decoder which is told of the whole window.
func TestWindowOfADamagedStream(t *testing.T) {
	t.Parallel()
	for _, window := range []int{1 << 10, 64 << 10, 256 << 10} {
		var out bytes.Buffer
		z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(1, uint64(window)))
		for range 3 {
			_, _ = z.Write([]byte(text(rnd, 300, false)))
			_, _ = z.Write(bytes.Repeat([]byte("ab"), 10_000))
			_ = z.Flush()
		}
		for range 500 {
			b := damage(rnd, out.Bytes())
			plain, err := zstd.NewReader(noBytes{bytes.NewReader(b)}, zstd.WithDecoderConcurrency(1),
				zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
			if err != nil {
				t.Fatal(err)
			}
			r, free, err := gateway.NewWindowReader(noBytes{bytes.NewReader(b)})
			if err != nil {
				t.Fatal(err)
			}
			const limit = 1 << 20
			want, wantErr := io.ReadAll(io.LimitReader(plain, limit))
			got, gotErr := io.ReadAll(io.LimitReader(r, limit))
			if !bytes.Equal(got, want) || (gotErr == nil) != (wantErr == nil) {
				t.Fatalf("%x: %d bytes and %v, want %d and %v", b, len(got), gotErr, len(want), wantErr)
			}
			plain.Close()
			free()
		}
	}
}

// damage returns b with some bits flipped, bytes put in, or its end cut off.
func damage(rnd *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + rnd.IntN(3) {
		at := rnd.IntN(len(b))
		switch rnd.IntN(3) {
		case 0:
			b[at] ^= 1 << rnd.IntN(8)
		case 1:
			b = slices.Insert(b, at, byte(rnd.IntN(256)))
		case 2:
			b = b[:at+1]
		}
	}
	return b
}

// noBytes hides what kind of reader it is, as the decoder takes a shortcut for some.
type noBytes struct{ io.Reader }
