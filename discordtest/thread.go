package discordtest

import (
	"slices"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

// A thread is what a thread has beyond a channel.
type thread struct {
	OwnerID          string         `json:"owner_id"`
	Metadata         threadMetadata `json:"thread_metadata"`
	MessageCount     int            `json:"message_count"`
	TotalMessageSent int            `json:"total_message_sent"`
	MemberCount      int            `json:"member_count"`
	AppliedTags      []string       `json:"applied_tags,omitempty"`

	members []*threadMember // in order of joining
}

type threadMetadata struct {
	Archived         bool   `json:"archived"`
	AutoArchive      int    `json:"auto_archive_duration"`
	ArchiveTimestamp string `json:"archive_timestamp"`
	Locked           bool   `json:"locked"`
	Invitable        *bool  `json:"invitable,omitempty"`
	CreateTimestamp  string `json:"create_timestamp"`
}

type threadMember struct {
	ID       string  `json:"id,omitempty"` // of the thread
	UserID   string  `json:"user_id,omitempty"`
	JoinedAt string  `json:"join_timestamp"`
	Flags    int     `json:"flags"`
	Member   *member `json:"member,omitempty"`
}

const (
	maxActiveThreads   = 1000
	maxArchivedThreads = 1000 // the oldest are forgotten, which Discord does not do
)

// member returns a member of the thread, or nil.
func (t *thread) member(userID string) *threadMember {
	i := slices.IndexFunc(t.members, func(m *threadMember) bool { return m.UserID == userID })
	if i < 0 {
		return nil
	}
	return t.members[i]
}

// threadStart is what starts a thread.
type threadStart struct {
	Name             string                 `json:"name"`
	AutoArchive      *int                   `json:"auto_archive_duration"`
	Type             *discordgo.ChannelType `json:"type"`
	Invitable        *bool                  `json:"invitable"`
	RateLimitPerUser int                    `json:"rate_limit_per_user"`
	AppliedTags      []string               `json:"applied_tags"`
	Message          *draft                 `json:"message"` // of a forum post
}

func (in *threadStart) check() error {
	var f form
	f.text("name", in.Name, 1, 100)
	if in.AutoArchive != nil {
		choices(&f, "auto_archive_duration", *in.AutoArchive, 60, 1440, 4320, 10080)
	}
	f.number("rate_limit_per_user", float64(in.RateLimitPerUser), 0, 21600)
	return f.err()
}

// startThreadLocked makes a thread of a channel, with its owner in it, and tells everybody.
func (s *Server) startThreadLocked(parent *channel, id string, kind discordgo.ChannelType,
	owner string, in *threadStart) *channel {
	now := timestamp(s.nowLocked())
	auto := 1440
	set(&auto, in.AutoArchive)
	c := &channel{
		ID: id, Type: kind, GuildID: parent.GuildID, Name: in.Name, ParentID: &parent.ID,
		RateLimitPerUser: in.RateLimitPerUser,
		thread: &thread{
			OwnerID: owner, AppliedTags: in.AppliedTags,
			Metadata: threadMetadata{AutoArchive: auto, ArchiveTimestamp: now, CreateTimestamp: now},
		},
	}
	if kind == discordgo.ChannelTypeGuildPrivateThread {
		invitable := in.Invitable == nil || *in.Invitable
		c.Metadata.Invitable = &invitable
	}
	g := s.world.guilds[c.GuildID]
	g.threads = append(g.threads, c)
	s.world.channels[c.ID] = c
	s.emitInLocked(c, "THREAD_CREATE", struct {
		*channel
		New bool `json:"newly_created"`
	}{c, true})
	s.enterLocked(c, owner)
	return c
}

// enterLocked adds a member to a thread and tells everybody.
func (s *Server) enterLocked(c *channel, userID string) {
	if c.member(userID) != nil {
		return
	}
	m := &threadMember{ID: c.ID, UserID: userID, JoinedAt: timestamp(s.nowLocked()), Flags: 1}
	c.members = append(c.members, m)
	c.MemberCount = len(c.members)
	with := *m
	with.Member = s.world.guilds[c.GuildID].members[userID]
	s.threadMembersLocked(c, userID, map[string]any{"added_members": []threadMember{with}})
	if userID == s.world.bot.ID {
		s.emitInLocked(c, "THREAD_MEMBER_UPDATE", struct {
			threadMember
			GuildID string `json:"guild_id"`
		}{*m, c.GuildID})
	}
}

// quitLocked takes a member out of a thread and tells everybody.
func (s *Server) quitLocked(c *channel, userID string) {
	if c.member(userID) == nil {
		return
	}
	c.members = slices.DeleteFunc(c.members, func(m *threadMember) bool { return m.UserID == userID })
	c.MemberCount = len(c.members)
	s.threadMembersLocked(c, userID, map[string]any{"removed_member_ids": []string{userID}})
}

// threadMembersLocked dispatches THREAD_MEMBERS_UPDATE. Of others a bot is only told with
// GUILD_MEMBERS.
func (s *Server) threadMembersLocked(c *channel, userID string, event map[string]any) {
	event["id"], event["guild_id"], event["member_count"] = c.ID, c.GuildID, min(c.MemberCount, 50)
	o := outgoing{guildID: c.GuildID, channel: c, typ: "THREAD_MEMBERS_UPDATE", data: marshal(event)}
	if userID != s.world.bot.ID {
		o.also = discordgo.IntentGuildMembers
	}
	s.dispatchLocked(o)
}

// postedLocked notes a message in a thread: it counts, its author joins, an archived thread opens.
func (s *Server) postedLocked(c *channel, m *message) {
	c.MessageCount++
	c.TotalMessageSent++
	if m.WebhookID == "" {
		s.enterLocked(c, m.Author.ID)
	}
	if c.Metadata.Archived {
		s.archiveLocked(c, false)
		s.emitInLocked(c, "THREAD_UPDATE", c)
	}
}

// archiveLocked archives a thread, or opens it again.
func (s *Server) archiveLocked(c *channel, on bool) {
	if c.Metadata.Archived == on {
		return
	}
	c.Metadata.Archived, c.Metadata.ArchiveTimestamp = on, timestamp(s.nowLocked())
	g := s.world.guilds[c.GuildID]
	old := 0
	for _, t := range slices.Backward(g.threads) {
		if !t.Metadata.Archived {
			continue
		}
		if old++; old > maxArchivedThreads {
			g.forget(t)
			delete(s.world.channels, t.ID)
			return
		}
	}
}

func (g *guild) forget(t *channel) {
	g.threads = slices.DeleteFunc(g.threads, func(c *channel) bool { return c == t })
}

// removeThreadLocked deletes a thread and tells everybody.
func (s *Server) removeThreadLocked(c *channel) {
	s.emitInLocked(c, "THREAD_DELETE", map[string]any{
		"id": c.ID, "guild_id": c.GuildID, "parent_id": c.ParentID, "type": c.Type,
	})
	delete(s.world.channels, c.ID)
	s.world.guilds[c.GuildID].forget(c)
}

// activeThreads returns the threads of a guild, or of one of its channels, that are not archived,
// newest first.
func (g *guild) activeThreads(parentID string) []*channel {
	out := []*channel{}
	for _, t := range slices.Backward(g.threads) {
		if !t.Metadata.Archived && (parentID == "" || deref(t.ParentID) == parentID) {
			out = append(out, t)
		}
	}
	return out
}

// StartThread lets a user start a public thread in a channel.
func (s *Server) StartThread(channelID, userID, name string) (*discordgo.Channel, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.world.channel(channelID)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.world.member(c.GuildID, userID); err != nil {
		return nil, err
	}
	const kind = discordgo.ChannelTypeGuildPublicThread
	return s.startThreadLocked(c, s.newIDLocked(), kind, userID, &threadStart{Name: name}).public(), nil
}

// archivedBefore orders archived threads by when they were archived, latest first.
func archivedBefore(threads []*channel, before time.Time, limit int) (page []*channel, more bool) {
	slices.SortStableFunc(threads, func(a, b *channel) int {
		return strings.Compare(b.Metadata.ArchiveTimestamp, a.Metadata.ArchiveTimestamp)
	})
	page = []*channel{}
	for _, t := range threads {
		at, _ := time.Parse(time.RFC3339, t.Metadata.ArchiveTimestamp)
		if !before.IsZero() && !at.Before(before) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, t)
	}
	return page, false
}
