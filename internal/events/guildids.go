package events

import "github.com/bwmarrin/discordgo"

// setGuildIDs writes the ID of each guild of a payload into its channels, members and voice
// states, as discordgo's event.go does before it calls a handler: Discord leaves it out there.
func setGuildIDs(payload any) {
	switch p := payload.(type) {
	case *discordgo.Ready:
		for _, g := range p.Guilds {
			setGuildID(g)
		}
	case *discordgo.GuildCreate:
		setGuildID(p.Guild)
	case *discordgo.GuildUpdate:
		setGuildID(p.Guild)
	}
}

func setGuildID(g *discordgo.Guild) {
	for _, c := range g.Channels {
		c.GuildID = g.ID
	}
	for _, m := range g.Members {
		m.GuildID = g.ID
	}
	for _, v := range g.VoiceStates {
		v.GuildID = g.ID
	}
}
