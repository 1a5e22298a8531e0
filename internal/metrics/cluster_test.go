package metrics_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/botwright/botwright/internal/metrics"
)

func TestCluster(t *testing.T) {
	t.Parallel()
	c := metrics.NewCluster("discord", func() metrics.Cluster {
		return metrics.Cluster{Processes: 3, Unowned: 2, Leased: true, Takeovers: 7, Lapses: 1}
	})
	want := `
# HELP discord_cluster_lease_held 1 if this process holds its lease, 0 if its shards pause because it cannot renew it.
# TYPE discord_cluster_lease_held gauge
discord_cluster_lease_held 1
# HELP discord_cluster_lease_lapses_total Times that this process could not renew its lease in time.
# TYPE discord_cluster_lease_lapses_total counter
discord_cluster_lease_lapses_total 1
# HELP discord_cluster_processes Processes that share the bot's shards, as this one knows.
# TYPE discord_cluster_processes gauge
discord_cluster_processes 3
# HELP discord_cluster_takeovers_total Shards that this process has taken over from processes that had died.
# TYPE discord_cluster_takeovers_total counter
discord_cluster_takeovers_total 7
# HELP discord_cluster_unowned_shards Shards that no process has, as this one knows.
# TYPE discord_cluster_unowned_shards gauge
discord_cluster_unowned_shards 2
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
