package botwright

import (
	"fmt"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/metrics"
	"github.com/botwright/botwright/internal/state"
)

// NoLimit disables a limit.
const NoLimit = -1

// A StatePolicy says what the State of a bot's sessions keeps, how much and for how long; see
// [WithState]. The zero value keeps nothing. Start from [StateMinimal] or [StateFull] and change
// what you need.
type StatePolicy struct {
	// What to keep. Everything else requires Guilds. Threads are the active ones, and ThreadMembers
	// are their members. Presences are those of members that are kept.
	Guilds, Channels, Threads, ThreadMembers, Roles, Emojis, Stickers bool
	VoiceStates, Presences                                            bool

	// MembersPerGuild is how many members of a guild are kept, or [NoLimit]. A new member then
	// replaces the one that Discord has not mentioned for the longest time. Default: 0, only those
	// of KeepOverLimit.
	MembersPerGuild int

	// Keep says who may be kept at all within MembersPerGuild; nil means anybody.
	Keep KeepFunc

	// KeepOverLimit says who is kept regardless of MembersPerGuild, MemberLifetime and memory
	// pressure; nil means nobody. Without the bot itself ([KeepSelf]), each check of the bot's
	// permissions needs a request.
	KeepOverLimit KeepFunc

	// MessagesPerChannel is how many of a channel's latest messages are kept, or [NoLimit].
	// Default: 0. Without messages, BeforeUpdate and BeforeDelete of their events are nil.
	MessagesPerChannel int

	// MemberLifetime is how long a member is kept after Discord last mentioned them,
	// MessageLifetime how long a message is kept after it was written, and ThreadLifetime how long
	// a thread is kept after it was archived. Default: 0, which means forever.
	MemberLifetime, MessageLifetime, ThreadLifetime time.Duration

	// SweepInterval is how often each guild is checked for what has expired. The guilds take turns,
	// a few each second, so that no event waits for all of them. Default: 5m.
	SweepInterval time.Duration
}

// StateNone keeps only the bot's own user. It takes the least memory. Handlers see what is in their
// events.
func StateNone() StatePolicy { return StatePolicy{} }

// StateMinimal keeps what permission checks need: guilds, channels, threads, roles, and the bot's
// own member. It is the default. Archived threads go after 4 hours.
func StateMinimal() StatePolicy {
	return StatePolicy{
		Guilds: true, Channels: true, Threads: true, Roles: true,
		KeepOverLimit:  KeepSelf,
		ThreadLifetime: 4 * time.Hour,
	}
}

// StateFull keeps what discordgo's own State keeps by default, so that code written for it keeps
// working: everything except messages, and all members. Without the privileged intents for members
// and presences, Discord sends few of them.
func StateFull() StatePolicy {
	return StatePolicy{
		Guilds: true, Channels: true, Threads: true, ThreadMembers: true, Roles: true,
		Emojis: true, Stickers: true, VoiceStates: true, Presences: true,
		MembersPerGuild: NoLimit,
		KeepOverLimit:   KeepSelf,
		ThreadLifetime:  4 * time.Hour,
	}
}

// defaultSweepInterval is that of discord.js's examples.
const defaultSweepInterval = 5 * time.Minute

// defaultState is the policy of a bot without WithState.
func defaultState() StatePolicy {
	p := StateMinimal()
	p.SweepInterval = defaultSweepInterval
	return p
}

