package discordtest

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A listener wraps accepted connections and resets those that the server refuses.
type listener struct {
	net.Listener
	srv *Server
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		w := newWire(conn)
		if !l.srv.refuses(refuseAll) {
			return w, nil
		}
		w.reset()
	}
}

// A wire is a TCP connection that can be paused in either direction. After cork it collects writes
// until flush, so that a burst of events does not cost one system call each. One goroutine writes
// at a time; the rest is safe for all.
type wire struct {
	net.Conn
	corked bool
	buf    []byte

	mu         sync.Mutex
	moved      *sync.Cond // pauses changed or the wire closed
	readsHeld  bool
	writesHeld bool
	closed     bool
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c}
	w.moved = sync.NewCond(&w.mu)
	return w
}

// flushSize is how much a corked wire collects: a few typical batches, far below a socket buffer.
const flushSize = 32 << 10

func (w *wire) cork() { w.corked = true }

func (w *wire) Write(p []byte) (int, error) {
	if !w.corked {
		return w.writeOut(p)
	}
	w.buf = append(w.buf, p...)
	if len(w.buf) < flushSize {
		return len(p), nil
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// flush writes out what was collected.
func (w *wire) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	_, err := w.writeOut(w.buf)
	w.buf = w.buf[:0]
	if cap(w.buf) > 4*flushSize {
		w.buf = nil
	}
	return err
}

func (w *wire) writeOut(p []byte) (int, error) {
	if err := w.pass(&w.writesHeld); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// Read holds back what it has read while reads are paused, and forgets deadlines that pass
// meanwhile.
func (w *wire) Read(p []byte) (int, error) {
	for {
		if err := w.pass(&w.readsHeld); err != nil {
			return 0, err
		}
		n, err := w.Conn.Read(p)
		held := w.held(&w.readsHeld)
		if held && n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if held {
			if perr := w.pass(&w.readsHeld); perr != nil {
				return 0, perr
			}
		}
		return n, err
	}
}

// pass blocks while *paused.
func (w *wire) pass(paused *bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for *paused && !w.closed {
		w.moved.Wait()
	}
	if w.closed {
		return net.ErrClosed
	}
	return nil
}

func (w *wire) held(paused *bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *paused
}

// holdReads pauses or resumes reading; a resumed wire has until d from now to read something.
func (w *wire) holdReads(on bool, d time.Duration) {
	if !on {
		_ = w.Conn.SetReadDeadline(time.Now().Add(d))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.readsHeld = on
	w.moved.Broadcast()
}

func (w *wire) holdWrites(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writesHeld = on
	w.moved.Broadcast()
}

// Close is idempotent and frees whoever is paused.
func (w *wire) Close() error {
	w.mu.Lock()
	was := w.closed
	w.closed = true
	w.moved.Broadcast()
	w.mu.Unlock()
	if was {
		return nil
	}
	return w.Conn.Close()
}

// release lets go of the buffer of a wire that nobody writes to any more.
func (w *wire) release() { w.buf = nil }

// closeWrite sends a FIN and leaves the reading side open, so that the close frame before it cannot
// be lost to a reset.
func (w *wire) closeWrite() {
	if c, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}

// reset closes the connection with a TCP RST.
func (w *wire) reset() {
	if c, ok := w.Conn.(interface{ SetLinger(int) error }); ok {
		_ = c.SetLinger(0)
	}
	_ = w.Close()
}
