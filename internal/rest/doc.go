// Package rest sends requests to Discord's API within its limits.
//
// A [Transport] is an http.RoundTripper. One of them serves a whole bot: what the shards send
// counts together. A request passes these gates, in this order, and holds nothing of a gate that
// it has not passed:
//
//	refusals   the token was refused, a webhook is gone, too many invalid requests
//	block      Cloudflare has blocked the host: nobody passes, interactions included
//	bucket     the limit of the route and its top-level resource
//	global     50 requests a second over all routes; interactions are exempt
//
// Then it is sent, under a deadline of its own. An answer that allows it is followed by another
// attempt, which goes to the front of its bucket's line.
//
// # Buckets
//
// A bucket belongs to a method, a route, and the id of a channel, guild or webhook (with its
// token). Discord's X-RateLimit-Bucket is not part of that: two routes with the same hash have been
// seen to count separately, and one route has several hashes only for the age of a deleted message,
// which [keyOf] knows.
//
//		unknown ──answer with limit headers──▶ open ──limit used up──▶ waiting
//		   │                                    ▲                        │
//		   │                                    └──────window ends───────┘
//		   └──answer without──▶ unlimited         429: waiting until retry_after
//
//	  - unknown: one request at a time is in flight. What it finds is kept for the route, so that
//	    the next channel begins with as many requests as the limit allows.
//	  - open: left says how many requests may still be sent in the window. An answer can only lower
//	    it, unless the answer shows that Discord has begun a new window.
//	  - waiting: reset says when the window ends. Requests in flight at that moment count against
//	    the next window, because they may reach Discord after it began.
//
// A bucket whose window has ended and in which nobody waits says no more than its route does. It
// is dropped. The table is a least-recently-used list with a bound.
//
// # Time
//
// Discord counts a request some time between its sending and its answer. A window is therefore
// taken to end X-RateLimit-Reset-After after the answer came, less half of the shortest of some
// dozens of round trips: the way back of that answer and the way there of the next request take
// longer together. So the next request is not early, whatever the clocks say.
//
// # Several processes
//
// Discord counts what all processes of a bot send. Each has a share of the slots of the global
// limit: [Transport.Share] says how many, [Transport.Demand] what they are used for. A slot that is
// taken away is gone once it is free, because until then it counts in Discord's window. The budget
// of invalid requests counts those of the others, too.
//
// # Order
//
// Each gate has a line of three levels. Within a level it is first come, first served. A caller
// whose context ends leaves the line at once. A caller whose wait is known to be longer than
// its deadline does not begin to wait.
//
// # Locks
//
// Transport.mu guards the buckets and the routes, global.mu the slots of the global limit, budget.mu and
// refusals.mu what they count. None is held while another is taken or while a request is on its
// way. No goroutine outlives a call: timers run on the runtime's own.
package rest
