package state

import "github.com/bwmarrin/discordgo"

// compact lets equal ids in a guild share one string: a member has no copy of its own of the ids
// of its roles, nor a channel of those in its overwrites.
func compact(g *discordgo.Guild) {
	ids := make(map[string]string, len(g.Roles)+len(g.Channels)+1)
	ids[g.ID] = g.ID
	for _, r := range g.Roles {
		if r.ID != g.ID {
			ids[r.ID] = r.ID
		} else {
			r.ID = g.ID
		}
	}
	for _, c := range g.Channels {
		ids[c.ID] = c.ID
	}
	share := func(id *string) {
		if known, ok := ids[*id]; ok {
			*id = known
		} else if *id != "" {
			ids[*id] = *id
		}
	}
	for _, channels := range [...][]*discordgo.Channel{g.Channels, g.Threads} {
		for _, c := range channels {
			compactChannel(c, g.ID, share)
		}
	}
	for _, m := range g.Members {
		compactMember(m, g.ID, share)
	}
	for _, v := range g.VoiceStates {
		v.GuildID = g.ID
		share(&v.ChannelID)
	}
}

func compactChannel(c *discordgo.Channel, guildID string, share func(*string)) {
	c.GuildID = guildID
	share(&c.ParentID)
	c.PermissionOverwrites = kept(true, c.PermissionOverwrites)
	for _, o := range c.PermissionOverwrites {
		share(&o.ID)
	}
}

func compactMember(m *discordgo.Member, guildID string, share func(*string)) {
	m.GuildID = guildID
	m.Roles = kept(true, m.Roles)
	for i := range m.Roles {
		share(&m.Roles[i])
	}
}

// shareRoles returns a function that finds the ids of a guild's roles.
func shareRoles(g *discordgo.Guild) func(*string) {
	return func(id *string) {
		for _, r := range g.Roles {
			if r.ID == *id {
				*id = r.ID
				return
			}
		}
	}
}
