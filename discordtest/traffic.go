package discordtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bwmarrin/discordgo"
)

// Say lets a user write a message in a channel, and returns it.
func (s *Server) Say(channelID, authorID, content string) (*discordgo.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.world.channel(channelID)
	if err != nil {
		return nil, err
	}
	return s.sayLocked(c, authorID, content)
}

// DirectMessage lets a user write to the bot. The event goes to shard 0.
func (s *Server) DirectMessage(userID, content string) (*discordgo.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.world.user(userID)
	if err != nil {
		return nil, err
	}
	return s.sayLocked(s.world.dm(u, s.newIDLocked), userID, content)
}

func (s *Server) sayLocked(c *channel, authorID, content string) (*discordgo.Message, error) {
	u, err := s.world.user(authorID)
	if err != nil {
		return nil, err
	}
	if _, err := s.world.mustBeIn(c, authorID); err != nil {
		return nil, err
	}
	d := &draft{Content: &content}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("discordtest: %w", err)
	}
	m := s.newMessageLocked(c, u, d)
	s.postLocked(c, m)
	return m.public(c.GuildID), nil
}

// EditMessage lets the author of a message change its content.
func (s *Server) EditMessage(channelID, messageID, content string) (*discordgo.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, m, err := s.world.message(channelID, messageID)
	if err != nil {
		return nil, err
	}
	s.rewriteLocked(c, m, &draft{Content: &content})
	return m.public(c.GuildID), nil
}

// DeleteMessage deletes a message.
func (s *Server) DeleteMessage(channelID, messageID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, m, err := s.world.message(channelID, messageID)
	if err != nil {
		return err
	}
	s.removeMessageLocked(c, m)
	return nil
}

// Type shows a user as typing in a channel.
func (s *Server) Type(channelID, userID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.world.channel(channelID)
	if err != nil {
		return err
	}
	if _, err := s.world.mustBeIn(c, userID); err != nil {
		return err
	}
	s.typeLocked(c, userID)
	return nil
}

func (s *Server) typeLocked(c *channel, userID string) {
	event := inGuild(c, map[string]any{
		"channel_id": c.ID, "user_id": userID, "timestamp": s.nowLocked().Unix(),
	})
	if g := s.world.guilds[c.GuildID]; g != nil {
		event["member"] = g.members[userID]
	}
	s.emitInLocked(c, "TYPING_START", event)
}

// React lets a user react to a message with an emoji: a character, or name:id of a custom one.
func (s *Server) React(channelID, messageID, userID, emoji string) error {
	return s.reacting(channelID, messageID, userID, emoji, s.reactLocked)
}

// Unreact takes a user's reaction back.
func (s *Server) Unreact(channelID, messageID, userID, emoji string) error {
	return s.reacting(channelID, messageID, userID, emoji, s.unreactLocked)
}

func (s *Server) reacting(channelID, messageID, userID, name string,
	do func(*channel, *message, string, emoji)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, m, err := s.world.message(channelID, messageID)
	if err != nil {
		return err
	}
	if _, err := s.world.mustBeIn(c, userID); err != nil {
		return err
	}
	e, err := parseEmoji(name)
	if err != nil {
		return fmt.Errorf("discordtest: emoji %q: %w", name, err)
	}
	do(c, m, userID, e)
	return nil
}

// SetPresence sets a user's status in a guild: "online", "idle", "dnd" or "offline". A game is
// shown unless it is "".
func (s *Server) SetPresence(guildID, userID, status, game string) error {
	if !strings.Contains(" online idle dnd offline ", " "+status+" ") {
		return errors.New("discordtest: unknown status " + status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, _, err := s.world.member(guildID, userID)
	if err != nil {
		return err
	}
	s.presenceLocked(g, userID, status, game)
	return nil
}

func (s *Server) presenceLocked(g *guild, userID, status, game string) {
	p := &presence{
		GuildID: g.id, Status: status, Activities: []activity{}, ClientStatus: map[string]string{},
	}
	p.User.ID = userID
	if status != "offline" {
		p.ClientStatus["desktop"] = status
	}
	if game != "" {
		p.Activities = append(p.Activities, activity{
			ID: "ec0b28a579ecb4bd", Name: game, CreatedAt: s.nowLocked().UnixMilli(),
		})
	}
	if g.presences[userID] = p; status == "offline" {
		delete(g.presences, userID)
	}
	s.emitLocked(g.id, "PRESENCE_UPDATE", p)
}

// JoinVoice lets a user join a voice channel of a guild, or leave voice if channelID is "".
func (s *Server) JoinVoice(guildID, channelID, userID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, m, err := s.world.member(guildID, userID)
	if err != nil {
		return err
	}
	if channelID != "" {
		if _, err := s.world.channel(channelID); err != nil {
			return err
		}
	}
	s.setVoiceLocked(g, &voiceState{
		GuildID: guildID, ChannelID: orNil(channelID), UserID: userID, Member: m,
		SessionID: "voice" + userID,
	})
	return nil
}
