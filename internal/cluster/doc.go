// Package cluster lets several processes run one bot. It knows no bot: it decides which process
// has which shard, and shares what Discord counts for all of them together.
//
// What connects the processes is a [Backend]: keys with compare-and-set, watches, requests. What
// is decided with it is decided here, once for all backends. [Local] is the backend of a bot that
// is a single process.
//
// # Keys
//
//	lease/<id>             says that a process is alive; its revision changes with each renewal
//	shards/<n>/process/<id>  who the process is; n is the number of shards
//	shards/<n>/shard/<s>     who owns the shard: an id, or empty for nobody; its revision is the token
//
// An id is made when a process joins and is never used again: a process that was taken for dead
// joins with another one. Whoever joins creates its lease first, then its process key. No lease
// and no process key is ever created a second time. None of these keys has a ttl.
//
// # Leases
//
// A process that renews its lease by compare-and-set holds it until TTL − margin after it sent the
// last Put that succeeded. A shard is this process's while the shard's key names it and it holds
// its lease. Three others, its neighbors in a ring, read the lease again and again. (A process that
// finds one of its neighbors silent reads those of all, until that one is heard or fenced.) One that has
// read the same revision for a whole TTL, without a failure or a gap in between, fences the
// process: it deletes the lease at that very revision, and then its process key. Then, and only
// then, others take the shards, by compare-and-set of each shard's key.
//
//	        Put succeeds                TTL − margin without              deleted by a neighbor
//	joined ──────────────▶ holding ─────────────────────────▶ lapsed ─────────────────────────▶ fenced
//	                          ▲                                  │                                 │
//	                          └────────── Put succeeds ──────────┘         joins with a new id ◀───┘
//
// # At no time does a shard have two owners
//
// Let X own a shard by a key of revision r. Another process changes that key only at r, and only
// when it sees that the key names nobody, or one that has no process key. X empties it after the
// shard has stopped. X's process key was created before r, and a watch shows both kinds of keys in
// the order of their revisions. So who knows r and sees no process key knows that it was deleted,
// and therefore that X's lease was: at a revision v that a neighbor has known for a TTL on its own
// clock. X sent the Put that made v before the neighbor could read it, and every later Put of X
// failed, because the compare-and-set found v unchanged and then no lease at all. So X's hold ended
// a margin before the lease was deleted.
//
// This takes monotonic clocks that run at about the same rate, and a backend whose compare-and-set
// can be relied on. It takes no wall clock, no clock of the backend's, and no up-to-date read: a
// late answer or a lost one costs time, never safety. What it cannot see is a host that is
// suspended as a whole: its monotonic clock stands still.
//
// # When the backend is away
//
// It fences nobody: who fences needs a TTL of answers, counted anew when they come again. But a
// process cannot tell whether the backend is away for everybody or it alone is cut off from it. If
// it is cut off, the others take its shards a TTL after its last renewal, so it must have stopped
// them by then; and if the backend is away it does the same, because it sees the same. Only a
// second way between the processes could tell the two apart. So of these three a cluster has two:
//
//   - no shard ever runs twice,
//   - the shards of a process that was killed run elsewhere after a TTL,
//   - the shards run on while the backend is away for longer than a TTL.
//
// It has the first two. When the backend is away for longer, the shards pause: each keeps its
// session and is resumed by the same process as soon as its lease is renewed, and Discord sends
// what came meanwhile. A longer TTL makes the pause rarer and a takeover later.
//
// # Events
//
// Every event that Discord sends again is handled: a shard's session is stored by its owner, and
// whoever owns the shard next begins with what is stored. Nothing is stored twice at once, because
// only an owner stores.
//
// # Who wants what
//
// Every process computes the same wanted owners from the same keys: each has its share of the
// shards, give or take one, and as few as possible change hands. It acts on its own part only. It
// takes what it is wanted to have and nobody owns; it stops and then releases what others are
// wanted to have, a few shards at a time. Views differ for moments; compare-and-set settles it.
//
// # What else is shared
//
//	identify/<key>/turn  whose turn it is to identify; goes by its ttl when the next may: see [Gate]
//	rest/shares          what each process may send per second, and its invalid requests: [Shares]
//	claim/<hash>         who does something that is to be done once; goes by its ttl: [Claim]
//
// Where a ttl of the backend's takes part, nothing breaks if its clock jumps: an IDENTIFY may come
// too early, which Discord refuses, or an alert twice.
//
// # Owners of state
//
// A [Member] has these goroutines: renew owns the lease, follow the view, keep decides, guard
// watches the neighbors. Each shard has one, a tenure, from the attempt to take it to its release.
// What they share is guarded by Member.mu, which nobody holds while calling the backend or Run.
package cluster
