package profile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"time"
)

// A Directory holds captures, each in a directory of its own that is named after the time.
type Directory struct {
	Path     string
	MaxBytes int64 // beyond which the oldest captures are deleted

	// Create makes a file that is not there yet. nil: on disk.
	Create func(path string) (io.WriteCloser, error)
}

// A WriteError says that the disk does not take what is written. The same again may work later.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// Sources of a capture. What is nil or 0 is left out of it.
type Sources struct {
	Recorder *trace.FlightRecorder
	CPU      time.Duration // for how long to record a CPU profile
}

// layout is that of the names, which sort by time.
const layout = "20060102T150405.000000000Z"

// Capture writes what the process is doing into a new directory and returns its path: all
// goroutines, the recorded trace, a heap profile and a CPU profile, which takes its time. What
// could not be captured is in the error, a *WriteError if the disk is at fault; the rest is there.
// If nothing is, there is no directory either. The end of ctx cuts the CPU profile short. Calls
// must not overlap.
func (d Directory) Capture(ctx context.Context, src Sources) (dir string, err error) {
	if err := os.MkdirAll(d.Path, 0o750); err != nil {
		return "", fmt.Errorf("capture: %w", &WriteError{err})
	}
	dir = filepath.Join(d.Path, time.Now().UTC().Format(layout))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("capture: %w", &WriteError{err})
	}
	// What is happening now comes first, what takes time last.
	problems := []error{d.write(dir, "goroutines.txt", func(w io.Writer) error {
		return pprof.Lookup("goroutine").WriteTo(w, 2)
	})}
	if src.Recorder != nil && src.Recorder.Enabled() {
		problems = append(problems, d.write(dir, "trace.out", func(w io.Writer) error {
			_, err := src.Recorder.WriteTo(w)
			return err
		}))
	}
	problems = append(problems, d.write(dir, "heap.pprof", func(w io.Writer) error {
		return pprof.Lookup("heap").WriteTo(w, 0)
	}))
	if os.Remove(dir) == nil { // it is empty: the disk is full
		return "", fmt.Errorf("nothing could be captured: %w", problems[0])
	}
	if src.CPU > 0 {
		problems = append(problems, d.write(dir, "cpu.pprof", func(w io.Writer) error {
			return cpuProfile(ctx, w, src.CPU)
		}))
	}
	problems = append(problems, d.prune())
	return dir, errors.Join(problems...)
}

// write writes one file of a capture, or leaves none.
func (d Directory) write(dir, name string, content func(io.Writer) error) error {
	path := filepath.Join(dir, name)
	f, err := d.create(path)
	if err != nil {
		return fmt.Errorf("capture %s: %w", name, &WriteError{err})
	}
	w := watchedWriter{w: f}
	err = content(&w)
	if failed := cmp.Or(w.err, f.Close()); failed != nil {
		err = &WriteError{failed} // whatever else it led to
	}
	if err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("capture %s: %w", name, err)
	}
	return nil
}

func (d Directory) create(path string) (io.WriteCloser, error) {
	if d.Create != nil {
		return d.Create(path)
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// Probe reports whether the disk takes files now.
func (d Directory) Probe() error {
	if err := os.MkdirAll(d.Path, 0o750); err != nil {
		return &WriteError{err}
	}
	const name = ".probe"
	_ = os.Remove(filepath.Join(d.Path, name)) // of a process that was killed
	err := d.write(d.Path, name, func(w io.Writer) error {
		_, err := w.Write(make([]byte, 64<<10)) // a profile has as much
		return err
	})
	_ = os.Remove(filepath.Join(d.Path, name))
	return err
}

// A watchedWriter remembers the first error, of which runtime/pprof does not tell.
type watchedWriter struct {
	w   io.Writer
	err error
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// cpuProfile records one. Only one can be recorded in a process at a time.
func cpuProfile(ctx context.Context, w io.Writer, d time.Duration) error {
	if err := pprof.StartCPUProfile(w); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return nil
}

// prune deletes the oldest captures until the rest is within the limit; the last one stays whatever
// its size. What is not a capture it leaves alone.
func (d Directory) prune() error {
	entries, err := os.ReadDir(d.Path) // sorted by name, so by time
	if err != nil {
		return fmt.Errorf("delete old captures: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		_, err := time.Parse(layout, e.Name())
		return err != nil || !e.IsDir()
	})
	var total int64
	for _, e := range slices.Backward(entries) {
		dir := filepath.Join(d.Path, e.Name())
		size, err := sizeOf(dir)
		if err != nil {
			return fmt.Errorf("delete old captures: %w", err)
		}
		if total += size; total == size || total <= d.MaxBytes { // the last one, or there is room
			continue
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("delete old captures: %w", err)
		}
	}
	return nil
}

// sizeOf returns the size of the files in a directory.
func sizeOf(dir string) (size int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		file, err := e.Info()
		if err != nil {
			return 0, err
		}
		size += file.Size()
	}
	return size, nil
}
