// Package session lets the sessions of a bot's shards outlive its process: it knows which events
// have been handled, when to save that, and how to keep it in a file.
//
// # What is stored of a shard
//
//	nothing ──READY──▶ live, saved again and again ──process ends──▶ left behind
//	   ▲                     │            ▲                               │
//	   └──────dropped────────┘            └──────────RESUMED──────────────┘
//
// These hold for whatever is stored at any moment:
//
//   - Every event up to Position.Sequence, and every event in Position.Handled, has been handled:
//     its handlers have returned, or nobody wanted it. An event whose handler runs, waits, or was
//     cut off by a shutdown is in neither.
//   - The id and the position are of the same session.
//   - The time at which a session was last alive moves on only while the shard is connected.
//
// # An event
//
//	received ──Begin──▶ pending ──last Release──▶ handled
//	    │                  │
//	    │                  └──process ends──▶ sent again, handled again
//	    └──Begin says that an earlier process has handled it──▶ handled
//
// The goroutine that reads from the gateway calls Begin. Whoever has something to do with the event
// holds it, and releases it when that is done; who never does leaves it pending.
package session
