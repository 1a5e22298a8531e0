package profile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/profile"
)

// A fullFile takes some bytes and then no more.
type fullFile struct {
	*os.File
	room *int
}

func (f fullFile) Write(p []byte) (int, error) {
	if len(p) > *f.room {
		return 0, syscall.ENOSPC
	}
	*f.room -= len(p)
	return f.File.Write(p)
}

// full returns a directory on a disk with so many bytes left.
func full(t *testing.T, room *int) profile.Directory {
	return profile.Directory{Path: filepath.Join(t.TempDir(), "captures"), MaxBytes: 1 << 30,
		Create: func(path string) (io.WriteCloser, error) {
			f, err := os.Create(path)
			return fullFile{f, room}, err
		}}
}

func TestCaptureOnAFullDisk(t *testing.T) {
	room := 0
	d := full(t, &room)
	dir, err := d.Capture(t.Context(), profile.Sources{CPU: time.Hour})
	if dir != "" || !errors.Is(err, syscall.ENOSPC) || !errors.As(err, new(*profile.WriteError)) ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("Capture: %q, %v", dir, err)
	}
	if err := d.Probe(); !errors.As(err, new(*profile.WriteError)) {
		t.Errorf("Probe: %v", err)
	}
	if left := list(t, d.Path); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	room = 1 << 30
	if err := d.Probe(); err != nil {
		t.Errorf("Probe with room: %v", err)
	}
	if dir, err = d.Capture(t.Context(), profile.Sources{}); err != nil || len(list(t, dir)) != 2 {
		t.Errorf("Capture with room: %v, %v", list(t, dir), err)
	}
}

// A profile that the disk has no room for is none, though runtime/pprof says nothing.
func TestCaptureWithoutRoomForAProfile(t *testing.T) {
	room := 1 << 30
	d := full(t, &room)
	create := d.Create
	d.Create = func(path string) (io.WriteCloser, error) {
		if strings.HasSuffix(path, ".pprof") {
			room = 0
		}
		return create(path)
	}
	dir, err := d.Capture(t.Context(), profile.Sources{CPU: time.Millisecond})
	if !errors.As(err, new(*profile.WriteError)) || !strings.Contains(err.Error(), "heap.pprof") {
		t.Errorf("error %v", err)
	}
	if got := list(t, dir); len(got) != 1 || got[0] != "goroutines.txt" {
		t.Errorf("files %q", got)
	}
}
