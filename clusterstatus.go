package botwright

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/metrics"
)

// A ClusterStatus is what a process knows of those that it shares the bot's shards with; see
// [WithCluster].
type ClusterStatus struct {
	Self      string           `json:"self"`   // the id of this process
	Shards    int              `json:"shards"` // of the bot, over all processes
	Unowned   []int            `json:"unowned,omitempty"`
	Processes []ClusterProcess `json:"processes"`

	// InTouch is false while the process cannot hear of the others, and Leased when it does not
	// hold its lease any more: its shards pause then.
	InTouch bool `json:"in_touch"`
	Leased  bool `json:"leased"`

	Takeovers uint64 `json:"takeovers"` // shards that this process has taken over from dead ones
	Lapses    uint64 `json:"lapses"`    // times that its lease has run out
}

// A ClusterProcess is one of the processes of a bot.
type ClusterProcess struct {
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	Version string    `json:"version"` // of the program
	Started time.Time `json:"started"`
	Shards  []int     `json:"shards"` // those that it has
	Leaving bool      `json:"leaving,omitempty"`
}

// cluster returns the status of the cluster; nil without one.
func (b *Bot) cluster() *ClusterStatus {
	f := b.currentFleet()
	if f == nil || b.cfg.cluster == nil {
		return nil
	}
	v := f.member.View()
	s := &ClusterStatus{Self: v.Self, Shards: v.Count, InTouch: v.Synced, Leased: v.Valid,
		Takeovers: v.Takeovers, Lapses: v.Lapses, Processes: []ClusterProcess{}}
	for _, p := range v.Processes {
		s.Processes = append(s.Processes, ClusterProcess{ID: p.ID, Host: p.Name,
			Version: p.Version, Started: p.Started, Leaving: p.Leaving, Shards: ownedBy(v, p.ID)})
	}
	for id := range v.Count {
		if _, owned := v.Owners[id]; !owned {
			s.Unowned = append(s.Unowned, id)
		}
	}
	return s
}

func ownedBy(v cluster.View, process string) []int {
	shards := []int{}
	for id, owner := range v.Owners {
		if owner == process {
			shards = append(shards, id)
		}
	}
	slices.Sort(shards)
	return shards
}

// String returns a line for people.
func (s *ClusterStatus) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "cluster: %d processes, %d of %d shards owned, %d takeovers",
		len(s.Processes), s.Shards-len(s.Unowned), s.Shards, s.Takeovers)
	switch {
	case !s.Leased:
		line.WriteString(", out of touch: shards pause")
	case !s.InTouch:
		line.WriteString(", out of touch")
	}
	return line.String()
}

// clusterMetrics returns what the metrics show of the cluster.
func (b *Bot) clusterMetrics() metrics.Cluster {
	s := b.cluster()
	if s == nil {
		return metrics.Cluster{}
	}
	return metrics.Cluster{Processes: len(s.Processes), Unowned: len(s.Unowned), Leased: s.Leased,
		Takeovers: s.Takeovers, Lapses: s.Lapses}
}
