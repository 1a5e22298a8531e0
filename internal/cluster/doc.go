// Package cluster lets several processes run one bot. It knows no bot: it decides which process
// has which shard, and shares what Discord counts for all of them together.
//
// What connects the processes is a [Backend]: keys with compare-and-set, watches, requests. What
// is decided with it is decided here, once for all backends. [Local] is the backend of a bot that
// is a single process.
package cluster
