package state

import (
	"slices"
	"sort"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/frame"
)

// ready begins a new session: what it does not list is not the bot's any more. What it lists is
// sent by and by; until then State has what it had, or that the guild is there.
func (k *Keeper) ready(e *Event) error {
	if v, ok := frame.Lookup(e.Raw, "user", "id"); ok {
		if id, ok := frame.String(v); ok {
			k.self = string(id)
		}
	}
	listed := make(map[string]bool)
	guilds, _ := frame.Lookup(e.Raw, "guilds")
	frame.Elements(guilds, func(g []byte) bool {
		v, _ := frame.Lookup(g, "id")
		if id, ok := frame.String(v); ok {
			listed[string(id)] = true
		}
		return true
	})
	for _, id := range k.GuildIDs() {
		if !listed[id] {
			k.leave(id)
		}
	}
	for id := range listed {
		if err := k.setUnavailable(id, true); err != nil {
			return err
		}
	}
	k.arrivals.begin(listed)
	return nil
}

// setUnavailable notes whether a guild is in an outage. What State has of it stays.
func (k *Keeper) setUnavailable(id string, unavailable bool) error {
	if g, _ := k.guild(id); g != nil {
		k.locked(func() { g.Unavailable = unavailable })
		return nil
	}
	k.guilds[id] = k.newGuild()
	return k.st.GuildAdd(&discordgo.Guild{
		ID: id, Unavailable: unavailable, Members: []*discordgo.Member{}})
}

func (k *Keeper) newGuild() *guild {
	g := &guild{}
	if k.policy.Presences {
		g.presences = make(map[string]int)
	}
	if k.policy.MembersPerGuild > 0 || k.policy.MemberLifetime > 0 {
		g.seen = newSeenList()
	}
	return g
}

// guildCreate takes in a guild: one that the bot has joined, or one that a new session or the
// end of an outage brings back. Messages and members from before are dropped, for nobody knows
// what became of them meanwhile.
func (k *Keeper) guildCreate(e *Event) error {
	g, err := k.decodeGuild(e)
	if err != nil {
		return err
	}
	defer k.arrivals.end(g.ID)
	if g.Unavailable {
		return k.setUnavailable(g.ID, true)
	}
	k.trim(g)
	compact(g)
	if old, _ := k.guild(g.ID); old != nil {
		k.removeChannels(old, func(c *discordgo.Channel) bool {
			same := func(n *discordgo.Channel) bool { return n.ID == c.ID }
			return !slices.ContainsFunc(g.Channels, same) && !slices.ContainsFunc(g.Threads, same)
		})
	}
	record := k.newGuild()
	record.fill(g)
	k.guilds[g.ID] = record
	return k.st.GuildAdd(g)
}

// decodeGuild decodes what the policy keeps of a GUILD_CREATE.
func (k *Keeper) decodeGuild(e *Event) (*discordgo.Guild, error) {
	if k.keepsAll() {
		mine, _, err := own[discordgo.GuildCreate](k, e)
		if err != nil {
			return nil, err
		}
		return mine.Guild, nil
	}
	if !k.restoring {
		k.record = k.trimRaw(e.Raw)
	}
	v, err := events.DecodeKept(e.Type, k.record, &k.names)
	if err != nil {
		return nil, err
	}
	return v.(*discordgo.GuildCreate).Guild, nil
}

// guildUpdate takes over what the payload has; it lacks what GUILD_CREATE alone brings.
func (k *Keeper) guildUpdate(e *Event) error {
	mine, _, err := own[discordgo.GuildUpdate](k, e)
	if err != nil {
		return err
	}
	g, _ := k.guild(mine.ID)
	if g == nil {
		return nil
	}
	next := mine.Guild
	k.trim(next)
	compact(next)
	// What is nil stays as it is; see discordgo's GuildAdd.
	next.Channels, next.Threads, next.Members = nil, nil, nil
	next.Presences, next.VoiceStates = nil, nil
	next.JoinedAt, next.Large, next.Unavailable = g.JoinedAt, g.Large, g.Unavailable
	next.MemberCount = g.MemberCount
	return k.st.GuildAdd(next)
}

