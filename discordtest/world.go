package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"
)

// Errors of methods that name something which does not exist.
var (
	ErrUnknownGuild   = errors.New("discordtest: unknown guild")
	ErrUnknownChannel = errors.New("discordtest: unknown channel")
	ErrUnknownUser    = errors.New("discordtest: unknown user")
	ErrUnknownMember  = errors.New("discordtest: unknown member")
	ErrUnknownMessage = errors.New("discordtest: unknown message")
)

// A world is everything that exists on the server, apart from connections. Server.mu guards it.
type world struct {
	bot          *user
	guilds       map[string]*guild
	order        []string // guild ids in order of creation
	channels     map[string]*channel
	users        map[string]*user
	dms          map[string]*channel     // by the id of the other user
	webhooks     map[string]*webhook     // by id
	interactions map[string]*Interaction // by token
	oldTokens    []string                // tokens of interactions in order of creation
	commands     map[string][]*command   // by guild id, "" for global commands
	invites      map[string]*invite      // by code
	emojis       documents               // of the application
	entitlements documents
	connections  []json.RawMessage // metadata of linked roles
	made         int               // guilds ever made
	people       int               // people ever made
}

// firstGuild is the creation time of the first guild in milliseconds. It is a multiple of 720720,
// the least common multiple of 1 to 16, and the next guild follows a millisecond later: guild i
// belongs to shard i % n.
const firstGuild = 720720 * 150_000 // May 2018

func newWorld(cfg Config) world {
	display := "Testbot"
	w := world{
		bot: &user{
			ID: strconv.FormatUint(snowflakeAt(firstGuild-86_400_000, 3<<17), 10), Username: "testbot",
			GlobalName: &display, Discriminator: "0", Bot: true,
		},
		guilds: make(map[string]*guild), channels: make(map[string]*channel), users: make(map[string]*user),
		dms: make(map[string]*channel), webhooks: make(map[string]*webhook),
		interactions: make(map[string]*Interaction), commands: make(map[string][]*command),
		invites: make(map[string]*invite),
	}
	w.users[w.bot.ID] = w.bot
	for range cfg.Guilds {
		w.addGuild("", cfg.Members, cfg.Channels)
	}
	return w
}

// addGuild makes a guild with people and channels; an empty name is replaced by an invented one.
func (w *world) addGuild(name string, members, channels int) *guild {
	n := w.made
	w.made++
	ms := uint64(firstGuild + n)
	if name == "" {
		name = pick(guildNames, n, " ")
	}
	born := time.UnixMilli(int64(ms) + discordEpoch)
	g := &guild{
		id: strconv.FormatUint(snowflakeAt(ms, 0), 10), name: name, joinedAt: timestamp(born.Add(time.Hour)),
		members: make(map[string]*member, members+1), presences: make(map[string]*presence),
		voice: make(map[string]*voiceState), bans: make(map[string]*ban),
		settings: guildSettings{AFKTimeout: 300, PreferredLocale: "en-US"},
	}
	w.addRoles(g, ms)
	g.add(w.bot, born.Add(time.Hour)).Roles = []string{g.roles[len(g.roles)-1].ID}
	for i := range members {
		u := w.newPerson()
		g.add(u, born.Add(time.Duration(i+2)*time.Hour))
		if i == 0 {
			g.ownerID = u.ID
		}
	}
	for i := range channels {
		w.addChannel(g, snowflakeAt(ms, uint64(10+i)), pick(channelNames, i, "-"), discordgo.ChannelTypeGuildText)
	}
	w.addChannel(g, snowflakeAt(ms, uint64(10+channels)), "Lounge", discordgo.ChannelTypeGuildVoice)
	w.guilds[g.id] = g
	w.order = append(w.order, g.id)
	return g
}

// addRoles makes the roles of a new guild; the last one is the bot's.
func (w *world) addRoles(g *guild, ms uint64) {
	g.roles = []*role{{ID: g.id, Name: "@everyone", Permissions: everyonePermissions.String()}}
	for i, r := range []role{
		{Name: "Moderator", Hoist: true, Position: 3, Permissions: "1099511627775"},
		{Name: "Regular", Position: 1, Permissions: everyonePermissions.String()},
		{
			Name: deref(w.bot.GlobalName), Position: 2, Permissions: botPermissions.String(), Managed: true,
			Tags: &tags{w.bot.ID},
		},
	} {
		r.ID, r.Color = strconv.FormatUint(snowflakeAt(ms, uint64(i+1)), 10), 0x3498db+i
		g.roles = append(g.roles, &r)
	}
}

