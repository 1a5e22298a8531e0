package state

import (
	"sort"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/frame"
)

// keepsAll reports whether nothing can be left out of a GUILD_CREATE.
func (k *Keeper) keepsAll() bool {
	p := &k.policy
	return p.everybody() && p.Channels && p.Threads && p.Roles &&
		p.Emojis && p.Stickers && p.VoiceStates && p.Presences
}

// trimRaw leaves out of a GUILD_CREATE what is not kept, before it is decoded: in a guild of
// some size that is nearly all of it.
func (k *Keeper) trimRaw(raw []byte) []byte {
	p := &k.policy
	parts := map[string]bool{
		"channels": p.Channels, "threads": p.Threads, "roles": p.Roles, "emojis": p.Emojis,
		"stickers": p.Stickers, "voice_states": p.VoiceStates, "presences": p.Presences,
		"stage_instances": false, "guild_scheduled_events": false, "soundboard_sounds": false,
	}
	out, ok := frame.Filter(nil, raw, func(name, value []byte) []byte {
		if keep, known := parts[string(name)]; known && !keep {
			return nil
		}
		if string(name) == "members" {
			return k.trimMembers(raw, value)
		}
		return value
	})
	if !ok {
		return raw // decoding it will say what is wrong
	}
	return out
}

// trimMembers leaves out of a raw guild the members that are not kept.
func (k *Keeper) trimMembers(guild, members []byte) []byte {
	if k.policy.everybody() {
		return members
	}
	who := k.rawContext(guild)
	return k.trimList(&who, members)
}

func (k *Keeper) trimList(who *rawContext, members []byte) []byte {
	out := []byte{'['}
	n := 0
	frame.Elements(members, func(raw []byte) bool {
		v, _ := frame.Lookup(raw, "user", "id")
		id, ok := frame.String(v)
		if !ok || !k.keeps(who.member(string(id), raw), n) {
			return true
		}
		if n > 0 {
			out = append(out, ',')
		}
		out = append(out, raw...)
		n++
		return true
	})
	return append(out, ']')
}

// rawContext is what the raw GUILD_CREATE tells of its members.
type rawContext struct {
	guild, self, owner string
	voice              map[string]bool
}

func (k *Keeper) rawContext(guild []byte) rawContext {
	c := rawContext{self: k.self, voice: make(map[string]bool)}
	text := func(d []byte, name string) string {
		v, _ := frame.Lookup(d, name)
		s, _ := frame.String(v)
		return string(s)
	}
	c.guild, c.owner = text(guild, "id"), text(guild, "owner_id")
	states, _ := frame.Lookup(guild, "voice_states")
	frame.Elements(states, func(v []byte) bool {
		c.voice[text(v, "user_id")] = true
		return true
	})
	return c
}

func (c *rawContext) member(id string, raw []byte) Member {
	return Member{
		GuildID: c.guild, UserID: id, Self: id == c.self, Owner: id == c.owner,
		Voice: c.voice[id],
		Decoded: func() *discordgo.Member {
			m, err := events.DecodeMember(raw, nil)
			if err != nil || m.User == nil {
				return &discordgo.Member{User: &discordgo.User{ID: id}}
			}
			m.GuildID = c.guild
			return m
		},
	}
}

// keeps reports whether a member is to be kept in a guild of which n are kept already.
func (k *Keeper) keeps(m Member, n int) bool {
	p := &k.policy
	if p.KeepOverLimit != nil && p.KeepOverLimit(m) {
		return true
	}
	if p.MembersPerGuild != NoLimit && n >= p.MembersPerGuild {
		return false
	}
	return p.Keep == nil || p.Keep(m)
}

// trim takes out of a decoded guild what is not kept. Lists that are kept are not nil after.
func (k *Keeper) trim(g *discordgo.Guild) {
	p := &k.policy
	g.StageInstances = nil // discordgo does not follow them: they would be wrong soon
	g.Channels = kept(p.Channels, g.Channels)
	g.Threads = kept(p.Threads, g.Threads)
	g.Roles = kept(p.Roles, g.Roles)
	g.Emojis = kept(p.Emojis, g.Emojis)
	g.Stickers = kept(p.Stickers, g.Stickers)
	g.VoiceStates = kept(p.VoiceStates, g.VoiceStates)
	g.Presences = kept(p.Presences, g.Presences)
	g.Members = kept(true, g.Members)
	sort.Stable(discordgo.Roles(g.Roles))
	for _, t := range g.Threads {
		t.GuildID = g.ID
	}
	for _, v := range g.VoiceStates {
		v.Member = nil
	}
	k.trimPresences(g)
}

// kept returns a list of its own right size, empty if it is not kept.
func kept[T any](keep bool, list []T) []T {
	if !keep || len(list) == 0 {
		return []T{}
	}
	out := make([]T, len(list))
	copy(out, list)
	return out
}

// trimPresences gives presences the users of the members, and leaves out those of people who are
// not kept, whom nothing else bounds.
func (k *Keeper) trimPresences(g *discordgo.Guild) {
	if len(g.Presences) == 0 {
		return
	}
	users := make(map[string]*discordgo.User, len(g.Members))
	for _, m := range g.Members {
		users[m.User.ID] = m.User
	}
	all := k.policy.everybody()
	n := 0
	for _, p := range g.Presences {
		user := users[p.User.ID]
		if user == nil && !all || p.Status == discordgo.StatusOffline {
			continue
		}
		if user != nil {
			p.User = user
		}
		g.Presences[n] = p
		n++
	}
	clear(g.Presences[n:])
	g.Presences = g.Presences[:n]
}
