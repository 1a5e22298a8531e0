package events_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/botwright/botwright/internal/events"
)

// FuzzDecode looks for an input that makes Decode panic, return what handlers cannot go by, share
// its input's memory or give no reason. Further seeds are in testdata/fuzz.
func FuzzDecode(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s.Type, []byte(s.Payload))
	}
	f.Fuzz(func(t *testing.T, eventType string, payload []byte) {
		before := bytes.Clone(payload)
		got, err := events.Decode(eventType, payload)
		if !bytes.Equal(payload, before) {
			t.Fatal("Decode wrote to its input")
		}
		var fault *events.PayloadError
		switch {
		case err == nil && got == nil:
			t.Fatal("neither a struct nor an error")
		case err != nil && got != nil:
			t.Fatal("a struct and an error")
		case errors.Is(err, events.ErrUnknownType) && events.Known(eventType):
			t.Fatal("a known type is unknown")
		case err != nil && !errors.Is(err, events.ErrUnknownType) && !errors.As(err, &fault):
			t.Fatalf("%v", err)
		case err != nil:
			return
		}
		clear(payload)
		again, err := events.Decode(eventType, before)
		if err != nil {
			t.Fatalf("the second time: %v", err)
		}
		if !reflect.DeepEqual(got, again) {
			t.Fatal("the struct changed with its input")
		}
	})
}
