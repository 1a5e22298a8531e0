package discordtest

import (
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"
)

func threadRoutes(r router) {
	const channel = "/channels/{channel}"
	r.on("POST", channel+"/threads", (*exchange).startThread)
	r.on("POST", channel+"/messages/{message}/threads", (*exchange).startThreadOnMessage,
		discordgo.PermissionCreatePublicThreads)
	r.on("GET", channel+"/threads/active", (*exchange).listChannelThreads)
	r.on("GET", channel+"/threads/archived/public", (*exchange).listArchived,
		discordgo.PermissionReadMessageHistory)
	r.on("GET", channel+"/threads/archived/private", (*exchange).listArchivedPrivate,
		discordgo.PermissionReadMessageHistory, discordgo.PermissionManageThreads)
	r.on("GET", channel+"/users/@me/threads/archived/private", (*exchange).listArchivedJoined,
		discordgo.PermissionReadMessageHistory)
	r.on("GET", "/guilds/{guild}/threads/active", (*exchange).listGuildThreads)

	const members = channel + "/thread-members"
	r.on("GET", members, (*exchange).listThreadMembers)
	r.on("GET", members+"/{user}", (*exchange).getThreadMember)
	r.on("PUT", members+"/{user}", (*exchange).addThreadMember)
	r.on("DELETE", members+"/{user}", (*exchange).removeThreadMember)
}

var (
	errWrongChannel   = &apiError{400, 50024, "Cannot execute action on this channel type", nil}
	errArchived       = &apiError{400, 50083, "Thread is archived", nil}
	errTooManyThreads = &apiError{400, 160006, "Maximum number of active threads reached", nil}
	errThreadExists   = &apiError{400, 160004, "A thread has already been created for this message", nil}
)

// startThread makes a thread without a message, or a post of a forum.
func (x *exchange) startThread() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	in, err := x.threadStart(c)
	if err != nil {
		return nil, err
	}
	kind := discordgo.ChannelTypeGuildPrivateThread
	set(&kind, in.Type)
	switch c.Type {
	case discordgo.ChannelTypeGuildForum, discordgo.ChannelTypeGuildMedia:
		return x.postInForum(c, in)
	case discordgo.ChannelTypeGuildText:
	case discordgo.ChannelTypeGuildNews:
		kind = discordgo.ChannelTypeGuildNewsThread
	default:
		return nil, errWrongChannel
	}
	var f form
	choices(&f, "type", kind, discordgo.ChannelTypeGuildNewsThread, discordgo.ChannelTypeGuildPublicThread,
		discordgo.ChannelTypeGuildPrivateThread)
	if err := f.err(); err != nil {
		return nil, err
	}
	need := permissions(discordgo.PermissionCreatePublicThreads)
	if kind == discordgo.ChannelTypeGuildPrivateThread {
		need = discordgo.PermissionCreatePrivateThreads
	}
	if err := x.mayIn(c, need); err != nil {
		return nil, err
	}
	return created{x.startThreadLocked(c, x.newIDLocked(), kind, x.world.bot.ID, in)}, nil
}

// threadStart reads the body and checks that the channel can have another thread.
func (x *exchange) threadStart(c *channel) (*threadStart, error) {
	in := new(threadStart)
	if err := x.decode(in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	g := x.world.guilds[c.GuildID]
	if g == nil || c.isThread() {
		return nil, errWrongChannel
	}
	if len(g.activeThreads("")) >= maxActiveThreads {
		return nil, errTooManyThreads
	}
	return in, nil
}

// postInForum makes a thread whose first message has the same id.
func (x *exchange) postInForum(c *channel, in *threadStart) (any, error) {
	if err := x.mayIn(c, discordgo.PermissionSendMessages); err != nil {
		return nil, err
	}
	if in.Message == nil {
		return nil, formError("message", "BASE_TYPE_REQUIRED", "This field is required")
	}
	in.Message.files = x.files
	if err := in.Message.check(); err != nil {
		return nil, err
	}
	if in.Message.empty() {
		return nil, errEmptyMessage
	}
	const kind = discordgo.ChannelTypeGuildPublicThread
	t := x.startThreadLocked(c, x.newIDLocked(), kind, x.world.bot.ID, in)
	m := x.newMessageLocked(t, x.world.bot, in.Message)
	m.ID = t.ID
	x.postLocked(t, m)
	t.MessageCount = 0 // the first message does not count
	return created{struct {
		*channel
		Message *message `json:"message"`
	}{t, m}}, nil
}

func (x *exchange) startThreadOnMessage() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	in, err := x.threadStart(c)
	if err != nil {
		return nil, err
	}
	kind := discordgo.ChannelTypeGuildPublicThread
	switch c.Type {
	case discordgo.ChannelTypeGuildText:
	case discordgo.ChannelTypeGuildNews:
		kind = discordgo.ChannelTypeGuildNewsThread
	default:
		return nil, errWrongChannel
	}
	if x.world.channels[m.ID] != nil {
		return nil, errThreadExists
	}
	t := x.startThreadLocked(c, m.ID, kind, x.world.bot.ID, in)
	m.Flags |= flagHasThread
	m.Thread = t
	x.publishLocked("MESSAGE_UPDATE", c, m)
	return created{t}, nil
}

