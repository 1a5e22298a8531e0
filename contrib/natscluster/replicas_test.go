package natscluster_test

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/botwright/botwright/contrib/natscluster"
)

// newServers starts three NATS servers that are one. Each has to know the ports of all from the
// start, so they are free ports of a moment before.
func newServers(t *testing.T) (servers []*natsServer) {
	t.Helper()
	var ports [3]int
	var routes []*url.URL
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
	}
	for i, port := range ports {
		servers = append(servers, newServer(t, func(o *server.Options) {
			o.ServerName = "nats-" + strconv.Itoa(i)
			o.Cluster = server.ClusterOpts{Name: "nats", Host: "127.0.0.1", Port: port}
			o.Routes = routes
		}))
	}
	return servers
}

// TestReplicas stops that of three servers which leads. The processes go on with the other two.
func TestReplicas(t *testing.T) {
	t.Parallel()
	servers := newServers(t)
	urls := make([]string, len(servers))
	for i, s := range servers {
		urls[i] = s.url()
	}
	var c *natscluster.Cluster
	if err := retry(t, func(ctx context.Context) (err error) { // until the servers have met
		c, err = natscluster.Connect(ctx, strings.Join(urls, ","), natscluster.Config{Replicas: 3})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	put(t, c, "lease", "1", 0)
	_, before, err := c.Get(within(t), "lease")
	if err != nil {
		t.Fatal(err)
	}
	leader := slices.IndexFunc(servers, func(s *natsServer) bool {
		return s.srv.JetStreamIsStreamLeader("$G", "KV_botwright")
	})
	if leader < 0 {
		t.Fatal("no server is the leader of the bucket")
	}
	servers[leader].stop()
	put(t, c, "lease", "2", 0)
	if err := retry(t, func(ctx context.Context) error {
		value, after, err := c.Get(ctx, "lease")
		if err == nil && (string(value) != "2" || after <= before) {
			t.Errorf("%q at %d, was at %d", value, after, before)
		}
		if err != nil {
			return err
		}
		return c.Save(ctx, "state", value)
	}); err != nil {
		t.Error(err)
	}
}
