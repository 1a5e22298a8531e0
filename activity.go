package botwright

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// A shard's connection can look alive, heartbeats and all, and yet bring no events any more. How
// long a shard may be silent depends on how busy it is: a bot in one quiet guild is silent for
// hours.
const (
	// sampleEvery is how often the event counts are looked at.
	sampleEvery = 5 * time.Second

	// rateWindow is how far back the event rate looks: long enough to even out bursts.
	rateWindow = 5 * time.Minute

	// A shard is silent when nothing has come for minSilence in which, at its usual rate,
	// silentEvents would have. If events came independently of each other, that happened once
	// in e^100 times.
	minSilence   = time.Minute
	silentEvents = 100

	// settleIn is how long a new session may take to be sent its guilds, which say nothing about
	// how busy it is.
	settleIn = time.Minute
)

// activity follows the event rate of one shard. observe is called by one goroutine.
type activity struct {
	rateBits atomic.Uint64 // float64: what rate returns

	mean   float64   // events per second, as if there had been none before it began
	began  time.Time // zero: not yet
	events uint64
	at     time.Time // of the last look
	last   time.Time // when there was something new
}

// rate is the number of events per second, over rateWindow or since it began.
func (a *activity) rate() float64 { return math.Float64frombits(a.rateBits.Load()) }

// observe takes in how many events there have been by now, and reports whether the shard has
// become silent. Silence is judged by the rate from before it, and the less the shorter that was
// observed: a shard that was busy for a few seconds is not silent a minute later.
func (a *activity) observe(now time.Time, events uint64) (silent bool) {
	if a.began.IsZero() {
		a.began, a.events, a.at, a.last = now, events, now, now
		return false
	}
	if !now.After(a.at) {
		return false
	}
	a.at = now
	quiet := now.Sub(a.last)
	if events == a.events {
		a.show(now, a.blend(0, quiet))
		return quiet >= minSilence && a.mean*quiet.Seconds() >= silentEvents
	}
	// What came in after a pause is spread over the pause.
	a.mean = a.blend(float64(events-a.events)/quiet.Seconds(), quiet)
	a.show(now, a.mean)
	a.events, a.last = events, now
	return false
}

// blend returns the mean after another rate was observed for some time.
func (a *activity) blend(rate float64, d time.Duration) float64 {
	return a.mean + weight(d)*(rate-a.mean)
}

// show publishes a mean, corrected for the time before the beginning.
func (a *activity) show(now time.Time, mean float64) {
	a.rateBits.Store(math.Float64bits(mean / weight(now.Sub(a.began))))
}

// weight is how much of the mean is about the last d.
func weight(d time.Duration) float64 { return 1 - math.Exp(-d.Seconds()/rateWindow.Seconds()) }

// reset begins anew, with no idea of the usual rate.
func (a *activity) reset() {
	a.mean, a.began = 0, time.Time{}
	a.rateBits.Store(0)
}

// watchShards follows the activity of all shards, and reconnects those that have gone silent. A
// RESUME brings what was missed.
func (b *Bot) watchShards(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		f := b.currentFleet()
		if f == nil {
			continue
		}
		for _, s := range f.shards {
			b.watchShard(ctx, s, time.Now())
		}
	}
}

func (b *Bot) watchShard(ctx context.Context, s *shard, now time.Time) {
	st := s.gateway.Status()
	if st.Unavailable > 0 && now.Sub(st.SessionSince) < settleIn {
		s.activity.reset()
		return
	}
	if !s.activity.observe(now, st.Events) || st.State != gateway.Ready {
		return
	}
	quiet := now.Sub(s.activity.last)
	s.activity.reset()
	b.report(ctx, nil, fmt.Errorf("shard %d has had no event for %s, unlike before: "+
		"reconnecting it", s.id, quiet.Round(time.Second)))
	s.gateway.Restart()
}
