package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/cluster"
)

func TestClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := cluster.NewLocal()
		claim := func(process, name string, want bool) {
			t.Helper()
			got, err := cluster.Claim(t.Context(), backend, name, process, time.Minute)
			if got != want || err != nil {
				t.Errorf("%s claims %q: %v, %v", process, name, got, err)
			}
		}
		unclaim := func(process, name string, want bool) {
			t.Helper()
			got, err := cluster.Unclaim(t.Context(), backend, name, process)
			if got != want || err != nil {
				t.Errorf("%s gives up %q: %v, %v", process, name, got, err)
			}
		}
		claim("a", "Shard 5 is down!", true)
		claim("b", "Shard 5 is down!", false)
		claim("b", "Shard 6 is down!", true)
		time.Sleep(40 * time.Second)
		claim("a", "Shard 5 is down!", true) // for another minute
		time.Sleep(40 * time.Second)
		claim("b", "Shard 5 is down!", false)
		unclaim("b", "Shard 5 is down!", false)
		unclaim("a", "Shard 5 is down!", true)
		claim("b", "Shard 5 is down!", true)
		time.Sleep(2 * time.Minute)
		claim("a", "Shard 5 is down!", true)
	})
}
