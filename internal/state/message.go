package state

import (
	"slices"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/clone"
)

func (k *Keeper) messageCreate(e *Event) error {
	mine, _, err := own[discordgo.MessageCreate](k, e)
	if err != nil {
		return err
	}
	c, err := k.st.Channel(mine.ChannelID)
	if err != nil {
		return nil //nolint:nilerr // messages are kept in channels that are kept
	}
	limit := k.policy.MessagesPerChannel
	k.locked(func() {
		if limit != NoLimit && len(c.Messages) >= limit {
			c.Messages = slices.Delete(c.Messages, 0, len(c.Messages)-limit+1)
		}
		c.Messages = append(c.Messages, mine.Message)
	})
	return nil
}

// find returns the channel of a message and the message's index in it.
func (k *Keeper) find(channelID, id string) (c *discordgo.Channel, i int) {
	c, err := k.st.Channel(channelID)
	if err != nil {
		return nil, -1
	}
	for i, m := range slices.Backward(c.Messages) { // most are recent
		if m.ID == id {
			return c, i
		}
	}
	return c, -1
}

// messageUpdate replaces a message that is kept. One that is not stays so: it would come after
// newer ones, and may be a part of a message only.
func (k *Keeper) messageUpdate(e *Event) error {
	mine, theirs, err := own[discordgo.MessageUpdate](k, e)
	if err != nil {
		return err
	}
	c, i := k.find(mine.ChannelID, mine.ID)
	if i < 0 {
		return nil
	}
	old := c.Messages[i]
	if theirs != nil {
		theirs.BeforeUpdate = clone.Of(old)
	}
	next := merge(old, mine.Message)
	k.locked(func() { c.Messages[i] = next })
	return nil
}

// merge returns the message after an update. An update with an author is the whole message; one
// without has what has changed, as far as it is not empty.
func merge(old, update *discordgo.Message) *discordgo.Message {
	if update.Author != nil {
		if update.Member == nil {
			update.Member = old.Member
		}
		return update
	}
	next := *old
	if update.Content != "" {
		next.Content = update.Content
	}
	if update.EditedTimestamp != nil {
		next.EditedTimestamp = update.EditedTimestamp
	}
	if update.Mentions != nil {
		next.Mentions = update.Mentions
	}
	if update.Embeds != nil {
		next.Embeds = update.Embeds
	}
	if update.Attachments != nil {
		next.Attachments = update.Attachments
	}
	if len(update.Components) > 0 {
		next.Components = update.Components
	}
	return &next
}

func (k *Keeper) messageDelete(e *Event) error {
	mine, theirs, err := own[discordgo.MessageDelete](k, e)
	if err != nil {
		return err
	}
	c, i := k.find(mine.ChannelID, mine.ID)
	if i < 0 {
		return nil
	}
	if theirs != nil {
		theirs.BeforeDelete = clone.Of(c.Messages[i])
	}
	k.locked(func() { c.Messages = slices.Delete(c.Messages, i, i+1) })
	return nil
}

func (k *Keeper) messageDeleteBulk(e *Event) error {
	mine, _, err := own[discordgo.MessageDeleteBulk](k, e)
	if err != nil {
		return err
	}
	c, err := k.st.Channel(mine.ChannelID)
	if err != nil {
		return nil //nolint:nilerr // nothing of it is kept
	}
	k.locked(func() {
		c.Messages = slices.DeleteFunc(c.Messages, func(m *discordgo.Message) bool {
			return slices.Contains(mine.Messages, m.ID)
		})
	})
	return nil
}
