package state

import (
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
)

// Sweep removes from one guild what has outlived its time, and members over the limit that were
// kept for a reason that has passed.
func (k *Keeper) Sweep(guildID string) {
	g, record := k.guild(guildID)
	if g == nil {
		return
	}
	now := time.Now()
	if life := k.policy.MessageLifetime; life > 0 {
		k.cutMessages(g, func(list []*discordgo.Message) int {
			n, _ := slices.BinarySearchFunc(list, now.Add(-life),
				func(m *discordgo.Message, limit time.Time) int {
					return m.Timestamp.Compare(limit)
				})
			return n
		}, &k.expired)
	}
	if life := k.policy.ThreadLifetime; life > 0 {
		n := k.removeChannels(g, func(c *discordgo.Channel) bool {
			t := c.ThreadMetadata
			return c.IsThread() && t != nil && t.Archived && now.Sub(t.ArchiveTimestamp) > life
		})
		k.expired.Add(uint64(n))
	}
	if life := k.policy.MemberLifetime; life > 0 {
		for _, id := range record.seen.before(now.Add(-life)) {
			if m, err := k.st.Member(g.ID, id); err == nil && !k.stays(g, m) {
				k.forget(g, record, m)
				k.expired.Add(1)
			}
		}
	}
	if limit := k.policy.MembersPerGuild; limit != NoLimit && len(g.Members) > limit {
		for _, m := range slices.Clone(g.Members) {
			if len(g.Members) > limit && !k.stays(g, m) {
				k.forget(g, record, m)
				k.evicted.Add(1)
			}
		}
	}
}

// Shrink gives up the given share of a guild's messages, the oldest first, and of those members
// that are not kept whatever happens. Guilds, channels and roles stay: permissions depend on them.
func (k *Keeper) Shrink(guildID string, share float64) {
	g, record := k.guild(guildID)
	if g == nil {
		return
	}
	part := func(n int) int { return min(n, int(float64(n)*share+0.5)) }
	k.cutMessages(g, func(list []*discordgo.Message) int { return part(len(list)) }, &k.shrunk)
	drop := part(len(g.Members))
	var stay, gone []*discordgo.Member
	for _, m := range g.Members {
		if len(gone) < drop && !k.stays(g, m) {
			gone = append(gone, m)
		} else {
			stay = append(stay, m)
		}
	}
	if len(gone) == 0 {
		return
	}
	for _, m := range gone {
		k.removePresence(g, record, m.User.ID)
		record.seen.remove(m.User.ID)
	}
	k.shrunk.Add(uint64(len(gone)))
	// Adding the guild with another list of members makes a new map of it: maps do not shrink.
	next := *g
	next.Members = kept(true, stay)
	next.Presences = kept(true, g.Presences)
	next.Channels, next.Threads = nil, nil // not to be gone through; they stay
	_ = k.st.GuildAdd(&next)
}

// cutMessages removes from each channel as many of the oldest messages as count says, and
// releases their memory.
func (k *Keeper) cutMessages(
	g *discordgo.Guild, count func([]*discordgo.Message) int, removed interface{ Add(uint64) uint64 },
) {
	for _, channels := range [...][]*discordgo.Channel{g.Channels, g.Threads} {
		for _, c := range channels {
			n := count(c.Messages)
			if n == 0 {
				continue
			}
			rest := kept(true, c.Messages[n:])
			k.locked(func() { c.Messages = rest })
			removed.Add(uint64(n))
		}
	}
}

// Sizes is how much a State holds.
type Sizes struct {
	Guilds, Channels, Threads, Roles, Emojis, Stickers int
	Members, Presences, VoiceStates, Messages          int
}

// Sizes counts what State holds, under its lock: about 10 ns for a channel. It may be called at
// any time.
func (k *Keeper) Sizes() Sizes {
	k.st.RLock()
	defer k.st.RUnlock()
	var s Sizes
	for _, g := range k.st.Guilds {
		s.Guilds++
		s.Channels += len(g.Channels)
		s.Threads += len(g.Threads)
		s.Roles += len(g.Roles)
		s.Emojis += len(g.Emojis)
		s.Stickers += len(g.Stickers)
		s.Members += len(g.Members)
		s.Presences += len(g.Presences)
		s.VoiceStates += len(g.VoiceStates)
		for _, c := range g.Channels {
			s.Messages += len(c.Messages)
		}
		for _, t := range g.Threads {
			s.Messages += len(t.Messages)
		}
	}
	return s
}
