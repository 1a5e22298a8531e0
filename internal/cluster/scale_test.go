package cluster_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

// A cost is what a cluster sends to and from its backend, in messages and in bytes of keys and
// values.
type cost struct{ messages, bytes float64 }

// costs runs a cluster and returns what it sends per second when nothing happens, and what it
// sends in all when a process is killed.
func costs(t *testing.T, shards, processes int) (steady, takeover cost) {
	t.Helper()
	const span = 60
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, 1, shards, 0)
		g.cfg.Settle = 5 * time.Second
		sent := &tally{}
		for range processes {
			p := &process{name: "bot-5d8f9c7b4-x2v9k", referee: g.referee, crashed: make(chan struct{}),
				line: &line{Backend: g.backend, rand: rand.New(rand.NewPCG(1, 1)), messages: sent}}
			if err := p.join(g.cfg); err != nil {
				t.Fatal(err)
			}
			g.all = append(g.all, p)
		}
		time.Sleep(20 * time.Second)
		if n := len(g.referee.owners()); n != shards || g.referee.started() != shards {
			t.Errorf("%d of %d shards run, %d were started", n, shards, g.referee.started())
		}
		sent.take()
		time.Sleep(span * time.Second)
		messages, bytes := sent.take()
		steady = cost{float64(messages) / span, float64(bytes) / span}
		g.all[0].crash()
		time.Sleep(cluster.DefaultTTL + 5*time.Second)
		if n := len(g.referee.owners()); n != shards {
			t.Errorf("%d of %d shards run after a process was killed", n, shards)
		}
		messages, bytes = sent.take()
		takeover = cost{float64(messages), float64(bytes)}
		for _, p := range g.all[1:] {
			p.crash()
		}
	})
	return steady, takeover
}

// TestCostGrowsWithShards checks that leases cost a thousand shards little, and two hundred a fifth as
// much. What a bot stores of each shard is not part of it.
func TestCostGrowsWithShards(t *testing.T) {
	t.Parallel()
	part, _ := costs(t, 200, 10)
	whole, killed := costs(t, 1000, 50)
	t.Logf("200 shards in 10 processes: %.0f messages and %.0f bytes per second",
		part.messages, part.bytes)
	t.Logf("1,000 shards in 50 processes: %.0f messages and %.0f bytes per second",
		whole.messages, whole.bytes)
	t.Logf("a process of those is killed: %.0f messages and %.0f bytes", killed.messages, killed.bytes)
	if perShard := whole.bytes / 1000; whole.messages > 250 || perShard > 50 {
		t.Errorf("%.0f messages per second, %.0f bytes per shard", whole.messages, perShard)
	}
	if ratio := whole.messages / part.messages; ratio < 4.5 || ratio > 5.5 {
		t.Errorf("five times the shards cost %.2f times the messages", ratio)
	}
	if ratio := whole.bytes / part.bytes; ratio < 4.5 || ratio > 5.5 {
		t.Errorf("five times the shards cost %.2f times the bytes", ratio)
	}
}
