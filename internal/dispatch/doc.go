// Package dispatch runs events: those of one key one at a time and in order, those of different
// keys in parallel, each guild within its share, and all of them within limits.
//
// # What waits where
//
// A task belongs to a guild and to a key. (To a Queue, a guild is a number: it stands for whoever
// must not be able to hurt the others, and a channel of direct messages is one as well.) A task is
// in one of these states:
//
//	Put ──▶ prepared ──▶ in its lane ──▶ running ⇄ parked ──▶ done
//	 │                       │
//	 └──▶ shed, dropped      └──▶ dropped
//
// Preparation is a lane of its own kind that a task may have to pass first; see Task.First. It
// belongs to the bot's own work, which is quick, and has a goroutine beside the workers.
//
// A lane holds what waits for one key. It exists while it has tasks or a worker. It is either in
// the line of the guild of its first task, or a worker has it; never both. A worker runs a batch
// of it, as long as the tasks are of that guild, and lines it up again.
//
// A guild exists while it has tasks, lanes in line, or workers. While it has lanes in line it is
// in the queue's line, from which workers take guilds in turn, one lane at a time. That line is
// three lists, because what a guild may have depends on how many workers it has; of the heads
// that may be served, the one that has waited longest is next.
//
// # Workers
//
// A worker is a goroutine. One is started only when none is about to look at the line, because
// waking a goroutine costs more than decoding an event; a worker that finds more to do starts the
// next one before it begins, so that a handler that takes its time delays nobody. A Queue has no
// goroutine while it is idle. The share of a guild is an eighth of MaxInFlight, at least one.
//
//   - A guild without a worker gets one at once, as long as there are fewer than eight times
//     MaxInFlight. A handler may never give its worker back, so this must not depend on what other
//     guilds hold. The second bound is there for the memory of the goroutines alone.
//   - A guild below its share gets one while the shares in use come to less than MaxInFlight.
//     Borrowed workers do not count: what one guild borrows is taken from nobody's share.
//   - A guild at its share or above borrows while there are fewer than MaxInFlight in all.
//
// So there are at most twice MaxInFlight, but for guilds that have just one.
//
// Tasks without a key run at once, on goroutines of their own. They are bounded as waiting events
// are.
//
// # Parked tasks
//
// A task that waits for something other than the machine, such as a reply or a pause, can say so
// with Run.Park: its worker then counts as free. It keeps its goroutine, its place in its lane and
// its room in the queue. When it goes on, it does so at once, even if that is one worker too many:
// to make what has begun wait for a worker could deadlock, because it may hold what the others
// wait for. At most a quarter of MaxEvents are parked, for the memory of their goroutines; more
// keep their workers.
//
// # Room
//
// MaxEvents and MaxBytes bound what waits, runs and is parked. A guild's share is an eighth.
//
//   - As soon as half of a limit is in use, what a guild brings beyond its share is dropped: Put
//     returns Dropped. One task that is larger than the share passes when the guild has no other.
//   - When a limit is reached, tasks that wait are taken from the guilds that are above their
//     share, from the ends of their lanes, and reported with Config.Dropped. (They got there
//     before the queue was half full.) If that does not make a sixteenth of the limit free, Put
//     blocks until there is room: the reader of the gateway then stops reading, and nothing is
//     lost.
//   - Work that may be shed is refused as soon as half of a limit is in use, not counting what
//     guilds hold beyond their shares: it cannot crowd out the rest, and no guild can have the
//     others' shed.
//   - Interactions have room of their own, a quarter of the limits, in which guilds have shares
//     by the same rule. Put never blocks for one. The further parts of one that was let in may
//     take as much again, so that it is not handled in part. Its user has three seconds: one that would have
//     to wait for room is worth more refused, and to wait would hold up all that comes behind it.
//   - Upkeep, the bot's own work, is always taken. There is little of it.
//
// A Put that waits is woken when a sixteenth of the limits is free, or when there has been any
// room for 5 ms: to wake it for each task that ends would cost more than the tasks.
//
// # Locks
//
// Queue.mu guards everything and is never held while a function of the caller's runs.
package dispatch
