package callstack_test

import (
	"testing"

	"github.com/botwright/botwright/internal/callstack"
)

const name = "github.com/botwright/botwright/internal/callstack_test"

type box[T any] []T

func (b *box[T]) call(f func() bool) bool { return f() }

// deep calls f below so many functions.
func deep(n int, f func() bool) bool {
	if n == 0 {
		return f()
	}
	return deep(n-1, f)
}

func TestHas(t *testing.T) {
	t.Parallel()
	generic := func() bool { return callstack.Has(name+".other", name+".(*box[...]).call") }
	for _, depth := range []int{0, 1, 63, 64, 65, 200} {
		if !new(box[int]).call(func() bool { return deep(depth, generic) }) {
			t.Errorf("not found %d functions above", depth)
		}
		if deep(depth, generic) {
			t.Errorf("found though it is not there, %d functions deep", depth)
		}
	}
}

func TestHasNotInAnotherGoroutine(t *testing.T) {
	t.Parallel()
	found := make(chan bool)
	if new(box[int]).call(func() bool {
		go func() { found <- callstack.Has(name + ".(*box[...]).call") }()
		return <-found
	}) {
		t.Error("found in a goroutine that the function has started")
	}
}
