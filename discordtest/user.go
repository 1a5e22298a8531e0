package discordtest

import (
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"
)

// A user is a person or a bot, in the form in which Discord sends it.
type user struct {
	ID            string  `json:"id"`
	Username      string  `json:"username"`
	GlobalName    *string `json:"global_name"`
	Discriminator string  `json:"discriminator"`
	Avatar        *string `json:"avatar"`
	Bot           bool    `json:"bot,omitempty"`
	PublicFlags   int     `json:"public_flags"`
}

// newUser returns person number i. People made their accounts in 2018, one a minute.
func newUser(i int) *user {
	name, display := personName(i)
	ms := uint64(time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()-discordEpoch) + uint64(i)*60_000
	return &user{
		ID:       strconv.FormatUint(snowflakeAt(ms, 1<<17), 10),
		Username: name, GlobalName: &display, Discriminator: "0",
	}
}

func (u *user) public() *discordgo.User {
	return &discordgo.User{
		ID: u.ID, Username: u.Username, GlobalName: deref(u.GlobalName), Discriminator: u.Discriminator,
		Avatar: deref(u.Avatar), Bot: u.Bot, PublicFlags: discordgo.UserFlags(u.PublicFlags),
	}
}

// A member is a user in a guild. In MESSAGE_CREATE and the like it is sent without its user.
type member struct {
	User         *user    `json:"user,omitempty"`
	Nick         *string  `json:"nick"`
	Avatar       *string  `json:"avatar"`
	Roles        []string `json:"roles"`
	JoinedAt     string   `json:"joined_at"`
	PremiumSince *string  `json:"premium_since"`
	Deaf         bool     `json:"deaf"`
	Mute         bool     `json:"mute"`
	Pending      bool     `json:"pending"`
	Flags        int      `json:"flags"`
	TimeoutUntil *string  `json:"communication_disabled_until"`
}

// bare returns m without its user.
func (m *member) bare() *member {
	b := *m
	b.User = nil
	return &b
}

func (m *member) public(guildID string) *discordgo.Member {
	joined, _ := time.Parse(time.RFC3339, m.JoinedAt)
	return &discordgo.Member{
		GuildID: guildID, User: m.User.public(), Nick: deref(m.Nick), JoinedAt: joined,
		Roles: append([]string{}, m.Roles...), Deaf: m.Deaf, Mute: m.Mute, Pending: m.Pending,
		CommunicationDisabledUntil: parseTime(m.TimeoutUntil),
	}
}

// timedOut reports whether the member may not speak at the moment.
func (m *member) timedOut(now time.Time) bool {
	until := parseTime(m.TimeoutUntil)
	return until != nil && now.Before(*until)
}

// A presence is what a user's status looks like in one guild.
type presence struct {
	User struct {
		ID string `json:"id"`
	} `json:"user"`
	GuildID      string            `json:"guild_id"`
	Status       string            `json:"status"`
	Activities   []activity        `json:"activities"`
	ClientStatus map[string]string `json:"client_status"`
}

type activity struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Type      int    `json:"type"`
	CreatedAt int64  `json:"created_at"`
}

// A voiceState is a user in a voice channel; a nil channel means that the user left.
type voiceState struct {
	GuildID   string  `json:"guild_id,omitempty"`
	ChannelID *string `json:"channel_id"`
	UserID    string  `json:"user_id"`
	Member    *member `json:"member,omitempty"`
	SessionID string  `json:"session_id"`
	Deaf      bool    `json:"deaf"`
	Mute      bool    `json:"mute"`
	SelfDeaf  bool    `json:"self_deaf"`
	SelfMute  bool    `json:"self_mute"`
	SelfVideo bool    `json:"self_video"`
	Suppress  bool    `json:"suppress"`
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// orNil returns nil for "", which Discord sends as null.
func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// timestamp formats t the way Discord does.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }

func parseTime(s *string) *time.Time {
	if s == nil {
		return nil
	}
	t, err := time.Parse(time.RFC3339, *s)
	if err != nil {
		return nil
	}
	return &t
}
