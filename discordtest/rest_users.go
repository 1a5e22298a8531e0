package discordtest

import "slices"

func userRoutes(r router) {
	r.on("GET", "/users/@me", (*exchange).getMe)
	r.on("PATCH", "/users/@me", (*exchange).patchMe)
	r.on("GET", "/users/@me/guilds", (*exchange).listMyGuilds)
	r.on("DELETE", "/users/@me/guilds/{guild}", (*exchange).leaveGuild)
	r.on("POST", "/users/@me/channels", (*exchange).createDM)
	r.on("GET", "/users/{user}", (*exchange).getUser)
	// What only people may do, with a token of their own.
	r.on("GET", "/users/@me/connections", (*exchange).notForBots)
	r.on("GET", "/users/@me/guilds/{guild}/member", (*exchange).notForBots)
	r.on("GET", "/users/@me/applications/{application}/role-connection", (*exchange).notForBots)
	r.on("PUT", "/users/@me/applications/{application}/role-connection", (*exchange).notForBots)
}

// me is a user as its owner sees it.
type me struct {
	*user
	Verified   bool    `json:"verified"`
	MFAEnabled bool    `json:"mfa_enabled"`
	Locale     string  `json:"locale"`
	Email      *string `json:"email"`
}

func (x *exchange) getMe() (any, error) {
	return me{user: x.world.bot, Verified: true, MFAEnabled: true, Locale: "en-US"}, nil
}

func (x *exchange) patchMe() (any, error) {
	var in struct {
		Username string  `json:"username"`
		Avatar   *string `json:"avatar"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if n := len(in.Username); n > 0 && (n < 2 || n > 32) {
		return nil, formError("username", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 32 in length.")
	}
	bot := *x.world.bot // users are shared with messages: replace, do not change
	if in.Username != "" {
		bot.Username, bot.GlobalName = in.Username, &in.Username
	}
	x.world.bot, x.world.users[bot.ID] = &bot, &bot
	for _, g := range x.world.guilds {
		m := *g.members[bot.ID]
		m.User = &bot
		g.members[bot.ID] = &m
	}
	x.emitLocked("", "USER_UPDATE", &bot)
	return x.getMe()
}

func (x *exchange) getUser() (any, error) {
	u := x.world.users[x.params["user"]]
	if u == nil {
		return nil, errUnknownUser
	}
	return u, nil
}

func (x *exchange) listMyGuilds() (any, error) {
	q, limit := x.req.URL.Query(), x.number("limit", 200, 1, 200)
	after, before := q.Get("after"), q.Get("before")
	out := []map[string]any{}
	for _, id := range x.world.order {
		if (after != "" && compareIDs(id, after) <= 0) || (before != "" && compareIDs(id, before) >= 0) {
			continue
		}
		if len(out) == limit {
			break
		}
		g := x.world.guilds[id]
		out = append(out, map[string]any{
			"id": id, "name": g.name, "icon": nil, "owner": false, "features": []string{},
			"permissions": x.botMay(g).String(), "approximate_member_count": len(g.order),
		})
	}
	return out, nil
}

func (x *exchange) notForBots() (any, error) {
	return nil, &apiError{403, 20001, "Bots cannot use this endpoint", nil}
}

func (x *exchange) leaveGuild() (any, error) {
	g := x.world.guilds[x.params["guild"]]
	if g == nil {
		return nil, errUnknownGuild
	}
	x.removeGuildLocked(g)
	return nil, nil
}

func (x *exchange) createDM() (any, error) {
	var in struct {
		RecipientID string `json:"recipient_id"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	u := x.world.users[in.RecipientID]
	if u == nil || u.ID == x.world.bot.ID {
		return nil, &apiError{400, 50033, "Invalid Recipient(s)", nil}
	}
	return x.world.dm(u, x.newIDLocked), nil
}

// message returns the channel and message of the path.
func (x *exchange) message() (*channel, *message, error) {
	c, err := x.channel()
	if err != nil {
		return nil, nil, err
	}
	m := c.message(x.params["message"])
	if m == nil || m.ephemeral() {
		return nil, nil, errUnknownMessage
	}
	return c, m, nil
}

// userID returns the user of the path; "@me" is the bot.
func (x *exchange) userID() string {
	if id := x.params["user"]; id != "@me" {
		return id
	}
	return x.world.bot.ID
}

// member returns the guild and member of the path.
func (x *exchange) member() (*guild, *member, error) {
	g, err := x.guild()
	if err != nil {
		return nil, nil, err
	}
	m := g.members[x.userID()]
	if m == nil {
		return nil, nil, errUnknownMember
	}
	return g, m, nil
}

// replaceMemberLocked publishes a changed copy of a member: members are shared with messages, so
// they are never changed.
func (s *Server) replaceMemberLocked(g *guild, m *member) {
	g.members[m.User.ID] = m
	type withGuild struct {
		*member
		GuildID string `json:"guild_id"`
	}
	s.dispatchLocked(outgoing{
		guildID: g.id, typ: "GUILD_MEMBER_UPDATE", data: marshal(withGuild{m, g.id}),
		anyway: m.User.ID == s.world.bot.ID, // about itself a bot is always told
	})
}

// withRole returns a copy of m with or without a role.
func (m *member) withRole(id string, on bool) *member {
	out := *m
	out.Roles = slices.DeleteFunc(slices.Clone(m.Roles), func(r string) bool { return r == id })
	if on {
		out.Roles = append(out.Roles, id)
	}
	return &out
}
