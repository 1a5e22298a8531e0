// Package silence finds out when a shard has gone silent.
//
// A shard's connection can look alive, heartbeats and all, and yet bring no events any more. How
// long a shard may be silent depends on how busy it is: a bot in one quiet guild is silent for
// hours.
package silence

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	// rateWindow is how far back the event rate looks: long enough to even out bursts.
	rateWindow = 5 * time.Minute

	// usualWindow is how far back the share of looks that found no event goes: longer than a
	// conversation, so that the end of one in a small bot is not taken for silence.
	usualWindow = time.Hour

	// A shard is silent when nothing has come for minSilence, and that many looks in a row find
	// nothing only once in e^silentOdds times, if they did not depend on each other. They do;
	// hence the high odds. A shard that is always busy is silent after a minute or two.
	minSilence = time.Minute
	silentOdds = 100
)

// A Detector follows the events of one shard. The zero value has seen nothing yet. All but Rate is
// for one goroutine.
type Detector struct {
	rateBits atomic.Uint64 // float64: what Rate returns

	began  time.Time // zero: not yet
	events uint64
	last   time.Time // when there was something new
	at     time.Time // of the last look

	mean float64 // events per second, as if there had been none before it began
	busy float64 // share of looks that found events, as if none had before it began
	odds float64 // that the present silence is one, as a logarithm
}

// Rate is the number of events per second, over rateWindow or since it began.
func (d *Detector) Rate() float64 { return math.Float64frombits(d.rateBits.Load()) }

// Observe takes in how many events there have been by now, and reports whether the shard has
// become silent. What is usual is judged by the time before the silence. A short burst counts no
// more than one event, and a shard that was observed for a short time is not known well enough.
func (d *Detector) Observe(now time.Time, events uint64) (silent bool) {
	if d.began.IsZero() {
		d.began, d.events, d.last, d.at = now, events, now, now
		return false
	}
	if !now.After(d.at) {
		return false
	}
	look, quiet := now.Sub(d.at), now.Sub(d.last)
	if events == d.events {
		d.at = now
		d.show(now, blend(d.mean, 0, quiet, rateWindow))
		d.odds -= math.Log1p(-d.busy)
		return quiet >= minSilence && d.odds >= silentOdds
	}
	d.busy = blend(d.busy, 0, quiet-look, usualWindow) // the looks that found nothing
	d.busy = min(blend(d.busy, 1, look, usualWindow), 1-1e-9)
	// What came in after a pause is spread over the pause.
	d.mean = blend(d.mean, float64(events-d.events)/quiet.Seconds(), quiet, rateWindow)
	d.show(now, d.mean)
	d.events, d.last, d.at, d.odds = events, now, now, 0
	return false
}

// show publishes a mean, corrected for the time before the beginning.
func (d *Detector) show(now time.Time, mean float64) {
	since := blend(0, 1, now.Sub(d.began), rateWindow)
	d.rateBits.Store(math.Float64bits(mean / since))
}

// blend returns the mean over a window that ends with d of the given value.
func blend(mean, value float64, d, window time.Duration) float64 {
	return value + math.Exp(-d.Seconds()/window.Seconds())*(mean-value)
}

// Reset begins anew, with no idea of what is usual.
func (d *Detector) Reset() {
	d.began, d.mean, d.busy, d.odds = time.Time{}, 0, 0, 0
	d.rateBits.Store(0)
}

// Hold takes in that events wait which cannot be read. That says nothing of how busy the shard is.
func (d *Detector) Hold(now time.Time) {
	if !d.began.IsZero() && now.After(d.at) {
		d.last, d.at, d.odds = now, now, 0
	}
}

// Quiet returns for how long there had been nothing new at a time.
func (d *Detector) Quiet(now time.Time) time.Duration { return now.Sub(d.last) }
