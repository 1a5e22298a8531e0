package discordtest

import (
	"slices"

	"github.com/bwmarrin/discordgo"
)

// AddGuild lets the bot join a new guild with the given number of people and [Config.Channels] text
// channels. An empty name is replaced by an invented one.
func (s *Server) AddGuild(name string, members int) Guild {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.world.addGuild(name, max(members, 0), s.cfg.Channels)
	s.announceLocked(g)
	return g.public(s.world.bot.ID)
}

// announceLocked dispatches GUILD_CREATE to each session as its intents want it.
func (s *Server) announceLocked(g *guild) {
	for _, x := range s.sessions {
		if x.owns(g.id) && x.intents&discordgo.IntentGuilds != 0 {
			data := marshal(g.create(s.world.bot.ID, x.intents, x.largeThreshold))
			s.deliverLocked(x, outgoing{guildID: g.id, typ: "GUILD_CREATE", data: data})
		}
	}
	s.changedLocked()
}

// RemoveGuild takes the bot out of a guild: GUILD_DELETE without the field unavailable.
func (s *Server) RemoveGuild(guildID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(guildID)
	if err != nil {
		return err
	}
	s.removeGuildLocked(g)
	return nil
}

func (s *Server) removeGuildLocked(g *guild) {
	w := &s.world
	delete(w.guilds, g.id)
	w.order = slices.DeleteFunc(w.order, func(id string) bool { return id == g.id })
	for _, c := range slices.Concat(g.channels, g.threads) {
		delete(w.channels, c.ID)
	}
	for code, i := range w.invites {
		if i.guildID == g.id {
			delete(w.invites, code)
		}
	}
	for id, hook := range w.webhooks {
		if hook.GuildID == g.id {
			delete(w.webhooks, id)
		}
	}
	delete(w.commands, g.id)
	s.emitLocked(g.id, "GUILD_DELETE", map[string]string{"id": g.id})
}

// SetUnavailable begins or ends a guild's outage: GUILD_DELETE with unavailable set, or
// GUILD_CREATE.
func (s *Server) SetUnavailable(guildID string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(guildID)
	if err != nil || g.unavailable == on {
		return err
	}
	g.unavailable = on
	if on {
		s.emitLocked(g.id, "GUILD_DELETE", map[string]any{"id": g.id, "unavailable": true})
	} else {
		s.announceLocked(g)
	}
	return nil
}

// AddChannel makes a text channel.
func (s *Server) AddChannel(guildID, name string) (*discordgo.Channel, error) {
	return s.AddChannelType(guildID, name, discordgo.ChannelTypeGuildText)
}

// AddChannelType makes a channel of any type: a forum, an announcement or stage channel, a category.
func (s *Server) AddChannelType(guildID, name string,
	kind discordgo.ChannelType) (*discordgo.Channel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(guildID)
	if err != nil {
		return nil, err
	}
	c := s.addChannelLocked(g, name, kind)
	s.emitLocked(g.id, "CHANNEL_CREATE", c)
	return c.public(), nil
}

// RemoveChannel deletes a guild channel.
func (s *Server) RemoveChannel(channelID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.world.channel(channelID)
	if err != nil {
		return err
	}
	s.removeChannelLocked(c)
	return nil
}

// AddMember lets a new person join a guild.
func (s *Server) AddMember(guildID string) (*discordgo.Member, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(guildID)
	if err != nil {
		return nil, err
	}
	m := g.add(s.world.newPerson(), s.nowLocked())
	s.announceMemberLocked(g, m)
	return m.public(g.id), nil
}

// RemoveMember lets a member leave a guild.
func (s *Server) RemoveMember(guildID, userID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, m, err := s.world.member(guildID, userID)
	if err != nil {
		return err
	}
	s.removeMemberLocked(g, m)
	return nil
}

// A MemberEdit is a change to a member; nil fields stay.
type MemberEdit struct {
	Nick  *string // "" for none
	Roles []string
}

// UpdateMember changes a member and returns it.
func (s *Server) UpdateMember(guildID, userID string, edit MemberEdit) (*discordgo.Member, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, m, err := s.world.member(guildID, userID)
	if err != nil {
		return nil, err
	}
	next := *m
	if edit.Nick != nil {
		next.Nick = orNil(*edit.Nick)
	}
	if edit.Roles != nil {
		next.Roles = slices.Clone(edit.Roles)
	}
	s.replaceMemberLocked(g, &next)
	return next.public(g.id), nil
}
