package discordtest

import (
	"slices"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"
)

// A Guild is a snapshot of one guild. Changing it changes nothing in the server.
type Guild struct {
	ID, Name string
	// OwnerID is the id of the first of Members.
	OwnerID string
	// Unavailable is whether the guild is in an outage, see [Server.SetUnavailable].
	Unavailable bool
	// Channels are the text channels and whatever else was made, VoiceChannels the voice channels.
	Channels, VoiceChannels []*discordgo.Channel
	// Threads are those of all channels, archived ones included, in order of creation.
	Threads []*discordgo.Channel
	// Members are the people in the guild. The bot is a member too, but is not listed.
	Members []*discordgo.Member
	// Roles starts with @everyone, whose id is the guild's. In a new guild Moderator, Regular and
	// the bot's own role follow; from the top Moderator, the bot's, Regular. Nobody else has a role.
	Roles []*discordgo.Role
}

// a guild is the server's own state of a guild.
type guild struct {
	id, name, ownerID string
	unavailable       bool
	joinedAt          string
	channels          []*channel
	roles             []*role
	members           map[string]*member
	order             []string // ids of members in order of joining; the bot is the first
	presences         map[string]*presence
	voice             map[string]*voiceState
	bans              map[string]*ban
	threads           []*channel // in order of creation
	audit             []*auditEntry
	emojis, stickers  documents
	events            documents // scheduled
	stages            documents
	rules             documents // of AutoMod
	template          document
	permits           []*commandPermits
	settings          guildSettings
	widget            document
	onboarding        document
}

type role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Color       int    `json:"color"`
	Hoist       bool   `json:"hoist"`
	Position    int    `json:"position"`
	Permissions string `json:"permissions"`
	Managed     bool   `json:"managed"`
	Mentionable bool   `json:"mentionable"`
	Flags       int    `json:"flags"`
	Tags        *tags  `json:"tags,omitempty"` // of the role that a bot brings along
}

type tags struct {
	BotID string `json:"bot_id"`
}

func (r *role) public() *discordgo.Role {
	permissions, _ := strconv.ParseInt(r.Permissions, 10, 64)
	return &discordgo.Role{
		ID: r.ID, Name: r.Name, Color: r.Color, Hoist: r.Hoist, Position: r.Position,
		Permissions: permissions, Managed: r.Managed, Mentionable: r.Mentionable,
	}
}

type ban struct {
	Reason *string `json:"reason"`
	User   *user   `json:"user"`
}

// guildCreate is the data of GUILD_CREATE.
type guildCreate struct {
	guildObject
	JoinedAt    string        `json:"joined_at"`
	Large       bool          `json:"large"`
	Unavailable bool          `json:"unavailable"`
	MemberCount int           `json:"member_count"`
	VoiceStates []*voiceState `json:"voice_states"`
	Members     []*member     `json:"members"`
	Channels    []*channel    `json:"channels"`
	Threads     []*channel    `json:"threads"`
	Presences   []*presence   `json:"presences"`
	Stages      []document    `json:"stage_instances"`
	Events      []document    `json:"guild_scheduled_events"`
	Sounds      []struct{}    `json:"soundboard_sounds"`
}

// guildObject is a guild as REST and GUILD_UPDATE send it.
type guildObject struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	OwnerID string `json:"owner_id"`
	guildSettings
	Roles       []*role    `json:"roles"`
	Emojis      []document `json:"emojis"`
	Stickers    []document `json:"stickers"`
	Features    []string   `json:"features"`
	MFALevel    int        `json:"mfa_level"`
	MaxMembers  int        `json:"max_members"`
	PremiumTier int        `json:"premium_tier"`
	NSFWLevel   int        `json:"nsfw_level"`
}

// guildSettings are those of a guild's settings that only are stored.
type guildSettings struct {
	Icon              *string `json:"icon"`
	Description       *string `json:"description"`
	AFKChannelID      *string `json:"afk_channel_id"`
	AFKTimeout        int     `json:"afk_timeout"`
	VerificationLevel int     `json:"verification_level"`
	DefaultNotify     int     `json:"default_message_notifications"`
	ContentFilter     int     `json:"explicit_content_filter"`
	SystemChannelID   *string `json:"system_channel_id"`
	PreferredLocale   string  `json:"preferred_locale"`
}

func (g *guild) object() guildObject {
	return guildObject{
		ID: g.id, Name: g.name, OwnerID: g.ownerID, guildSettings: g.settings, Roles: g.roles,
		Emojis: g.emojis.list(), Stickers: g.stickers.list(), Features: []string{}, MaxMembers: 500_000,
	}
}

// create returns the GUILD_CREATE that a session with the given intents gets: without
// GUILD_PRESENCES only the bot and the members in voice channels are listed.
func (g *guild) create(botID string, intents discordgo.Intent, largeThreshold int) guildCreate {
	all := intents&discordgo.IntentGuildPresences != 0
	out := guildCreate{
		guildObject: g.object(), JoinedAt: g.joinedAt, Large: len(g.order) > largeThreshold, MemberCount: len(g.order),
		VoiceStates: []*voiceState{}, Members: []*member{}, Channels: g.channels, Threads: g.activeThreads(""),
		Presences: []*presence{}, Stages: g.stages.list(), Events: g.events.list(), Sounds: []struct{}{},
	}
	for _, id := range g.order {
		if all || id == botID || g.voice[id] != nil {
			out.Members = append(out.Members, g.members[id])
		}
		if v := g.voice[id]; v != nil {
			bare := *v
			bare.GuildID, bare.Member = "", nil
			out.VoiceStates = append(out.VoiceStates, &bare)
		}
		if p := g.presences[id]; p != nil && all {
			out.Presences = append(out.Presences, p)
		}
	}
	return out
}

// add puts a user into the guild.
func (g *guild) add(u *user, joined time.Time) *member {
	m := &member{User: u, Roles: []string{}, JoinedAt: timestamp(joined)}
	g.members[u.ID] = m
	g.order = append(g.order, u.ID)
	return m
}

// remove takes a user out of the guild.
func (g *guild) remove(userID string) {
	delete(g.members, userID)
	delete(g.presences, userID)
	delete(g.voice, userID)
	g.order = slices.DeleteFunc(g.order, func(id string) bool { return id == userID })
}

func (g *guild) role(id string) *role {
	for _, r := range g.roles {
		if r.ID == id {
			return r
		}
	}
	return nil
}

func (g *guild) public(botID string) Guild {
	out := Guild{ID: g.id, Name: g.name, OwnerID: g.ownerID, Unavailable: g.unavailable}
	for _, c := range g.channels {
		if c.Type == discordgo.ChannelTypeGuildVoice {
			out.VoiceChannels = append(out.VoiceChannels, c.public())
		} else {
			out.Channels = append(out.Channels, c.public())
		}
	}
	for _, t := range g.threads {
		out.Threads = append(out.Threads, t.public())
	}
	for _, id := range g.order {
		if id != botID {
			out.Members = append(out.Members, g.members[id].public(g.id))
		}
	}
	for _, r := range g.roles {
		out.Roles = append(out.Roles, r.public())
	}
	return out
}
