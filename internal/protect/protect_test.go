package protect_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/botwright/botwright/internal/protect"
)

func panicked(v any, stack []byte) error {
	return fmt.Errorf("%v, in a test: %t", v, strings.Contains(string(stack), "protect_test.go"))
}

func TestCall(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for _, tt := range []struct {
		name string
		f    func() error
		want string
	}{
		{"returns", func() error { return nil }, "<nil>"},
		{"fails", func() error { return failed }, "failed"},
		{"panics", func() error { panic("no") }, "no, in a test: true"},
	} {
		if got := fmt.Sprint(protect.Call(tt.f, panicked)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestCallLetsAGoroutineEnd(t *testing.T) {
	t.Parallel()
	returned, ended := false, make(chan struct{})
	go func() {
		defer close(ended)
		_ = protect.Call(func() error { runtime.Goexit(); return nil }, panicked)
		returned = true
	}()
	if <-ended; returned {
		t.Error("Call returned")
	}
}

func TestCallDoesNotAllocate(t *testing.T) {
	n := 0
	if got := testing.AllocsPerRun(100, func() {
		_ = protect.Call(func() error { n++; return nil }, panicked)
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}
