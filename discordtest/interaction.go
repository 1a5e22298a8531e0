package discordtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
)

// An Interaction is a command, click, form or completion that a person sent to the bot, and what
// the bot made of it. Its methods may be called from any goroutine.
type Interaction struct {
	// ID and Token are what the bot needs to answer. They are empty if the interaction could not be
	// sent.
	ID, Token string
	// Type is the kind of interaction.
	Type discordgo.InteractionType

	srv     *Server
	err     error
	guildID string
	channel *channel
	user    *user
	created time.Time
	source  *message // that a clicked component is on

	// Guarded by srv.mu.
	response  *Response
	original  *message
	edits     []message
	followups []*message
	deleted   bool
}

// A Response is the first answer to an interaction.
type Response struct {
	Time time.Time
	Type discordgo.InteractionResponseType
	// Message is the message of a response that has one, as it was first sent.
	Message *discordgo.Message
	// Ephemeral is whether only the user sees the answer.
	Ephemeral bool
	// CustomID and Title are those of a modal, Choices those of an autocompletion.
	CustomID, Title string
	Choices         []*discordgo.ApplicationCommandOptionChoice
	// Data is the data field as it was received.
	Data json.RawMessage
}

// tokenLife is how long an interaction can be answered, after the first response.
const tokenLife = 15 * time.Minute

// Err returns why the interaction was not sent: an unknown guild, channel, member or component.
// Every method that waits returns the same error.
func (in *Interaction) Err() error { return in.err }

// Response waits for the first response.
func (in *Interaction) Response(ctx context.Context) (Response, error) {
	var out Response
	err := in.wait(ctx, "response", func() bool {
		if in.response == nil {
			return false
		}
		out = *in.response
		return true
	})
	return out, err
}

// Message waits for the message that answers the interaction: that of the first response or, if it
// was deferred, the message once the bot has filled it in. For a click whose message was updated it
// is that message.
func (in *Interaction) Message(ctx context.Context) (*discordgo.Message, error) {
	var m message
	err := in.wait(ctx, "message", func() bool {
		if in.original == nil || in.original.Flags&flagLoading != 0 {
			return false
		}
		m = in.original.clone()
		return true
	})
	if err != nil {
		return nil, err
	}
	return m.public(in.guildID), nil
}

// wait waits until done, which is called with the server's lock held.
func (in *Interaction) wait(ctx context.Context, what string, done func() bool) error {
	if in.err != nil {
		return in.err
	}
	err := in.srv.Wait(ctx, func() bool {
		in.srv.mu.Lock()
		defer in.srv.mu.Unlock()
		return done()
	})
	if err != nil {
		return fmt.Errorf("wait for the %s to interaction %s: %w", what, in.ID, err)
	}
	return nil
}

// Deferred reports whether the bot has deferred its answer.
func (in *Interaction) Deferred() bool {
	if in.err != nil {
		return false
	}
	in.srv.mu.Lock()
	defer in.srv.mu.Unlock()
	if in.response == nil {
		return false
	}
	switch in.response.Type {
	case discordgo.InteractionResponseDeferredChannelMessageWithSource,
		discordgo.InteractionResponseDeferredMessageUpdate:
		return true
	}
	return false
}

// Followups returns the follow-up messages in order, in their present state; deleted ones are
// missing.
func (in *Interaction) Followups() []*discordgo.Message {
	if in.err != nil {
		return nil
	}
	in.srv.mu.Lock()
	copies := make([]message, len(in.followups))
	for i, m := range in.followups {
		copies[i] = m.clone()
	}
	in.srv.mu.Unlock()
	return in.publish(copies)
}

// Edits returns what the original message became with each edit, in order.
func (in *Interaction) Edits() []*discordgo.Message {
	if in.err != nil {
		return nil
	}
	in.srv.mu.Lock()
	copies := slices.Clone(in.edits)
	in.srv.mu.Unlock()
	return in.publish(copies)
}

func (in *Interaction) publish(ms []message) []*discordgo.Message {
	out := make([]*discordgo.Message, len(ms))
	for i := range ms {
		out[i] = ms[i].public(in.guildID)
	}
	return out
}

// Deleted reports whether the bot has deleted the original message.
func (in *Interaction) Deleted() bool {
	if in.err != nil {
		return false
	}
	in.srv.mu.Lock()
	defer in.srv.mu.Unlock()
	return in.deleted
}

// interact makes an interaction of a user in a channel and dispatches it. The data is asked for
// with the lock held.
func (s *Server) interact(kind discordgo.InteractionType, channelID, userID string,
	data func(*Interaction) (any, error)) *Interaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &Interaction{srv: s, Type: kind}
	if in.err = s.prepareLocked(in, channelID, userID); in.err != nil {
		return in
	}
	d, err := data(in)
	if err != nil {
		in.err = err
		return in
	}
	in.created = s.nowLocked()
	in.ID = s.ids.next(in.created)
	in.Token = base64.RawURLEncoding.EncodeToString([]byte("interaction:" + in.ID + ":" + newToken(in.ID)))
	s.rememberLocked(in)
	s.emitLocked(in.guildID, "INTERACTION_CREATE", in.payload(d))
	return in
}

// prepareLocked finds where and by whom the interaction is made.
func (s *Server) prepareLocked(in *Interaction, channelID, userID string) error {
	c, err := s.world.channel(channelID)
	if err != nil {
		return err
	}
	u, err := s.world.user(userID)
	if err != nil {
		return err
	}
	if _, err := s.world.mustBeIn(c, userID); err != nil {
		return err
	}
	in.guildID, in.channel, in.user = c.GuildID, c, u
	return nil
}

// rememberLocked stores an interaction under its token and forgets those that can no longer be
// answered.
func (s *Server) rememberLocked(in *Interaction) {
	w := &s.world
	for len(w.oldTokens) > 0 {
		old := w.interactions[w.oldTokens[0]]
		alive := in.created.Sub(old.created) <= tokenLife+s.cfg.InteractionTimeout
		if alive && len(w.oldTokens) < s.cfg.RecordLimit {
			break
		}
		delete(w.interactions, old.Token)
		w.oldTokens = w.oldTokens[1:]
	}
	w.interactions[in.Token] = in
	w.oldTokens = append(w.oldTokens, in.Token)
}

// payload is the data of INTERACTION_CREATE.
func (in *Interaction) payload(data any) map[string]any {
	w := &in.srv.world
	p := map[string]any{
		"id": in.ID, "application_id": w.bot.ID, "type": in.Type, "data": data,
		"token": in.Token, "version": 1, "channel_id": in.channel.ID, "channel": in.channel,
		"locale": "en-US", "entitlements": []struct{}{}, "app_permissions": in.srv.botIn(in.channel).String(),
	}
	if in.source != nil {
		p["message"] = in.source
	}
	if in.guildID == "" {
		p["user"], p["context"] = in.user, 1
		p["authorizing_integration_owners"] = map[string]string{"1": in.user.ID}
		return p
	}
	type invoker struct {
		*member
		Permissions string `json:"permissions"`
	}
	p["guild_id"], p["guild_locale"], p["context"] = in.guildID, "en-US", 0
	p["guild"] = map[string]any{"id": in.guildID, "locale": "en-US", "features": []string{}}
	g := w.guilds[in.guildID]
	m := g.members[in.user.ID]
	p["member"] = invoker{m, in.srv.permissionsIn(g, m, in.channel).String()}
	p["authorizing_integration_owners"] = map[string]string{"0": in.guildID}
	return p
}
