package profile_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/profile"
)

func TestCapture(t *testing.T) {
	d := profile.Directory{Path: filepath.Join(t.TempDir(), "new", "captures"), MaxBytes: 1 << 30}
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	defer recorder.Stop()
	dir, err := d.Capture(t.Context(), profile.Sources{Recorder: recorder, CPU: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"cpu.pprof", "goroutines.txt", "heap.pprof", "trace.out"}
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for _, name := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	dump, err := os.ReadFile(filepath.Join(dir, "goroutines.txt"))
	if err != nil || !strings.Contains(string(dump), "TestCapture") {
		t.Errorf("the goroutine dump does not show this test: %v", err)
	}
}

// TestCaptureWithoutTheRest wants what can be had when others use the profiler and the recorder.
func TestCaptureWithoutTheRest(t *testing.T) {
	d := profile.Directory{Path: t.TempDir(), MaxBytes: 1 << 30}
	if err := pprof.StartCPUProfile(new(strings.Builder)); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	stopped := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	dir, err := d.Capture(t.Context(), profile.Sources{Recorder: stopped, CPU: time.Hour})
	if err == nil || !strings.Contains(err.Error(), "cpu.pprof") {
		t.Errorf("error %v does not say that cpu.pprof is missing", err)
	}
	if got, want := list(t, dir), []string{"goroutines.txt", "heap.pprof"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestCaptureEndsWithItsContext(t *testing.T) {
	d := profile.Directory{Path: t.TempDir(), MaxBytes: 1 << 30}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir, err := d.Capture(ctx, profile.Sources{CPU: time.Hour})
	if err != nil || !slices.Contains(list(t, dir), "cpu.pprof") {
		t.Errorf("capture %q, %v", list(t, dir), err)
	}
}

func TestCaptureNowhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (profile.Directory{Path: file}).Capture(t.Context(), profile.Sources{}); err == nil {
		t.Error("a capture into a file succeeded")
	}
}

func TestOldCapturesAreDeleted(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{"keep-me", "20060102T150405.000000000Z.txt"} {
		if err := os.Mkdir(filepath.Join(path, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	old := filepath.Join(path, "20200101T000000.000000000Z")
	write := func(dir string, size int) {
		t.Helper()
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "trace.out"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(old, 100)
	recent := filepath.Join(path, "20200102T000000.000000000Z")
	write(recent, 100)

	d := profile.Directory{Path: path, MaxBytes: 0}
	dir, err := d.Capture(t.Context(), profile.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"20060102T150405.000000000Z.txt", filepath.Base(dir), "keep-me"}
	if got := list(t, path); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}

	write(old, 1<<20)
	write(recent, 100)
	d.MaxBytes = 1 << 20 // room for all but the oldest
	if dir, err = d.Capture(t.Context(), profile.Sources{}); err != nil {
		t.Fatal(err)
	}
	got := list(t, path)
	if slices.Contains(got, filepath.Base(old)) || !slices.Contains(got, filepath.Base(recent)) ||
		!slices.Contains(got, filepath.Base(dir)) {
		t.Errorf("left are %q", got)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}
