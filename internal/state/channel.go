package state

import (
	"reflect"
	"slices"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/clone"
)

func (k *Keeper) channelCreate(e *Event) error {
	mine, _, err := own[discordgo.ChannelCreate](k, e)
	if err != nil {
		return err
	}
	return k.putChannel(mine.Channel)
}

func (k *Keeper) channelUpdate(e *Event) error {
	mine, theirs, err := own[discordgo.ChannelUpdate](k, e)
	if err != nil {
		return err
	}
	if theirs != nil {
		theirs.BeforeUpdate = k.beforeChannel(mine.ID)
	}
	return k.putChannel(mine.Channel)
}

func (k *Keeper) channelDelete(e *Event) error {
	mine, _, err := own[discordgo.ChannelDelete](k, e)
	if err != nil {
		return err
	}
	k.deleteChannel(mine.Channel)
	return nil
}

func (k *Keeper) threadCreate(e *Event) error {
	mine, _, err := own[discordgo.ThreadCreate](k, e)
	if err != nil {
		return err
	}
	return k.putChannel(mine.Channel)
}

func (k *Keeper) threadUpdate(e *Event) error {
	mine, theirs, err := own[discordgo.ThreadUpdate](k, e)
	if err != nil {
		return err
	}
	if theirs != nil {
		theirs.BeforeUpdate = k.beforeChannel(mine.ID)
	}
	return k.putChannel(mine.Channel)
}

func (k *Keeper) threadDelete(e *Event) error {
	mine, _, err := own[discordgo.ThreadDelete](k, e)
	if err != nil {
		return err
	}
	k.deleteChannel(mine.Channel)
	return nil
}

// putChannel adds a channel or thread, or brings a known one up to date in place. Channels outside
// guilds are not kept: Discord does not say when one ends.
func (k *Keeper) putChannel(c *discordgo.Channel) error {
	g, _ := k.guild(c.GuildID)
	if g == nil {
		return nil
	}
	compactChannel(c, g.ID, shareRoles(g))
	if old, err := k.st.Channel(c.ID); err == nil {
		c.Messages, c.Members = old.Messages, old.Members
		if c.Member == nil {
			c.Member = old.Member
		}
		if c.ThreadMetadata == nil {
			c.ThreadMetadata = old.ThreadMetadata
		}
		if reflect.DeepEqual(old, c) {
			return nil
		}
	}
	return k.st.ChannelAdd(c)
}

// beforeChannel returns a copy of what State has of a channel, without its messages.
func (k *Keeper) beforeChannel(id string) *discordgo.Channel {
	old, err := k.st.Channel(id)
	if err != nil {
		return nil
	}
	c := *old
	c.Messages = nil
	return clone.Of(&c)
}

// deleteChannel removes a channel or thread. Discord does not tell of the threads that end with
// their channel.
func (k *Keeper) deleteChannel(c *discordgo.Channel) {
	g, _ := k.guild(c.GuildID)
	if g == nil {
		return
	}
	k.removeChannels(g, func(other *discordgo.Channel) bool {
		return other.ID == c.ID || !c.IsThread() && other.IsThread() && other.ParentID == c.ID
	})
}

// removeChannels removes the channels and threads of a guild that gone picks.
func (k *Keeper) removeChannels(g *discordgo.Guild, gone func(*discordgo.Channel) bool) int {
	n := 0
	for _, list := range [...]*[]*discordgo.Channel{&g.Channels, &g.Threads} {
		var stay, leave []*discordgo.Channel
		for _, c := range *list {
			if gone(c) {
				leave = append(leave, c)
			} else {
				stay = append(stay, c)
			}
		}
		if len(leave) == 0 {
			continue
		}
		k.locked(func() { *list = slices.Clip(stay) })
		for _, c := range leave {
			_ = k.st.ChannelRemove(c) // of the map; the list has it no more
		}
		n += len(leave)
	}
	return n
}

// threadListSync brings the threads that the bot can see in some channels, or in all: those that
// it does not list have ended or are out of sight.
func (k *Keeper) threadListSync(e *Event) error {
	mine, _, err := own[discordgo.ThreadListSync](k, e)
	if err != nil {
		return err
	}
	g, _ := k.guild(mine.GuildID)
	if g == nil {
		return nil
	}
	k.removeChannels(g, func(c *discordgo.Channel) bool {
		if !c.IsThread() || mine.ChannelIDs != nil && !slices.Contains(mine.ChannelIDs, c.ParentID) {
			return false
		}
		return !slices.ContainsFunc(mine.Threads, func(t *discordgo.Channel) bool {
			return t != nil && t.ID == c.ID
		})
	})
	for _, t := range mine.Threads {
		if t == nil {
			continue
		}
		t.GuildID = g.ID
		for _, m := range mine.Members {
			if m != nil && m.ID == t.ID {
				t.Member = m
			}
		}
		if err := k.putChannel(t); err != nil {
			return err
		}
	}
	return nil
}

// threadMemberUpdate is about the bot's own place in a thread.
func (k *Keeper) threadMemberUpdate(e *Event) error {
	mine, _, err := own[discordgo.ThreadMemberUpdate](k, e)
	if err != nil {
		return err
	}
	if t, err := k.st.Channel(mine.ID); err == nil {
		k.locked(func() { t.Member = mine.ThreadMember })
	}
	return nil
}

func (k *Keeper) threadMembersUpdate(e *Event) error {
	mine, _, err := own[discordgo.ThreadMembersUpdate](k, e)
	if err != nil {
		return err
	}
	t, err := k.st.Channel(mine.ID)
	if err != nil {
		return nil //nolint:nilerr // a thread that is not known is not a failure
	}
	members := t.Members
	if k.policy.ThreadMembers {
		members = nil
		changed := func(id string) bool {
			return slices.Contains(mine.RemovedMembers, id) ||
				slices.ContainsFunc(mine.AddedMembers, func(m discordgo.AddedThreadMember) bool {
					return m.UserID == id
				})
		}
		for _, m := range t.Members {
			if !changed(m.UserID) {
				members = append(members, m)
			}
		}
		for _, m := range mine.AddedMembers {
			members = append(members, m.ThreadMember)
		}
	}
	k.locked(func() {
		t.Members, t.MemberCount = members, mine.MemberCount
		if slices.Contains(mine.RemovedMembers, k.self) {
			t.Member = nil
		}
	})
	return nil
}
