// Package health runs checks and says what changed.
//
// A [Monitor] runs each [Check] at its own interval, with a timeout and under recover. A check
// returns one [Reading] per thing that it looked at: one for the process, or one per shard. Each
// of those is a series with hysteresis: it counts as a problem after Failures bad readings among
// the last Window, and as mended after Successes good ones in a row. A reading that disagrees
// with what is believed is confirmed soon, not an interval later.
//
// # Notices
//
// What is told outside is the difference between the problems that there are and those that were
// told before. So a problem that comes and goes while nobody is to be told is never heard of,
// and one that is still there afterwards is. Changes of the same moment go out as one [Notice],
// with the shards of a check taken together.
//
// # Goroutines
//
// Run has one goroutine per check and one for notices, and waits for them. Each run of a check
// has its own, since a check may hang: that one is not waited for, and its check is not run
// again before it has returned.
package health
