package relay_test

import (
	"bytes"
	"testing"

	"github.com/botwright/botwright/internal/relay"
)

// FuzzFrames cuts frames off bytes that come all at once and one by one.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x81\x82abcd\x00\x00"))
	f.Add([]byte("\x01\x81abcd\x00\x80\x81abcd\x00\x88\x80abcd"))
	f.Add([]byte("\x81\xfe\x00\x01abcd\x00\x81\xff\x00\x00\x00\x00\x00\x00\x00\x01abcd\x00"))
	f.Add([]byte("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xffabcd"))
	f.Add([]byte("\x81\x02ab"))
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, wholeErr := relay.Payloads([][]byte{b})
		pieces := make([][]byte, 0, len(b))
		for i := range b {
			pieces = append(pieces, b[i:i+1])
		}
		single, singleErr := relay.Payloads(pieces)
		if (wholeErr == nil) != (singleErr == nil) {
			t.Fatalf("all at once: %v, one by one: %v", wholeErr, singleErr)
		}
		if !bytes.Equal(bytes.Join(whole, []byte{0}), bytes.Join(single, []byte{0})) {
			t.Errorf("all at once: %q, one by one: %q", whole, single)
		}
	})
}
