// Package ops runs operations on the shards of a bot, wherever those are: on all of them, with one
// reply for each, or on one.
//
// # Messages
//
//	ops         a request for all processes: each answers for the shards that it has
//	ops/N       a request for the process that has shard N
//
// Operations on shards of this process are called directly, without a message and without encoding
// anything. The others are asked in rounds: a round asks all other processes for the shards that have
// not answered, and ends when each process has, or with the context. Rounds go on because a shard
// may be between two processes.
//
// # Invariants
//
//   - There is at most one reply for a shard. One that moves during a Gather may have run the
//     operation in both processes; the first reply counts.
//   - No operation holds up another one: each runs on a goroutine of its own, which belongs to the
//     group of the Router. One that does not return costs its own reply.
//   - A process answers a moment before the deadline of who asks, with the replies that it has.
//   - What is registered stays registered. A process that connects again serves on.
package ops
