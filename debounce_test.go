package botwright_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/botwright/botwright"
)

func TestDebouncerNilFunction(t *testing.T) {
	d := botwright.NewDebouncer[int](botwright.DebouncerConfig{})
	defer func() {
		if recover() == nil {
			t.Error("Trigger takes a nil function")
		}
	}()
	d.Trigger(1, nil)
}

func TestDebouncerPanicIsLoggedByDefault(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)

	d := botwright.NewDebouncer[string](botwright.DebouncerConfig{})
	d.Trigger("role-sync", func() { panic("boom") })
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.Close()
	for _, want := range []string{"level=ERROR", "key=role-sync", "panic: boom", "stack="} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log has no %q:\n%s", want, out.String())
		}
	}
}

func TestDebouncerOnPanic(t *testing.T) {
	t.Parallel()
	got := make(chan *botwright.PanicError, 1)
	d := botwright.NewDebouncer[string](botwright.DebouncerConfig{
		OnPanic: func(key any, err *botwright.PanicError) {
			if key == "key" {
				got <- err
			}
		},
	})
	defer d.Close()
	if !d.Trigger("key", func() { panic("boom") }) {
		t.Error("Trigger has not taken the function")
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, got); err.Value != "boom" || !bytes.Contains(err.Stack, []byte("TestDebouncerOnPanic")) {
		t.Errorf("%v\n%s", err, err.Stack)
	}
	if st := d.Stats(); st != (botwright.DebouncerStats{Triggers: 1, Runs: 1, Panics: 1}) || d.Len() != 0 {
		t.Errorf("%+v, %d waiting", st, d.Len())
	}
}
