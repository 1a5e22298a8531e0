package natscluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/botwright/botwright/contrib/natscluster"
)

// patience is how long a test waits for what must happen, on a machine that is busy.
const patience = time.Minute

// A natsServer is a NATS server in this process that can be stopped and started again on the same
// port with what it has stored.
type natsServer struct {
	t    *testing.T
	opts server.Options
	srv  *server.Server
}

// newServer starts a NATS server. Functions change its options.
func newServer(t *testing.T, change ...func(*server.Options)) *natsServer {
	t.Helper()
	s := &natsServer{t: t, opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		NoLog: true, NoSigs: true,
	}}
	for _, f := range change {
		f(&s.opts)
	}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *natsServer) start() {
	s.t.Helper()
	opts := s.opts
	srv, err := server.NewServer(&opts)
	if err != nil {
		s.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		s.t.Fatal("the NATS server does not start")
	}
	s.srv, s.opts.Port = srv, opts.Port
}

func (s *natsServer) stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

func (s *natsServer) url() string { return s.srv.ClientURL() }

// connect returns a cluster on the server.
func (s *natsServer) connect() *natscluster.Cluster {
	s.t.Helper()
	c, err := natscluster.Connect(s.t.Context(), s.url(), natscluster.Config{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// within returns a context that ends a test which waits in vain.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
