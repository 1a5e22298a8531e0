package botwright

import (
	"os"

	"github.com/botwright/botwright/internal/shardenv"
)

// WithShardsFromEnv is [WithShards] with values from the environment, which [New] reads, so that
// one image can run as any number of processes:
//
//	SHARD_COUNT     the number of shards over all processes; 0 for Discord's recommendation,
//	                which leaves all of them to this process
//	SHARD_ID        the shard that this process has
//	SHARD_IDS       or the shards that it has, such as "0-3,7"
//	SHARD_ID        or "ordinal": the number at the end of the pod's name, as in a StatefulSet of
//	                Kubernetes, bot-0, bot-1 …; the name is POD_NAME, or HOSTNAME without it
//	SHARDS_PER_POD  with SHARD_ID=ordinal, how many shards each pod has; 1 by default. Pod n
//	                begins with shard n × SHARDS_PER_POD; the last may have fewer
//
// With only SHARD_COUNT this process has all shards. If no variable is set, or all are empty, the
// option does nothing, and WithShards or the default of one shard applies. New refuses variables
// that contradict each other.
func WithShardsFromEnv() Option {
	return func(c *config) {
		count, ids, set, err := shardenv.Read(os.Getenv)
		if err != nil {
			c.problem("WithShardsFromEnv", "%w", err)
		} else if set {
			c.shardCount, c.shardIDs = count, ids
		}
	}
}
