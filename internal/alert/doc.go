// Package alert brings to people what package health has to tell: an [Outbox] hands notices to
// one receiver until it has taken them, and the rest is how they read, as text and as embeds.
//
// # States of an Outbox
//
//	          Add                  taken
//	empty ──────────▶ delivering ─────────▶ empty
//	                   │      ▲
//	             error │      │ the back-off is over, or the Outbox is closed
//	                   ▼      │
//	                  waiting ◀── Add: coalesced with what waits
//
//	delivering ──webhook.ErrGone──▶ gone        waiting ──closed, and tried once more──▶ ended
//
// # Owners
//
// The goroutine in Run makes all calls, one after the other, each with a deadline. It owns what
// is being delivered and what the receiver was told. Outbox.mu guards what waits; Add and
// SetReport do not block.
//
// # Invariants
//
//   - A change is told until the receiver has taken it, or what it was about is told by a later
//     one: of a problem that came and went meanwhile, that it is over, and for how long it was.
//   - What waits is bounded: at most one notice of each kind, with one problem per series.
//   - A problem is marked First in exactly one notice that was taken for each status that it has
//     reached, the worst counts.
package alert
