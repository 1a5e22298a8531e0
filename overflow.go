package botwright

import (
	"fmt"

	"github.com/botwright/botwright/internal/dispatch"
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