func (k *Keeper) guildDelete(e *Event) error {
	v, _ := frame.Lookup(e.Raw, "id")
	id, ok := frame.String(v)
	if !ok {
		return nil
	}
	defer k.arrivals.end(string(id))
	g, _ := k.guild(string(id))
	if g == nil {
		return nil
	}
	away, _ := frame.Lookup(e.Raw, "unavailable")
	outage := string(away) == "true"
	if e.Payload != nil {
		v, err := e.Payload()
		if err != nil {
			return err
		}
		if p, ok := v.(*discordgo.GuildDelete); ok {
			p.BeforeDelete = before(g, outage)
		}
	}
	if outage {
		return k.setUnavailable(g.ID, true)
	}
	k.leave(g.ID)
	return nil
}

// before returns what was known of a guild that is deleted. Of one that stays in State, that is
// the guild without its lists: to copy those would cost more than anybody gains.
func before(g *discordgo.Guild, stays bool) *discordgo.Guild {
	old := *g
	if stays {
		old.Roles, old.Emojis, old.Stickers, old.Features = nil, nil, nil, nil
		old.Members, old.Presences, old.Channels = nil, nil, nil
		old.Threads, old.VoiceStates = nil, nil
	}
	return &old
}

// leave frees a guild with all that it holds. Of discordgo's map of members one empty map
// remains, about 100 bytes, which nothing but discordgo could remove.
func (k *Keeper) leave(id string) {
	g, _ := k.guild(id)
	if g == nil {
		return
	}
	k.removeChannels(g, func(*discordgo.Channel) bool { return true })
	delete(k.guilds, id)
	_ = k.st.GuildRemove(g)
	// Adding a guild that has a list of members makes a new map of it.
	empty := &discordgo.Guild{ID: g.ID, Members: []*discordgo.Member{}}
	_ = k.st.GuildAdd(empty)
	_ = k.st.GuildRemove(empty)
}

// GuildIDs returns the ids of all guilds. It may be called at any time.
func (k *Keeper) GuildIDs() []string {
	k.st.RLock()
	defer k.st.RUnlock()
	ids := make([]string, len(k.st.Guilds))
	for i, g := range k.st.Guilds {
		ids[i] = g.ID
	}
	return ids
}

func (k *Keeper) roleCreate(e *Event) error {
	mine, _, err := own[discordgo.GuildRoleCreate](k, e)
	if err != nil {
		return err
	}
	return k.putRole(mine.GuildRole)
}

func (k *Keeper) roleUpdate(e *Event) error {
	mine, _, err := own[discordgo.GuildRoleUpdate](k, e)
	if err != nil {
		return err
	}
	return k.putRole(mine.GuildRole)
}

// putRole keeps the roles in discordgo's order: its UserColor sorts them in place, without a
// lock, and a list that is sorted it does not write to.
func (k *Keeper) putRole(r *discordgo.GuildRole) error {
	g, _ := k.guild(r.GuildID)
	if g == nil {
		return nil
	}
	if err := k.st.RoleAdd(r.GuildID, r.Role); err != nil {
		return err
	}
	k.locked(func() { sort.Stable(discordgo.Roles(g.Roles)) })
	return nil
}

func (k *Keeper) roleDelete(e *Event) error {
	mine, _, err := own[discordgo.GuildRoleDelete](k, e)
	if err != nil {
		return err
	}
	_ = k.st.RoleRemove(mine.GuildID, mine.RoleID) // an unknown role is gone already
	return nil
}

func (k *Keeper) emojisUpdate(e *Event) error {
	mine, _, err := own[discordgo.GuildEmojisUpdate](k, e)
	if err != nil {
		return err
	}
	if g, _ := k.guild(mine.GuildID); g != nil {
		k.locked(func() { g.Emojis = mine.Emojis })
	}
	return nil
}

func (k *Keeper) stickersUpdate(e *Event) error {
	mine, _, err := own[discordgo.GuildStickersUpdate](k, e)
	if err != nil {
		return err
	}
	if g, _ := k.guild(mine.GuildID); g != nil {
		k.locked(func() { g.Stickers = mine.Stickers })
	}
	return nil
}
