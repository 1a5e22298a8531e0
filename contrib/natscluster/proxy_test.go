package natscluster_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/botwright/botwright/contrib/natscluster"
)

// A proxy forwards connections to a server, and can be cut.
type proxy struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: to, listener: l, conns: make(map[net.Conn]bool)}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.setCut(true)
		p.running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

// setCut breaks what is connected and refuses what comes, or no longer does.
func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	for conn := range p.conns {
		if cut {
			conn.Close()
		}
	}
}

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.to)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.conns[in], p.conns[out] = true, true
		if p.cut {
			in.Close()
			out.Close()
		}
		p.mu.Unlock()
		p.running.Go(func() { p.forward(in, out) })
		p.running.Go(func() { p.forward(out, in) })
	}
}

func (p *proxy) forward(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	from.Close()
	to.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, from)
}

// TestCutOff changes keys while one process is cut off.
func TestCutOff(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p := newProxy(t, s.srv.Addr().String())
	other := s.connect()
	c, err := natscluster.Connect(within(t), p.url(), natscluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, key := range []string{"a", "b", "c"} {
		put(t, other, key, "1", 0)
	}
	seen := watch(t, c, "")
	await(t, seen, "a=1", "b=1", "c=1", "-")
	p.setCut(true)
	put(t, other, "a", "2", 0)
	put(t, other, "a", "3", 0)
	remove(t, other, "b")
	remove(t, other, "c")
	put(t, other, "c", "4", 0)
	p.setCut(false)
	await(t, seen, "again", "a=3", "c=4", "-")
	put(t, other, "b", "5", 0)
	await(t, seen, "b=5")
}
