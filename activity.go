package botwright

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"
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
)

// activity follows the event rate of one shard. observe is called by one goroutine.
type activity struct {
	rateBits atomic.Uint64 // float64: events per second

	began  bool
	events uint64
	at     time.Time // of the last look
	last   time.Time // when there was something new
}

func (a *activity) rate() float64 { return math.Float64frombits(a.rateBits.Load()) }

// observe takes in how many events there have been by now, and reports whether the shard has
// become silent. The rate at which it then stays is that from before the silence.
func (a *activity) observe(now time.Time, events uint64) (silent bool) {
	if !a.began {
		a.began, a.events, a.at, a.last = true, events, now, now
		return false
	}
	elapsed := now.Sub(a.at).Seconds()
	if elapsed <= 0 {
		return false
	}
	if events == a.events {
		quiet := now.Sub(a.last)
		return quiet >= minSilence && a.rate()*quiet.Seconds() >= silentEvents
	}
	// What came in after a pause is spread over the pause.
	elapsed = now.Sub(a.last).Seconds()
	rate := float64(events-a.events) / elapsed
	weight := 1 - math.Exp(-elapsed/rateWindow.Seconds())
	a.rateBits.Store(math.Float64bits(a.rate() + weight*(rate-a.rate())))
	a.events, a.at, a.last = events, now, now
	return false
}

// reset begins anew, with no idea of the usual rate.
func (a *activity) reset() {
	a.rateBits.Store(0)
	a.began = false
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
			st := s.gateway.Status()
			if !s.activity.observe(time.Now(), st.Events) {
				continue
			}
			err := fmt.Errorf("shard %d has had no event for %s, unlike before: reconnecting it",
				s.id, time.Since(s.activity.last).Round(time.Second))
			b.report(ctx, nil, err)
			s.activity.reset()
			s.gateway.Restart()
		}
	}
}
