package botwright

import (
	"fmt"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
)

// ShardID returns the shard that a guild is on when there are count shards.
func ShardID(guildID string, count int) (int, error) {
	id, ok := frame.ParseSnowflake(guildID)
	if !ok {
		return 0, fmt.Errorf("botwright: %q is not a guild's id", guildID)
	}
	if count < 1 {
		return 0, fmt.Errorf("botwright: there cannot be %d shards", count)
	}
	return int((id >> 22) % uint64(count)), nil
}

// SessionFor returns the discordgo session of the shard that a guild is on. For "", as in an event
// without a guild, that is shard 0. The error is [ErrNotOpen], [ErrNotOwned] if another process has
// that shard, or says that guildID is not an id.
func (b *Bot) SessionFor(guildID string) (*discordgo.Session, error) {
	s, err := b.shardOf(guildID)
	if err != nil {
		return nil, err
	}
	return s.session, nil
}

// Owns reports whether the guild is on a shard of this process. For "" it reports whether shard 0
// is, which receives direct messages. It does not say whether the bot is in the guild. It is false
// before Open, and if guildID is not an id.
func (b *Bot) Owns(guildID string) bool {
	_, err := b.SessionFor(guildID)
	return err == nil
}

// ShardKey makes a key for a cache that processes share. It consists of the guild's shard, the
// number of shards and the given key, as in "3/16:key". For "", as in direct messages and
// entitlements, the shard is 0, where Discord sends these. The number of shards is part of the key
// because guilds move when it changes.
func (b *Bot) ShardKey(guildID, key string) (string, error) {
	f := b.currentFleet()
	if f == nil {
		return "", ErrNotOpen
	}
	id, err := f.shardID(guildID)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d/%d:%s", id, f.Count, key), nil
}

// shardID returns the shard that a guild is on. What has no guild is on shard 0.
func (f *shardFleet) shardID(guildID string) (int, error) {
	if guildID == "" {
		return 0, nil
	}
	return ShardID(guildID, f.Count)
}

// shardOf returns the shard that a guild is on.
func (b *Bot) shardOf(guildID string) (*shard, error) {
	f := b.currentFleet()
	if f == nil {
		return nil, ErrNotOpen
	}
	id, err := f.shardID(guildID)
	if err != nil {
		return nil, err
	}
	if s, ok := f.Find(id); ok {
		return s, nil
	}
	return nil, fmt.Errorf("%w: guild %q is on shard %d of %d%s", ErrNotOwned, guildID, id, f.Count,
		f.whose(id))
}

// whose says which process has a shard, for an error.
func (f *shardFleet) whose(id int) string {
	if owner, ok := f.member.View().Owners[id]; ok {
		return ", which process " + owner + " has"
	}
	return ""
}

// shardOf returns the shard that an interaction would have come from, or the first one if that is
// in another process; nil if this process has none.
func (f *shardFleet) shardOf(interaction []byte) *shard {
	v, _ := frame.Lookup(interaction, "guild_id")
	guild, _ := frame.String(v)
	if id, err := ShardID(string(guild), f.Count); err == nil {
		if s, ok := f.Find(id); ok {
			return s
		}
	}
	if shards := f.All(); len(shards) > 0 {
		return shards[0]
	}
	return nil
}
