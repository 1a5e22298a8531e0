package botwright

import (
	"context"
	"iter"
	"time"

	"github.com/botwright/botwright/internal/session"
)

// A Cluster connects the processes of one bot; see [WithCluster]. It is a small database with
// messages: what the processes do with it is up to the bot, so that an implementation need not know
// about shards. Package natscluster, a module of its own in contrib, implements it on NATS.
//
// All methods may be called from any goroutine, and each ends when its ctx does. Keys and names
// consist of the characters a-z, 0-9, "_", "/", "." and "-", at most 128 of them. The value of a key
// has at most 64 KiB. What a method returns belongs to its caller.
type Cluster interface {
	// Get returns the value of a key and its revision, which is 0 when there is none.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)

	// Put sets a key whose revision still is the given one, or 0 for a key that must not exist, and
	// reports whether it did. The new revision is greater than each earlier one of the cluster's. The
	// key goes by itself a ttl after the last Put, or never if that is 0; ttl is rounded up to whole
	// seconds.
	Put(ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration) (
		newRevision uint64, ok bool, err error)

	// Delete removes a key whose revision still is the given one, and reports whether it did.
	Delete(ctx context.Context, key string, revision uint64) (ok bool, err error)

	// Watch calls f with each key that begins with prefix, then with the key "" once all present ones
	// were given, then with each change, in order. A key that has gone has the revision 0. Watch
	// returns when ctx ends, or with an error when changes may have been missed because the
	// connection was lost: its caller calls it again.
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

	// Serve answers requests, each in a goroutine of its own, until ctx ends. It goes on after a
	// lost connection. A nil reply is not sent.
	Serve(ctx context.Context, subject string,
		answer func(ctx context.Context, data []byte) []byte) error
}

// WithCluster runs the bot in several processes that share its shards. Each is given the same
// options, except that none of them names shards of its own in [WithShards]. The processes take the
// shards that nobody has, and hand them over when another one joins. The shards of a process that
// dies are resumed by the others within seconds.
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
