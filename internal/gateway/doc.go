// Package gateway is a client for Discord's gateway: one [Shard] is one shard's connection, kept
// alive for as long as its Run runs. It knows Discord's protocol and nothing of any bot library.
//
// # States
//
//	idle ──Run──▶ connecting ──HELLO──▶ identifying ──READY───▶ ready
//	                  ▲   │                                       │
//	                  │   └────HELLO──▶ resuming ────RESUMED──────┤
//	                  │                     │                     │
//	                  └────── backoff ◀─────┴─── connection lost ─┘
//
// A shard without a session whose turn to identify is not near waits for it before connecting; it
// is identifying then, too.
//
//	any ──fatal close code──▶ fatal          any ──Run's context done──▶ closed
//
// A connection ends with a verdict on its session: keep it and resume, drop it and identify
// anew, or give up (fatal). Close codes, op 7, op 9, deadlines and damaged frames all come down
// to such a verdict; see verdict and closeVerdict.
//
// # Owners
//
// The goroutine in Run dials and then reads. It owns the session (id, sequence, resume URL) and
// the back-off; others see copies made under Shard.mu. Each connection has one writer goroutine,
// which owns everything that is written, the heartbeat and the closing of the socket; a timer
// closes the socket in its place when a peer that does not read holds it up. While an IDENTIFY
// waits for its turn there is a third, which ends with the connection. Run waits for all of them
// before it dials again or returns.
//
// # Invariants
//
//   - There is never more than one connection per Shard.
//   - The token goes to the gateway's host or to one beside it in its domain; see trusted.
//   - No IDENTIFY is written that the [Gate] has not admitted.
//   - The socket is closed with 1000 only when Run's context is done and the session is not to
//     be kept. Every other close of ours is 4000, which leaves the session resumable, as does
//     the 1002 by which the websocket itself answers what breaks its protocol.
//   - A session that was dropped is never resumed.
//   - RESUME asks for what follows the last dispatch without a gap before it that Config.Event
//     has taken. A dispatch that was refused, was damaged on its way, or has not come while later
//     ones have, is asked for again by resuming; one that comes damaged again is left out.
//   - A command of which it is not known that it has arrived is sent again over the next
//     connection, if that does no harm.
//   - Each sequence reaches Config.Event once; a late one does, too. See sequence.
//   - Shard.mu is never held over I/O, a channel operation or a callback.
package gateway