// WithState says what the State of the bot's sessions keeps. Default: [StateMinimal].
//
// Session.State is discordgo's type, with all its methods. The bot fills it in the order of the
// shard's events: each event is applied before its handlers, and those of later events, run.
// Interactions are the exception, because they wait for nothing. Fields such as
// GuildMemberUpdate.BeforeUpdate are set if the earlier value is known. A guild in an outage stays,
// marked Unavailable. A guild that the bot has left, or that a new session does not list, is freed.
//
// Treat what State returns as read-only. Lists in a guild or channel, such as Guild.Members, may
// change at any time: hold State.RLock while you range over them, and do not call methods of State
// meanwhile. Channels outside guilds are not kept.
//
// Without [WithIntents] the bot also asks for the intents that the policy needs, except for
// privileged ones.
func WithState(p StatePolicy) Option {
	return func(c *config) {
		for name, n := range map[string]int{
			"MembersPerGuild": p.MembersPerGuild, "MessagesPerChannel": p.MessagesPerChannel,
		} {
			if n < NoLimit {
				c.problem("WithState", "%s is %d: pass 0 or more, or NoLimit", name, n)
			}
		}
		for name, d := range map[string]time.Duration{
			"MemberLifetime": p.MemberLifetime, "MessageLifetime": p.MessageLifetime,
			"ThreadLifetime": p.ThreadLifetime, "SweepInterval": p.SweepInterval,
		} {
			if d < 0 {
				c.problem("WithState", "%s is %v: leave it out for the default", name, d)
			}
		}
		if !p.Guilds && p.keepsSomething() {
			c.problem("WithState", "without Guilds nothing of them can be kept: set Guilds")
		}
		if p.MessagesPerChannel != 0 && !p.Channels && !p.Threads {
			c.problem("WithState", "MessagesPerChannel needs Channels: set Channels")
		}
		c.state = p // a copy: an Option may serve several bots at once
		if p.SweepInterval == 0 {
			c.state.SweepInterval = defaultSweepInterval
		}
	}
}

func (p *StatePolicy) keepsSomething() bool {
	return p.Channels || p.Threads || p.ThreadMembers || p.Roles || p.Emojis || p.Stickers ||
		p.VoiceStates || p.Presences || p.MembersPerGuild != 0 || p.MessagesPerChannel != 0 ||
		p.KeepOverLimit != nil
}

// intents returns what Discord has to send for a policy, privileged intents included.
func (p *StatePolicy) intents() discordgo.Intent {
	var all discordgo.Intent
	for _, need := range []struct {
		is     bool
		intent discordgo.Intent
	}{
		{p.Guilds, discordgo.IntentGuilds},
		{p.MembersPerGuild != 0, discordgo.IntentGuildMembers},
		{p.Emojis || p.Stickers, discordgo.IntentGuildEmojis},
		{p.VoiceStates, discordgo.IntentGuildVoiceStates},
		{p.Presences, discordgo.IntentGuildPresences},
		{p.MessagesPerChannel != 0, discordgo.IntentGuildMessages},
	} {
		if need.is {
			all |= need.intent
		}
	}
	return all
}

func (p *StatePolicy) internal() state.Policy {
	return state.Policy{
		Guilds: p.Guilds, Channels: p.Channels, Threads: p.Threads,
		ThreadMembers: p.ThreadMembers, Roles: p.Roles, Emojis: p.Emojis, Stickers: p.Stickers,
		VoiceStates: p.VoiceStates, Presences: p.Presences,
		MembersPerGuild: p.MembersPerGuild, MessagesPerChannel: p.MessagesPerChannel,
		Keep: p.Keep.internal(), KeepOverLimit: p.KeepOverLimit.internal(),
		MemberLifetime: p.MemberLifetime, MessageLifetime: p.MessageLifetime,
		ThreadLifetime: p.ThreadLifetime,
	}
}

// A StateMember is a member of a guild about whom a [KeepFunc] decides.
type StateMember struct {
	GuildID, UserID string
	Self            bool // the bot itself
	Owner           bool // the guild's owner
	Voice           bool // in a voice channel, as far as VoiceStates are kept

	decoded func() *discordgo.Member
}

// Member returns the member. Treat it as read-only. If Discord sent it as part of a whole guild,
// this call decodes it, so check the fields first.
func (m StateMember) Member() *discordgo.Member { return m.decoded() }

// A KeepFunc decides which members State keeps. It is called for each member that Discord sends. It
// must be quick and must not use the bot or State. If it panics, State misses the event.
type KeepFunc func(m StateMember) bool

