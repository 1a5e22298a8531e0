package metrics

import "github.com/prometheus/client_golang/prometheus"

// A Cluster is what a process knows of those that it shares the bot's shards with.
type Cluster struct {
	Processes         int
	Unowned           int  // shards
	Leased            bool // this process holds its lease
	Takeovers, Lapses uint64
}

// clusterMetrics collects a Cluster.
type clusterMetrics struct {
	read                                          func() Cluster
	processes, unowned, leased, takeovers, lapses *prometheus.Desc
}

// NewCluster returns a Collector of what a process knows of its cluster.
func NewCluster(namespace string, read func() Cluster) prometheus.Collector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_cluster_"+name, help, nil, nil)
	}
	return &clusterMetrics{
		read:      read,
		processes: desc("processes", "Processes that share the bot's shards, as this one knows."),
		unowned:   desc("unowned_shards", "Shards that no process has, as this one knows."),
		leased: desc("lease_held",
			"1 if this process holds its lease, 0 if its shards pause because it cannot renew it."),
		takeovers: desc("takeovers_total",
			"Shards that this process has taken over from processes that had died."),
		lapses: desc("lease_lapses_total", "Times that this process could not renew its lease in time."),
	}
}

// Describe implements prometheus.Collector.
func (c *clusterMetrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *clusterMetrics) Collect(ch chan<- prometheus.Metric) {
	out, now := Sink(ch), c.read()
	held := 0.0
	if now.Leased {
		held = 1
	}
	out.Gauge(c.processes, float64(now.Processes))
	out.Gauge(c.unowned, float64(now.Unowned))
	out.Gauge(c.leased, held)
	out.Counter(c.takeovers, now.Takeovers)
	out.Counter(c.lapses, now.Lapses)
}
