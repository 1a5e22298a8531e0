package botwright

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/members"
)

// Members returns all members of a guild as Discord sends them, a thousand at a time. The bot needs
// the privileged intent for members. Treat members as read-only. State keeps as many of them as its
// policy allows.
//
// Discord answers one such request per guild every 30 seconds, and Members waits for its turn.
// Callers that ask for the same guild at the same time share one request. The sequence ends with an
// error if ctx ends, if the bot is shut down, or if the connection loses its session halfway. The
// error wraps [ErrMissingIntent], [ErrNotOpen], [ErrNotOwned] or [ErrShutdown] where that is the
// reason. If the bot is not in the guild, Discord does not answer: give ctx a deadline.
func (b *Bot) Members(ctx context.Context, guildID string) iter.Seq2[*discordgo.Member, error] {
	return func(yield func(*discordgo.Member, error) bool) {
		if err := b.eachMember(ctx, guildID, func(m *discordgo.Member) bool {
			return yield(m, nil)
		}); err != nil {
			yield(nil, fmt.Errorf("members of guild %s: %w", guildID, err))
		}
	}
}

func (b *Bot) eachMember(
	ctx context.Context, guildID string, yield func(*discordgo.Member) bool,
) error {
	if _, err := ShardID(guildID, 1); err != nil {
		return err
	}
	s, err := b.shardOf(guildID)
	if err != nil {
		return err
	}
	if b.intents&discordgo.IntentGuildMembers == 0 {
		return fmt.Errorf("%w: name discordgo.IntentGuildMembers, with all others, in "+
			"WithIntents, and enable the Server Members Intent under Privileged Gateway Intents "+
			"on the Bot page at %s", ErrMissingIntent, portal)
	}
	err = b.members.Each(ctx, b.tasksCtx, s.gateway, guildID, yield)
	if errors.Is(err, members.ErrEnded) {
		return ErrShutdown
	}
	return err
}

// feedMembers gives an event to those who wait for members.
func (s *shard) feedMembers(e *Event) {
	switch e.Type {
	case "READY":
		s.bot.members.Ready(s.gateway, e.raw)
	case "GUILD_MEMBERS_CHUNK":
		s.bot.members.Chunk(e.raw, func() (*discordgo.GuildMembersChunk, error) {
			payload, err := e.Payload()
			if err != nil {
				return nil, err
			}
			c, ok := payload.(*discordgo.GuildMembersChunk)
			if !ok {
				return nil, fmt.Errorf("%s is a %T", e.Type, payload)
			}
			return c, nil
		})
	}
}