// KeepSelf keeps the bot itself. It is a [KeepFunc].
func KeepSelf(m StateMember) bool { return m.Self }

// KeepOwners keeps the owners of guilds. It is a [KeepFunc].
func KeepOwners(m StateMember) bool { return m.Owner }

// KeepVoice keeps members while they are in a voice channel. It needs VoiceStates. It is a
// [KeepFunc].
func KeepVoice(m StateMember) bool { return m.Voice }

// Or returns a KeepFunc that keeps whom k or one of others keeps.
func (k KeepFunc) Or(others ...KeepFunc) KeepFunc {
	all := append([]KeepFunc{k}, others...)
	return func(m StateMember) bool {
		return slices.ContainsFunc(all, func(k KeepFunc) bool { return k(m) })
	}
}

// And returns a KeepFunc that keeps whom k and all of others keep.
func (k KeepFunc) And(others ...KeepFunc) KeepFunc {
	all := append([]KeepFunc{k}, others...)
	return func(m StateMember) bool {
		return !slices.ContainsFunc(all, func(k KeepFunc) bool { return !k(m) })
	}
}

func (k KeepFunc) internal() func(state.Member) bool {
	if k == nil {
		return nil
	}
	return func(m state.Member) bool {
		return k(StateMember{m.GuildID, m.UserID, m.Self, m.Owner, m.Voice, m.Decoded})
	}
}

// StateStats says how much State holds, over all shards of this process, and how many members,
// messages and threads were removed.
type StateStats struct {
	Guilds      int `json:"guilds"`
	Channels    int `json:"channels"`
	Threads     int `json:"threads"`
	Roles       int `json:"roles"`
	Emojis      int `json:"emojis"`
	Stickers    int `json:"stickers"`
	Members     int `json:"members"`
	Presences   int `json:"presences"`
	VoiceStates int `json:"voice_states"`
	Messages    int `json:"messages"`

	Expired uint64 `json:"expired"` // because of their age
	Evicted uint64 `json:"evicted"` // members: for others, or because they left a voice channel
	Shrunk  uint64 `json:"shrunk"`  // under memory pressure
}

// String returns a line for people.
func (s StateStats) String() string {
	return fmt.Sprintf("%d guilds, %d channels, %d threads, %d roles, %d members, %d messages",
		s.Guilds, s.Channels, s.Threads, s.Roles, s.Members, s.Messages)
}

func (s StateStats) metric() metrics.State {
	return metrics.State{
		Entries: map[string]int{
			"guilds": s.Guilds, "channels": s.Channels, "threads": s.Threads, "roles": s.Roles,
			"emojis": s.Emojis, "stickers": s.Stickers, "members": s.Members,
			"presences": s.Presences, "voice_states": s.VoiceStates, "messages": s.Messages,
		},
		Removed: map[string]uint64{
			"expired": s.Expired, "evicted": s.Evicted, "shrunk": s.Shrunk},
	}
}

// StateStats counts what State holds. It holds State's lock while it counts: about a millisecond
// for ten thousand channels.
func (b *Bot) StateStats() StateStats {
	var sum StateStats
	for _, s := range b.ownShards() {
		if s.state == nil {
			continue
		}
		n := s.state.Sizes()
		expired, evicted, shrunk := s.state.Evictions()
		sum = StateStats{
			Guilds: sum.Guilds + n.Guilds, Channels: sum.Channels + n.Channels,
			Threads: sum.Threads + n.Threads, Roles: sum.Roles + n.Roles,
			Emojis: sum.Emojis + n.Emojis, Stickers: sum.Stickers + n.Stickers,
			Members: sum.Members + n.Members, Presences: sum.Presences + n.Presences,
			VoiceStates: sum.VoiceStates + n.VoiceStates, Messages: sum.Messages + n.Messages,
			Expired: sum.Expired + expired, Evicted: sum.Evicted + evicted,
			Shrunk: sum.Shrunk + shrunk,
		}
	}
	return sum
}
