package discordtest

import (
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"
)

func reactionRoutes(r router) {
	const reactions = "/channels/{channel}/messages/{message}/reactions"
	const history, manage = discordgo.PermissionReadMessageHistory, discordgo.PermissionManageMessages
	r.on("PUT", reactions+"/{emoji}/{user}", (*exchange).addReaction, history).limited(limitReactions)
	r.on("DELETE", reactions+"/{emoji}/{user}", (*exchange).removeReaction).limited(limitReactions)
	r.on("DELETE", reactions+"/{emoji}", (*exchange).removeEmoji, manage).limited(limitReactions)
	r.on("DELETE", reactions, (*exchange).removeAllReactions, manage).limited(limitReactions)
	r.on("GET", reactions+"/{emoji}", (*exchange).listReactions, history)
}

// parseEmoji reads an emoji of a path: a character, or name:id of a custom one.
func parseEmoji(s string) (emoji, error) {
	name, id, custom := strings.Cut(s, ":")
	switch {
	case custom && id != "" && name != "":
		return emoji{ID: &id, Name: name}, nil
	case custom || s == "":
		return emoji{}, errUnknownEmoji
	case s[0] < 0x80 && !strings.ContainsRune(s, '\u20e3'): // letters; but a keycap starts with a digit
		return emoji{}, errUnknownEmoji
	}
	return emoji{Name: s}, nil
}

func (e emoji) same(o emoji) bool {
	return deref(e.ID) == deref(o.ID) && (e.ID != nil || e.Name == o.Name)
}

// maxReactions is how many different emojis a message can have.
const maxReactions = 20

func (x *exchange) addReaction() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	e, err := parseEmoji(x.params["emoji"])
	if err != nil {
		return nil, err
	}
	if x.params["user"] != "@me" {
		return nil, errNotFound
	}
	if m.reaction(e) == nil { // joining in needs no permission
		if err := x.mayIn(c, discordgo.PermissionAddReactions); err != nil {
			return nil, err
		}
		if len(m.Reactions) >= maxReactions {
			return nil, &apiError{400, 30010, "Maximum number of reactions reached (20)", nil}
		}
	}
	if e.ID != nil && !x.knowsEmoji(*e.ID) {
		return nil, errUnknownEmoji
	}
	x.reactLocked(c, m, x.world.bot.ID, e)
	return nil, nil
}

// reactLocked adds a user's reaction; a second one changes nothing.
func (s *Server) reactLocked(c *channel, m *message, userID string, e emoji) {
	r := m.reaction(e)
	if r == nil {
		r = &reaction{Emoji: e}
		m.Reactions = append(slices.Clip(m.Reactions), r)
	}
	if slices.Contains(r.users, userID) {
		return
	}
	r.users = append(r.users, userID)
	r.Count++
	r.Me = r.Me || userID == s.world.bot.ID
	event := reactionEvent(c, m, userID, e)
	event["message_author_id"] = m.Author.ID
	if g := s.world.guilds[c.GuildID]; g != nil {
		event["member"] = g.members[userID]
	}
	s.emitInLocked(c, "MESSAGE_REACTION_ADD", event)
}

func reactionEvent(c *channel, m *message, userID string, e emoji) map[string]any {
	return inGuild(c, map[string]any{
		"user_id": userID, "channel_id": c.ID, "message_id": m.ID, "emoji": e, "burst": false, "type": 0,
	})
}

func (m *message) reaction(e emoji) *reaction {
	for _, r := range m.Reactions {
		if r.Emoji.same(e) {
			return r
		}
	}
	return nil
}

func (m *message) dropReaction(e emoji) {
	m.Reactions = slices.DeleteFunc(slices.Clone(m.Reactions), func(r *reaction) bool {
		return r.Emoji.same(e)
	})
}

func (x *exchange) removeReaction() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	e, err := parseEmoji(x.params["emoji"])
	if err != nil {
		return nil, err
	}
	if x.userID() != x.world.bot.ID {
		if err := x.mayIn(c, discordgo.PermissionManageMessages); err != nil {
			return nil, err
		}
	}
	x.unreactLocked(c, m, x.userID(), e)
	return nil, nil
}

// unreactLocked takes a user's reaction back.
func (s *Server) unreactLocked(c *channel, m *message, userID string, e emoji) {
	r := m.reaction(e)
	if r == nil || !slices.Contains(r.users, userID) {
		return
	}
	r.users = slices.DeleteFunc(r.users, func(id string) bool { return id == userID })
	r.Count--
	r.Me = slices.Contains(r.users, s.world.bot.ID)
	if r.Count == 0 {
		m.dropReaction(e)
	}
	s.emitInLocked(c, "MESSAGE_REACTION_REMOVE", reactionEvent(c, m, userID, e))
}

func (x *exchange) removeEmoji() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	e, err := parseEmoji(x.params["emoji"])
	if err != nil {
		return nil, err
	}
	m.dropReaction(e)
	x.emitInLocked(c, "MESSAGE_REACTION_REMOVE_EMOJI",
		inGuild(c, map[string]any{"channel_id": c.ID, "message_id": m.ID, "emoji": e}))
	return nil, nil
}

func (x *exchange) removeAllReactions() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	m.Reactions = nil
	x.emitInLocked(c, "MESSAGE_REACTION_REMOVE_ALL",
		inGuild(c, map[string]any{"channel_id": c.ID, "message_id": m.ID}))
	return nil, nil
}

func (x *exchange) listReactions() (any, error) {
	_, m, err := x.message()
	if err != nil {
		return nil, err
	}
	e, err := parseEmoji(x.params["emoji"])
	if err != nil {
		return nil, err
	}
	users := []*user{}
	if r := m.reaction(e); r != nil {
		limit, after := x.number("limit", 25, 1, 100), x.req.URL.Query().Get("after")
		for _, id := range slices.SortedFunc(slices.Values(r.users), compareIDs) {
			if len(users) < limit && (after == "" || compareIDs(id, after) > 0) {
				users = append(users, x.world.users[id])
			}
		}
	}
	return users, nil
}
