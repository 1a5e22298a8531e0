package natscluster_test

import (
	"testing"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/cluster/clustertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	clustertest.Run(t, func(t *testing.T, n int) []cluster.Backend {
		t.Helper()
		s := newServer(t)
		backends := make([]cluster.Backend, n)
		for i := range backends {
			backends[i] = s.connect()
		}
		return backends
	})
}
