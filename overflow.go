package botwright

import (
	"context"
	"fmt"
	"time"

	"github.com/botwright/botwright/internal/dispatch"
	"github.com/botwright/botwright/internal/group"
)

// An OverflowError reports events that no handler was called for, because a guild had more of
// them waiting than its share of a queue that fills; see [QueueConfig]. State has seen them all
// the same. It goes to the [ErrorHandler], at most once a minute for a guild. Its ids say whose
// events they were: GuildID, or ChannelID for direct messages; neither for events that belong to
// the bot, and when too many guilds lose events to name them all.
type OverflowError struct {
	GuildID, ChannelID string
	Dropped            uint64 // since it was last reported
}

func (e *OverflowError) Error() string {
	of := "of no guild"
	switch {
	case e.GuildID != "":
		of = "of guild " + e.GuildID
	case e.ChannelID != "":
		of = "of the direct messages in channel " + e.ChannelID
	}
	return fmt.Sprintf("%d events %s were dropped, as more of them waited than its share of the "+
		"queue: its handlers are slower than its events come. Make them faster, filter before "+
		"they begin, or raise the limits with WithQueue", e.Dropped, of)
}

// overflow counts what was dropped.
type overflow struct {
	losses dispatch.Losses[OverflowError]
}

func (o *overflow) note(e *Event) {
	of := OverflowError{GuildID: e.GuildID}
	if of.GuildID == "" {
		of.ChannelID = e.ChannelID
	}
	o.losses.Note(of)
}

// dropped is told of what the queue has taken and then dropped.
func (b *Bot) dropped(w work) {
	b.overflow.note(w.event)
	w.end()
}

// maxAsides is how many errors wait for the error handler. More come only if it hangs.
const maxAsides = 64

// An aside is an error for the error handler.
type aside struct {
	event *Event // may be nil
	err   error
}

// reportAside reports an error from a goroutine that must not wait for the error handler.
func (b *Bot) reportAside(e *Event, err error) {
	select {
	case b.asides <- aside{e, err}:
	default:
		b.cfg.logger.Error("the error handler does not keep up with errors", "error", err)
	}
}

// reportAsides tells the error handler what others do not wait for, until ctx is done.
func (b *Bot) reportAsides(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case a := <-b.asides:
			b.tell(a)
		case <-tick.C:
		case <-ctx.Done():
		}
		for _, loss := range b.overflow.losses.Due(time.Now()) {
			err := loss.Of
			err.Dropped = loss.Dropped
			b.tell(aside{err: &err})
		}
	}
}

// tell gives an error to the error handler, which has a goroutine of its own to end, and waits.
func (b *Bot) tell(a aside) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.report(b.handlerCtx, a.event, a.err)
	}()
	<-done
}

// endAsides tells the error handler what was put aside last, such as by the tasks as they ended. It
// returns that the error handler is left, if it is.
func (b *Bot) endAsides(ctx context.Context) (left []string) {
	stage, cancel := stageOf(ctx, 0)
	defer cancel()
	var last group.Group
	if b.telling.Load() == 0 {
		last.Go("error handler", func() {
			for {
				select {
				case a := <-b.asides:
					b.tell(a)
				default:
					return
				}
			}
		})
	}
	last.Wait(stage)
	if b.telling.Load() > 0 {
		return []string{"error handler"}
	}
	return nil
}
