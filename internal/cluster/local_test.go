package cluster_test

import (
	"testing"
	"testing/synctest"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/cluster/clustertest"
)

func TestLocalConforms(t *testing.T) {
	t.Parallel()
	for _, c := range clustertest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c.Test(t, func(_ *testing.T, n int) []cluster.Backend {
					local := cluster.NewLocal()
					all := make([]cluster.Backend, n)
					for i := range all {
						all[i] = local
					}
					return all
				})
			})
		})
	}
}