// threadPage is what is sent for a list of threads: with them, where the bot is a member.
func (x *exchange) threadPage(threads []*channel) map[string]any {
	seen := slices.DeleteFunc(slices.Clone(threads), func(t *channel) bool {
		return !x.botIn(t).has(discordgo.PermissionViewChannel)
	})
	members := []*threadMember{}
	for _, t := range seen {
		if m := t.member(x.world.bot.ID); m != nil {
			members = append(members, m)
		}
	}
	return map[string]any{"threads": seen, "members": members}
}

func (x *exchange) listGuildThreads() (any, error) {
	g, err := x.guild()
	if err != nil {
		return nil, err
	}
	return x.threadPage(g.activeThreads("")), nil
}

// listChannelThreads is gone from API version 10, but discordgo speaks 9.
func (x *exchange) listChannelThreads() (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	g := x.world.guilds[c.GuildID]
	if g == nil {
		return nil, errWrongChannel
	}
	page := x.threadPage(g.activeThreads(c.ID))
	page["has_more"] = false
	return page, nil
}

func (x *exchange) listArchived() (any, error) {
	return x.archivedThreads(func(t *channel) bool { return t.Type != discordgo.ChannelTypeGuildPrivateThread })
}

func (x *exchange) listArchivedPrivate() (any, error) {
	return x.archivedThreads(func(t *channel) bool { return t.Type == discordgo.ChannelTypeGuildPrivateThread })
}

func (x *exchange) listArchivedJoined() (any, error) {
	return x.archivedThreads(func(t *channel) bool {
		return t.Type == discordgo.ChannelTypeGuildPrivateThread && t.member(x.world.bot.ID) != nil
	})
}

func (x *exchange) archivedThreads(want func(*channel) bool) (any, error) {
	c, err := x.channel()
	if err != nil {
		return nil, err
	}
	g := x.world.guilds[c.GuildID]
	if g == nil {
		return nil, errWrongChannel
	}
	found := []*channel{}
	for _, t := range g.threads {
		if t.Metadata.Archived && deref(t.ParentID) == c.ID && want(t) {
			found = append(found, t)
		}
	}
	before, _ := time.Parse(time.RFC3339, x.req.URL.Query().Get("before"))
	found, more := archivedBefore(found, before, x.number("limit", 50, 2, 100))
	page := x.threadPage(found)
	page["has_more"] = more
	return page, nil
}

// thread returns the thread of the path.
func (x *exchange) thread() (*channel, error) {
	c, err := x.channel()
	if err == nil && !c.isThread() {
		err = errWrongChannel
	}
	return c, err
}

func (x *exchange) listThreadMembers() (any, error) {
	c, err := x.thread()
	if err != nil {
		return nil, err
	}
	if err := x.mayListMembers(); err != nil {
		return nil, err
	}
	q := x.req.URL.Query()
	limit, after := x.number("limit", 100, 1, 100), q.Get("after")
	out := []*threadMember{}
	for _, m := range slices.SortedFunc(slices.Values(c.members), func(a, b *threadMember) int {
		return compareIDs(a.UserID, b.UserID)
	}) {
		if len(out) < limit && (after == "" || compareIDs(m.UserID, after) > 0) {
			out = append(out, x.shownMember(c, m))
		}
	}
	return out, nil
}

// shownMember adds the guild's member if the query asks for it.
func (x *exchange) shownMember(c *channel, m *threadMember) *threadMember {
	if x.req.URL.Query().Get("with_member") != "true" {
		return m
	}
	with := *m
	with.Member = x.world.guilds[c.GuildID].members[m.UserID]
	return &with
}

func (x *exchange) getThreadMember() (any, error) {
	c, err := x.thread()
	if err != nil {
		return nil, err
	}
	m := c.member(x.userID())
	if m == nil {
		return nil, errUnknownMember
	}
	return x.shownMember(c, m), nil
}

func (x *exchange) addThreadMember() (any, error) {
	c, err := x.thread()
	if err != nil {
		return nil, err
	}
	id := x.userID()
	switch {
	case c.Metadata.Archived:
		return nil, errArchived
	case x.world.guilds[c.GuildID].members[id] == nil:
		return nil, errUnknownMember
	case id != x.world.bot.ID:
		if err := x.mayIn(c, discordgo.PermissionSendMessages); err != nil {
			return nil, err
		}
	}
	x.enterLocked(c, id)
	return nil, nil
}

func (x *exchange) removeThreadMember() (any, error) {
	c, err := x.thread()
	if err != nil {
		return nil, err
	}
	id := x.userID()
	own := c.OwnerID == x.world.bot.ID && c.Type == discordgo.ChannelTypeGuildPrivateThread
	if id != x.world.bot.ID && !own {
		if err := x.mayIn(c, discordgo.PermissionManageThreads); err != nil {
			return nil, err
		}
	}
	if c.Metadata.Archived {
		return nil, errArchived
	}
	x.quitLocked(c, id)
	return nil, nil
}
