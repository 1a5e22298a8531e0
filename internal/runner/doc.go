// Package runner takes the events of a bot from the gateway to their handlers, and says what went
// wrong on the way.
//
// A [Runner] has a registry of handlers, a queue, a watchdog, and whoever expects events. Each
// [Shard] of the bot gives it the events that the gateway has read. The runner does not know what
// an event is: it is a comparable E, most likely a pointer, whose zero value stands for none. The
// [Config] says how to find the [Ticket] that goes with each event, and what the event is [About].
//
// # The way of an event
//
//	Shard.Receive ──▶ not wanted
//	   │
//	   ▼ copied, divided into parts
//	queue ──▶ dropped, refused
//	   │
//	   ▼
//	prepared: State is fed, those who expect it are shown
//	   │
//	   ▼ one part for each order that the event is handled in
//	together, alone, forward ──▶ handled
//
// What comes to the queue is a piece of work, of one of these kinds:
//
//   - together: call handlers one after the other, in the order of the channel or guild,
//   - alone: call one handler, which has an order of its own or none,
//   - forward: give the event to the session, in the order of the shard,
//   - ends: nothing, it was for the preparation,
//   - upkeep: do something else in the order of the shard's events, instead of a preparation.
//
// The first part of an event does its preparation. A part that has begun with what it does, or has
// done it, is left with the kind done: should a handler end its goroutine, another goroutine goes on
// with what is left before the queue has its worker back.
//
// # Who owns what
//
//   - A Ticket belongs to its event, whose parts share it. The session's tracker counts the event
//     as handled when nobody holds its ticket any more: each part holds it from put until it has
//     ended, the reader until all parts are put, a debouncer as long as it keeps the event back. A
//     part whose handler was cut off keeps its hold for good.
//   - Whether an interaction is seen to is known when its last part ends. Whoever sees to it claims
//     the ticket before that.
//   - A call of a handler belongs to the goroutine that runs it; the watchdog looks at it under its
//     lock. Calls are used again: what is learned from one is true only while its handler runs.
//
// # Invariants
//
//   - Nothing of the program's runs under a lock.
//   - A panic of a handler, filter, order or error handler goes no further. A handler, filter or
//     error handler that ends its goroutine takes nothing else with it.
//   - The reader of a shard waits for the queue and for nothing else: no handler, no error handler.
//     What it has to report is put aside for another goroutine, [Runner.Tell].
//   - A removed handler is not called again, also if a middleware held its event back.
//
// # Locks
//
// Handlers.mu guards the registry; readers of it use a snapshot and take no lock. watchdog.mu
// guards the calls. unclaimed.mu guards the names that were reported. None is taken under another.
package runner
