package discordtest

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bwmarrin/discordgo"
)

// NoPrivilegedIntents is the value of [Config.PrivilegedIntents] for an application that has none
// enabled.
const NoPrivilegedIntents discordgo.Intent = 1 << 30

// Config describes the world of a [Server] and the limits it enforces. The zero Config is a small
// ready world; every zero field means the default named in its comment.
type Config struct {
	// Guilds is how many guilds the bot is in. Default: 3. Guild i of [Server.Guilds] belongs to
	// shard i % n for every shard count n up to 16, so that guilds spread evenly.
	Guilds int
	// Members is how many people are in each guild, not counting the bot. Default: 10.
	Members int
	// Channels is how many text channels each guild has. Default: 3. Each guild has one voice
	// channel besides.
	Channels int
	// Shards is the shard count that GET /gateway/bot recommends. Default: 1.
	Shards int
	// MaxConcurrency is how many shards may identify in one IdentifyWindow. Default: 1.
	MaxConcurrency int
	// MinShards closes an IDENTIFY with a smaller shard count with 4011. Default: 1: none.
	MinShards int

	// HeartbeatInterval is sent in HELLO. Default: 41250 ms, as Discord's. A client that sends no
	// heartbeat for one and a half intervals is closed with 4009.
	HeartbeatInterval time.Duration
	// IdentifyWindow is the time for which an IDENTIFY blocks others of its max_concurrency key.
	// Default: 5s.
	IdentifyWindow time.Duration
	// SessionStarts is the daily number of IDENTIFYs. Default: 1000. See also
	// [Server.SetSessionStarts].
	SessionStarts int
	// PrivilegedIntents are the privileged intents enabled in the developer portal; an IDENTIFY
	// with another one is closed with 4014. Default: all three; see [NoPrivilegedIntents].
	PrivilegedIntents discordgo.Intent
	// ResumeWindow is how long a session without a connection can be resumed. Default: 3m.
	ResumeWindow time.Duration
	// ReplayLimit is how many of a session's last events are kept for replay. Default: 1<<17. A
	// client that falls behind by more loses its session.
	ReplayLimit int

	// NoRateLimits turns REST rate limits off. Default: on: answers carry the headers and the
	// limits are enforced.
	NoRateLimits bool
	// NoPermissions lets the bot do everything everywhere. Default: what it may do follows from its
	// roles and from overwrites, see [Server.SetBotPermissions].
	NoPermissions bool
	// InteractionTimeout is the time for the first response to an interaction. Default: 3s.
	InteractionTimeout time.Duration

	// MessageLimit is how many messages each channel keeps; the oldest go first. Default: 1000.
	MessageLimit int
	// RecordLimit is how many entries each record ([Server.Requests], [Server.Frames] …) keeps, how
	// many interactions can be answered at a time, and how many KiB of request bodies are kept.
	// When a record is full, its older half is dropped. Default: 1<<14.
	RecordLimit int

	// Token is the bot's token. Default: a random one of realistic shape for the id of
	// [Server.Bot].
	Token string
	// Addr is the address to listen on. Default: "127.0.0.1:0".
	Addr string
	// Logger receives connections, identifies and refusals at debug level, never a token. Default:
	// none.
	Logger *slog.Logger
}

// withDefaults returns c with its zero fields set, or all that is wrong with it.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	count := func(name string, v *int, def int) {
		if *v < 0 {
			errs = append(errs, fmt.Errorf("discordtest: Config.%s is %d, must not be negative", name, *v))
		}
		if *v == 0 {
			*v = def
		}
	}
	span := func(name string, v *time.Duration, def time.Duration) {
		if *v < 0 {
			errs = append(errs, fmt.Errorf("discordtest: Config.%s is %v, must not be negative", name, *v))
		}
		if *v == 0 {
			*v = def
		}
	}
	count("Guilds", &c.Guilds, 3)
	count("Members", &c.Members, 10)
	count("Channels", &c.Channels, 3)
	count("Shards", &c.Shards, 1)
	count("MaxConcurrency", &c.MaxConcurrency, 1)
	count("MinShards", &c.MinShards, 1)
	count("SessionStarts", &c.SessionStarts, 1000)
	count("ReplayLimit", &c.ReplayLimit, 1<<17)
	count("MessageLimit", &c.MessageLimit, 1000)
	count("RecordLimit", &c.RecordLimit, 1<<14)
	span("HeartbeatInterval", &c.HeartbeatInterval, 41250*time.Millisecond)
	span("IdentifyWindow", &c.IdentifyWindow, 5*time.Second)
	span("ResumeWindow", &c.ResumeWindow, 3*time.Minute)
	span("InteractionTimeout", &c.InteractionTimeout, 3*time.Second)
	if c.PrivilegedIntents == 0 {
		c.PrivilegedIntents = privilegedIntents
	}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(errs...)
}
