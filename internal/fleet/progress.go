package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/change"
	"github.com/botwright/botwright/internal/gateway"
)

// progressEvery is how often a start says how it is getting on: as often as Discord lets another
// shard of a key identify.
const progressEvery = 5 * time.Second

// Ready counts the shards that are.
func (f *Fleet[S]) Ready() int {
	n := 0
	for _, s := range f.All() {
		if s.Ready() {
			n++
		}
	}
	return n
}

// AwaitReady waits until all shards are ready, and tells how far it is. fate says why there is
// nothing to wait for any more. The error is fate's, or ctx's cause with what the shards have failed
// with.
func (f *Fleet[S]) AwaitReady(
	ctx context.Context, changes *change.Signal, fate func() error, tell func(progress string),
) error {
	progress := time.NewTicker(progressEvery)
	defer progress.Stop()
	err := changes.Await(ctx, progress.C, func(ticked bool) (bool, error) {
		if err := fate(); err != nil {
			return false, err
		}
		ready := f.Ready() == len(f.All())
		if ticked && !ready {
			tell(f.Progress())
		}
		return ready, nil
	})
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return errors.Join(err, f.LastErrors())
	}
	return err
}

// Progress says how far the fleet is, such as "ready 23/64, about 10 s left", or what is in its way.
func (f *Fleet[S]) Progress() string {
	shards := f.All()
	text := fmt.Sprintf("ready %d/%d", f.Ready(), len(shards))
	for _, s := range shards {
		if st := s.Status(); st.State != gateway.Ready && st.Err != nil {
			return text + fmt.Sprintf(", shard %d: %v", s.ID(), st.Err)
		}
	}
	if left := f.TimeLeft(); left > 0 {
		text += fmt.Sprintf(", about %.0f s left", left.Seconds())
	}
	return text
}

// TimeLeft guesses how long it takes until the fleet is ready; 0 if it is, or if nobody can tell
// because a shard fails. Of the shards of a key that are not, the first is about to be, and the
// others identify 5 s after each other.
func (f *Fleet[S]) TimeLeft() time.Duration {
	f.mu.Lock()
	keys := max(f.keys, 1)
	f.mu.Unlock()
	waiting := make(map[int]int) // by key
	longest := 0
	for _, s := range f.All() {
		if st := s.Status(); st.State != gateway.Ready {
			if st.Err != nil {
				return 0
			}
			waiting[s.ID()%keys]++
			longest = max(longest, waiting[s.ID()%keys])
		}
	}
	if longest == 0 {
		return 0
	}
	return max(time.Duration(longest-1)*5*time.Second, time.Second)
}
