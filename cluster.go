package botwright

import (
	"context"
	"iter"
	"time"

	"github.com/botwright/botwright/internal/session"
)

// A Cluster connects the processes of one bot; see [WithCluster]. It is a small database with
// messages. The bot decides what the processes do with it, so an implementation need not know about
// shards. Package natscluster, a module of its own in contrib, implements it on NATS.
//
// All methods may be called from any goroutine, and each ends when its ctx does. Keys and names
// consist of the characters a-z, 0-9, "_", "/", "." and "-", at most 128 of them. The value of a key
// has at most 64 KiB. What a method returns belongs to its caller.
type Cluster interface {
	// Get returns the value of a key and its revision, which is 0 when there is none.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)

	// Put sets a key if its revision is still the given one, and reports whether it did. A revision
	// of 0 means that the key must not exist. The new revision is greater than all earlier ones of
	// the cluster. The key expires ttl after the last Put; a ttl of 0 means never. ttl is rounded
	// up to whole seconds.
	Put(ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration) (
		newRevision uint64, ok bool, err error)

	// Delete removes a key if its revision is still the given one, and reports whether it did.
	Delete(ctx context.Context, key string, revision uint64) (ok bool, err error)

	// Watch calls f with each existing key that begins with prefix, then once with the key "", then
	// with each change, in order. A deleted or expired key has the revision 0. Watch returns when
	// ctx ends, or with an error if the connection was lost and changes may have been missed; the
	// caller then calls it again.
	Watch(ctx context.Context, prefix string,
		f func(key string, value []byte, revision uint64)) error

	// Save keeps a large value, such as a snapshot of State, in place of the last one of that name.
	Save(ctx context.Context, name string, data []byte) error

	// Load returns the last value that was saved under a name. Its error wraps fs.ErrNotExist when
	// there is none.
	Load(ctx context.Context, name string) ([]byte, error)

	// Request sends data to every process that serves the subject, this one included, and yields the
	// replies as they come, until ctx ends or the caller stops.
	Request(ctx context.Context, subject string, data []byte) iter.Seq2[[]byte, error]

	// Serve answers requests, each on its own goroutine, until ctx ends. It continues after a lost
	// connection. A nil reply is not sent.
	Serve(ctx context.Context, subject string,
		answer func(ctx context.Context, data []byte) []byte) error
}

// WithCluster runs the bot in several processes that share its shards. Give all of them the same
// options, without shard ids in [WithShards]. The processes take the shards that no process has,
// and hand some over when another process joins. If a process dies, the others resume its shards
// within seconds. [Bot.Open] returns when the shards that this process has got are ready, and
// [Bot.Shutdown] hands them over one after the other. [Bot.SessionFor] and [Bot.EachShard] are
// about the shards of this process; see [Gather] and [ForGuild] for all.
//
// The cluster keeps sessions and State, so that a shard that moves is resumed: no event is lost,
// and what was saved as handled is not handled again. With [WithSessionStore] that store keeps them
// instead; it has to be one that all processes share, which [FileSessionStore] is not.
//
// A process whose lease runs out, because it cannot reach the cluster, pauses its shards before
// others may have them, and resumes them when it can again: a shard never has two owners.
// [Bot.Reshard] returns an error.
//
// By default the bot is alone, and has all its shards in this process.
func WithCluster(cluster Cluster) Option {
	return func(c *config) {
		if cluster == nil {
			c.problem("WithCluster", "the cluster is nil: leave the option out")
			return
		}
		c.cluster = cluster
	}
}

// checkCluster refuses what does not go with a cluster, and makes it the store of sessions.
func (c *config) checkCluster() {
	if c.cluster == nil {
		return
	}
	if len(c.shardIDs) > 0 {
		c.problem("WithCluster", "the processes share all shards: leave the ids out of WithShards")
	}
	if _, ok := c.sessionStore.(*sessionFile); ok {
		c.problem("WithCluster", "other processes cannot read a session file: leave "+
			"WithSessionStore out, and the cluster keeps the sessions")
	}
	if c.sessionStore == nil {
		c.sessionStore = clusterStore{session.NewShared(c.cluster)}
	}
}
