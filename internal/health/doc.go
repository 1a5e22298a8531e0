// Package health runs checks and says what changed.
//
// A [Monitor] runs each [Check] at its own interval, with a timeout and under recover. A check
// returns one [Reading] per thing that it looked at: one for the process, or one per shard. Each
// of those is a series.
//
// # States of a series
//
//	          Failures bad of the last Window
//	healthy ──────────────────────────────────▶ problem (degraded or unhealthy)
//	        ◀──────────────────────────────────
//	              Successes good in a row
//
// A reading that disagrees with the state is confirmed soon, not an interval later. A check that
// fails to run is a problem of its own, and its shards keep their states.
//
// # States of a check
//
//	         a series is a problem again within calm of the last time,
//	         or two follow one that has just ended
//	steady ───────────────────────────────────────────────────────────▶ flapping
//	       ◀───────────────────────────────────────────────────────────
//	                   no problem has begun or ended for calm
//
// While a check flaps, one [Problem] with Flapping set stands for all that comes and goes. It is
// told once, and again only when twice as many series are down as ever before. A series that
// is a problem for calm meanwhile is one of its own again: flapping does not hide what is dead.
//
// # Notices
//
// What is told outside is the difference between the problems that there are and those that were
// told before. So a problem that comes and goes while nobody is to be told is never heard of,
// and one that is still there afterwards is. Changes of the same moment go out as one [Notice].
// What an earlier process has told can be restored: then its end is told, too.
//
// # Owners and invariants
//
// Run has one goroutine per check and one for notices, and waits for them. Each run of a check
// has its own, since a check may hang: that one is not waited for, and its check is not run
// again before it has returned. Monitor.mu guards the states of checks and what was told; it is
// not held while a check runs or somebody is told.
//
//   - What was told is told to be over exactly once, or goes on as a part of flapping.
//   - Nothing is told twice that is not worse than before, except for the repetition.
//   - A problem of the past is never told as a new one.
package health