func (w *world) newPerson() *user {
	u := newUser(w.people)
	w.people++
	w.users[u.ID] = u
	return u
}

func (w *world) addChannel(g *guild, id uint64, name string, kind discordgo.ChannelType) *channel {
	c := &channel{
		ID: strconv.FormatUint(id, 10), Type: kind, GuildID: g.id, Name: name, Position: len(g.channels),
		PermissionOverwrites: []overwrite{},
	}
	if kind == discordgo.ChannelTypeGuildVoice {
		c.Bitrate = 64_000
	}
	g.channels = append(g.channels, c)
	w.channels[c.ID] = c
	return c
}

func (w *world) guild(id string) (*guild, error) {
	if g := w.guilds[id]; g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownGuild, id)
}

func (w *world) channel(id string) (*channel, error) {
	if c := w.channels[id]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownChannel, id)
}

func (w *world) user(id string) (*user, error) {
	if u := w.users[id]; u != nil {
		return u, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownUser, id)
}

func (w *world) member(guildID, userID string) (*guild, *member, error) {
	g, err := w.guild(guildID)
	if err != nil {
		return nil, nil, err
	}
	if m := g.members[userID]; m != nil {
		return g, m, nil
	}
	return nil, nil, fmt.Errorf("%w %q of guild %s", ErrUnknownMember, userID, guildID)
}

func (w *world) message(channelID, messageID string) (*channel, *message, error) {
	c, err := w.channel(channelID)
	if err != nil {
		return nil, nil, err
	}
	if m := c.message(messageID); m != nil {
		return c, m, nil
	}
	return nil, nil, fmt.Errorf("%w %q in channel %s", ErrUnknownMessage, messageID, channelID)
}

// mustBeIn returns the author's member in the channel's guild, nil in a DM, and an error if the
// author is in neither.
func (w *world) mustBeIn(c *channel, userID string) (*member, error) {
	if c.GuildID != "" {
		_, m, err := w.member(c.GuildID, userID)
		return m, err
	}
	if userID == w.bot.ID {
		return nil, nil
	}
	for _, u := range c.Recipients {
		if u.ID == userID {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("%w %q in channel %s", ErrUnknownMember, userID, c.ID)
}

// dm returns the DM channel between the bot and a user, made on first use.
func (w *world) dm(u *user, id func() string) *channel {
	if c := w.dms[u.ID]; c != nil {
		return c
	}
	c := &channel{ID: id(), Type: discordgo.ChannelTypeDM, Recipients: []*user{u}}
	w.dms[u.ID] = c
	w.channels[c.ID] = c
	return c
}

// Guilds returns the bot's guilds in order of creation. The snapshot copies every member and
// channel: keep it, rather than call Guilds in a loop.
func (s *Server) Guilds() []Guild {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Guild, 0, len(s.world.order))
	for _, id := range s.world.order {
		out = append(out, s.world.guilds[id].public(s.world.bot.ID))
	}
	return out
}

// Guild returns one guild, or [ErrUnknownGuild].
func (s *Server) Guild(id string) (Guild, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.world.guild(id)
	if err != nil {
		return Guild{}, err
	}
	return g.public(s.world.bot.ID), nil
}

// Bot returns the bot's user. Its application has the same id.
func (s *Server) Bot() *discordgo.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.bot.public()
}

// Messages returns the messages of a channel, oldest first, ephemeral ones included; none for an
// unknown channel.
func (s *Server) Messages(channelID string) []*discordgo.Message {
	s.mu.Lock()
	c := s.world.channels[channelID]
	if c == nil {
		s.mu.Unlock()
		return nil
	}
	guildID, copies := c.GuildID, make([]message, len(c.messages))
	for i, m := range c.messages {
		copies[i] = m.clone()
	}
	s.mu.Unlock()
	out := make([]*discordgo.Message, len(copies))
	for i := range copies {
		out[i] = copies[i].public(guildID)
	}
	return out
}
