package botwright

import (
	"context"
	"fmt"
	"log/slog"
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

	// usualWindow is how far back the share of looks that found no event goes: longer than a
	// conversation, so that the end of one in a small bot is not taken for silence.
	usualWindow = time.Hour

	// A shard is silent when nothing has come for minSilence, and that many looks in a row find
	// nothing only once in e^silentOdds times, if they did not depend on each other. They do;
	// hence the high odds. A shard that is always busy is silent after a minute or two.
	minSilence = time.Minute
	silentOdds = 100

	// settleIn is how long a new session may take to be sent its guilds, which say nothing about
	// how busy it is.
	settleIn = time.Minute
)

// activity follows the events of one shard. All but rate is used by one goroutine.
type activity struct {
	rateBits atomic.Uint64 // float64: what rate returns

	began  time.Time // zero: not yet
	events uint64
	last   time.Time // when there was something new
	at     time.Time // of the last look

	mean float64 // events per second, as if there had been none before it began
	busy float64 // share of looks that found events, as if none had before it began
	odds float64 // that the present silence is one, as a logarithm
}

// rate is the number of events per second, over rateWindow or since it began.
func (a *activity) rate() float64 { return math.Float64frombits(a.rateBits.Load()) }

// observe takes in how many events there have been by now, and reports whether the shard has
// become silent. What is usual is judged by the time before the silence. A short burst counts no
// more than one event, and a shard that was observed for a short time is not known well enough.
func (a *activity) observe(now time.Time, events uint64) (silent bool) {
	if a.began.IsZero() {
		a.began, a.events, a.last, a.at = now, events, now, now
		return false
	}
	if !now.After(a.at) {
		return false
	}
	look, quiet := now.Sub(a.at), now.Sub(a.last)
	if events == a.events {
		a.at = now
		a.show(now, blend(a.mean, 0, quiet, rateWindow))
		a.odds -= math.Log1p(-a.busy)
		return quiet >= minSilence && a.odds >= silentOdds
	}
	a.busy = blend(a.busy, 0, quiet-look, usualWindow) // the looks that found nothing
	a.busy = min(blend(a.busy, 1, look, usualWindow), 1-1e-9)
	// What came in after a pause is spread over the pause.
	a.mean = blend(a.mean, float64(events-a.events)/quiet.Seconds(), quiet, rateWindow)
	a.show(now, a.mean)
	a.events, a.last, a.at, a.odds = events, now, now, 0
	return false
}

// show publishes a mean, corrected for the time before the beginning.
func (a *activity) show(now time.Time, mean float64) {
	since := blend(0, 1, now.Sub(a.began), rateWindow)
	a.rateBits.Store(math.Float64bits(mean / since))
}

// blend returns the mean over a window that ends with d of the given value.
func blend(mean, value float64, d, window time.Duration) float64 {
	return value + math.Exp(-d.Seconds()/window.Seconds())*(mean-value)
}

// reset begins anew, with no idea of what is usual.
func (a *activity) reset() {
	a.began, a.mean, a.busy, a.odds = time.Time{}, 0, 0, 0
	a.rateBits.Store(0)
}

// hold takes in that events wait which cannot be read. That says nothing of how busy the shard is.
func (a *activity) hold(now time.Time) {
	if !a.began.IsZero() && now.After(a.at) {
		a.last, a.at, a.odds = now, now, 0
	}
}

// watchShards follows the activity of all shards, and reconnects those that have gone silent. A
// RESUME brings what was missed.
func (b *Bot) watchShards(ctx context.Context) {
	tick := time.NewTicker(b.cfg.sampleEvery)
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
	if st.Held > 0 {
		s.activity.hold(now)
		return
	}
	if !s.activity.observe(now, st.Events) || st.State != gateway.Ready {
		return
	}
	quiet := now.Sub(s.activity.last)
	s.activity.reset()
	err := fmt.Errorf("shard %d has had no event for %s, unlike before: reconnecting it", s.id,
		quiet.Round(time.Second))
	b.reportOrLog(err, func(log *slog.Logger) {
		log.Warn("shard has had no event for long, unlike before: reconnecting it", "shard", s.id,
			"silent_for", quiet.Round(time.Second).String())
	})
	s.gateway.Restart()
}
