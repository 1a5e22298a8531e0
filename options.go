package botwright

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/session"
)

// An Option configures a [Bot]; see [New]. Of one that is given twice the last counts, except for
// those that say that they add up.
type Option func(*config)

// config is what the options of a bot come to.
type config struct {
	token           string
	intents         discordgo.Intent
	intentsSet      bool
	privileged      discordgo.Intent // in addition
	shardCount      int              // 0: as many as Discord recommends
	shardIDs        []int
	overlapPart     time.Duration // see reshard.go; tests shorten it
	saveEvery       time.Duration // of sessions; tests shorten it
	sampleEvery     time.Duration // see silence.go; tests do without
	guildWait       time.Duration // see guildwait.go; tests shorten it
	api             *url.URL
	httpClient      *http.Client
	dialer          *websocket.Dialer // of the gateway; nil: see gatewayDialer
	compression     gateway.Compression
	rest            RESTConfig
	logger          *slog.Logger
	onError         ErrorHandler
	queue           QueueConfig
	sessionEvents   []string
	sessionConfig   func(*discordgo.Session)
	state           StatePolicy
	caches          []namedCache
	memoryLimit     int64 // 0: what can be detected; NoLimit: none
	shutdownTimeout time.Duration
	now             func() time.Time // see WithClock
	registerer      prometheus.Registerer
	namespace       string          // of the metrics
	resources       *ResourceConfig // nil: not logged
	reportEvery     time.Duration   // 0: never
	autoReshard     bool
	profiler        *ProfilerConfig // nil: not of handlers
	health          HealthConfig
	healthSet       bool
	admin           AdminConfig
	adminSet        bool
	openAdmin       func(context.Context, *Bot) error // with adminSet
	sessionStore    SessionStore                      // nil: none
	cluster         Cluster                           // nil: the process is alone
	problems        []error

	// commands are to be registered, by guild; "" stands for everywhere.
	commands map[string][]*discordgo.ApplicationCommand

	// tuneGateway changes the configuration of a shard's connection. Tests use it.
	tuneGateway func(*gateway.Config)

	// tuneShard changes a shard that was made. Tests use it.
	tuneShard func(*shard)

	// tasks run beside the shards, from Open until all else has been shut down.
	tasks []task
}

// An ErrorHandler is told what went wrong: the errors of handlers, panics as [*PanicError],
// payloads that do not decode as [*DecodeError], interactions that nobody handles as
// [*UnhandledInteractionError], an [*IdentifyBudgetError]. e is nil for what
// did not happen to an event. It is called from many goroutines and must not block: a handler that
// has failed waits for it, and so do later errors that are not a handler's, 64 of which are kept.
// A panic in it is logged and goes no further, and it may end its goroutine.
type ErrorHandler func(ctx context.Context, e *Event, err error)

// WithIntents sets the intents that the bot asks for, all of them. Without it, it asks for
// those that its handlers and its [StatePolicy] need, except for the privileged ones: those are
// added with [WithPrivilegedIntents]. A bot that sets Identify.Intents in [WithSessionConfig] or
// in Session, as discordgo bots do, has set the same.
func WithIntents(intents discordgo.Intent) Option {
	return func(c *config) { c.intents, c.intentsSet = intents, true }
}

// WithShards sets the number of shards that the bot is split into, over all processes, and
// which of them this process has; none means all. A count of 0 takes the number that Discord
// recommends when the bot is opened; with a [SessionStore] it keeps the number of the sessions that
// can be resumed, as long as no shard has more than the 2,500 guilds that Discord allows. The
// default is one shard.
func WithShards(count int, ids ...int) Option {
	return func(c *config) {
		switch {
		case count < 0:
			c.problem("WithShards", "the count %d is negative", count)
		case count == 0 && len(ids) > 0:
			c.problem("WithShards", "shard ids without a count mean nothing: give the count too")
		}
		for i, id := range ids {
			if id < 0 || id >= max(count, 1) {
				c.problem("WithShards", "shard %d is not among %d shards, which are numbered "+
					"from 0", id, count)
			}
			if slices.Contains(ids[:i], id) {
				c.problem("WithShards", "shard %d is given twice", id)
			}
		}
		c.shardCount, c.shardIDs = count, slices.Sorted(slices.Values(ids))
	}
}

// WithAPI sets the base URL of Discord's REST API, without /api: that of a proxy, or of a fake
// Discord for tests. The default is https://discord.com. The gateway's URL is asked for there.
func WithAPI(baseURL string) Option {
	return func(c *config) {
		u, err := url.Parse(strings.TrimRight(baseURL, "/"))
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			c.problem("WithAPI", "%q is not the URL of a server, such as https://discord.com",
				baseURL)
			return
		}
		if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			c.problem("WithAPI", "%q has more than a scheme, a host and a path", u.Redacted())
			return
		}
		c.api = u
	}
}

// WithHTTPClient sets the client for REST calls. It is copied; its Transport and Timeout are
// used. Gateway connections follow the Transport, too; see [WithDialer]. The default has a timeout
// of 20 s, like discordgo's.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) {
		if client == nil {
			c.problem("WithHTTPClient", "the client is nil: leave the option out")
			return
		}
		c.httpClient = client
	}
}

// WithLogger sets the logger. The default is [slog.Default] at the time of [New]. The token and
// what users write are never logged.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) {
		if l == nil {
			c.problem("WithLogger", "the logger is nil: for silence use slog.DiscardHandler")
			return
		}
		c.logger = l
	}
}

// WithErrorHandler sets what is told of errors. The default logs them, and of the payloads that
// do not decode the first of each type.
func WithErrorHandler(h ErrorHandler) Option {
	return func(c *config) {
		if h == nil {
			c.problem("WithErrorHandler", "the handler is nil: leave the option out")
			return
		}
		c.onError = h
	}
}

// WithSessionEvents adds to the event types that are also forwarded to the handlers that were
// added with discordgo's own Session.AddHandler, such as MESSAGE_CREATE. Those are run by
// discordgo: neither their order is kept nor a panic contained, and BeforeUpdate and BeforeDelete
// are nil. Prefer [On], to which [Adapt] fits the same handlers. READY and RESUMED cannot be
// forwarded: a session is opened once and does not notice when the connection to Discord changes.
func WithSessionEvents(types ...string) Option {
	return func(c *config) {
		for _, t := range types {
			if wire := events.WireName(t); !events.IsWireName(t) && events.Known(wire) {
				c.problem("WithSessionEvents", "%q is the name of a struct: write %q", t, wire)
			} else if !events.IsWireName(t) || t == "READY" || t == "RESUMED" {
				c.problem("WithSessionEvents", "%q cannot be forwarded: name an event type "+
					"other than READY and RESUMED, such as MESSAGE_CREATE", t)
			}
		}
		c.sessionEvents = append(c.sessionEvents, types...)
	}
}

// WithSessionConfig sets a function that is called with each discordgo session, one per shard,
// before it is used: to set UserAgent, Identify.Presence, Identify.LargeThreshold, or
// Identify.Intents, see [WithIntents]. ShardID and ShardCount are set by then; ShardCount is 0 for
// the first session of [WithShards](0), which does not know it yet. Those two, Token, Client,
// Dialer, State and reconnecting are the bot's own: [New] refuses a function that changes them.
//
// The tokens of webhooks and interactions, which are part of URLs, are kept out of all errors and
// logs. For that, requests with one take ShouldRetryOnRateLimit and MaxRestRetries from the session
// as f leaves it, not from a request's options, and cause no discordgo.RateLimit event. Two things
// are out of reach: a session with Debug set prints each request with the bot's token, and a token
// that makes no valid URL, such as one with a line break, is in discordgo's error until the bot
// reports it.
func WithSessionConfig(f func(*discordgo.Session)) Option {
	return func(c *config) {
		if f == nil {
			c.problem("WithSessionConfig", "the function is nil: leave the option out")
			return
		}
		c.sessionConfig = f
	}
}

// WithShutdownTimeout sets how long [Bot.Run] has to shut down, and [Bot.Shutdown] if its context has
// no deadline; handlers have all of it but 2.5 s. The default is 20 s, two thirds of the time that
// Kubernetes gives a process.
func WithShutdownTimeout(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.problem("WithShutdownTimeout", "%v is not a positive duration", d)
			return
		}
		c.shutdownTimeout = d
	}
}

// WithClock sets what time it is for [Cooldown], so that a test of a bot need not wait: the Now of
// a discordtest.Server moves on with its Advance. Now is called from many goroutines. Timers run
// in real time all the same: Debounce, deadlines of handlers, automatic deferring. A [TTLCache] or a
// piece of middleware by itself is best tested with testing/synctest. The default is [time.Now].
func WithClock(now func() time.Time) Option {
	return func(c *config) {
		if now == nil {
			c.problem("WithClock", "the function is nil: leave the option out")
			return
		}
		c.now = now
	}
}

func (c *config) problem(option, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(option+": "+format, args...))
}

// negative says which of the named fields of a configuration are negative, or returns "". That is a
// mistake everywhere: a constructor panics with it, and New returns it.
func negative(fields map[string]int64) string {
	maps.DeleteFunc(fields, func(_ string, n int64) bool { return n >= 0 })
	if len(fields) == 0 {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(fields)), ", ") + " must not be negative: " +
		"0 is the default"
}

// mustBe panics if there is a problem with what a constructor was given.
func mustBe(constructor, problem string) {
	if problem != "" {
		panic("botwright: " + constructor + ": " + problem)
	}
}

// newConfig applies and checks everything, and returns all problems at once.
func newConfig(token string, opts []Option) (*config, error) {
	c := &config{
		shardCount:      1,
		now:             time.Now,
		api:             &url.URL{Scheme: "https", Host: "discord.com"},
		httpClient:      &http.Client{Timeout: 20 * time.Second},
		logger:          slog.Default(),
		state:           defaultState(),
		shutdownTimeout: 20 * time.Second,
		overlapPart:     overlapPart,
		saveEvery:       session.SaveEvery,
		sampleEvery:     sampleEvery,
		guildWait:       defaultGuildWait,
	}
	c.setToken(token)
	for _, opt := range opts {
		if opt == nil {
			c.problem("New", "an option is nil: leave it out")
			continue
		}
		opt(c)
	}
	c.checkIntents()
	c.checkCommands()
	c.queue = c.queue.withDefaults()
	c.setREST()
	c.setOperations()
	c.setTasks()
	if len(c.problems) > 0 {
		return nil, fmt.Errorf("botwright: invalid configuration:\n%w",
			errors.Join(c.problems...))
	}
	return c, nil
}

// setToken takes a token with or without the "Bot " that discordgo wants before it.
func (c *config) setToken(token string) {
	token = strings.TrimPrefix(token, "Bot ")
	form := regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+$`)
	switch {
	case token == "":
		c.problem("token", "it is empty: copy it from the Bot page at "+portal)
	case strings.TrimSpace(token) != token:
		c.problem("token", "there is white space around it, such as the newline at the end of a "+
			"file: pass strings.TrimSpace(token)")
	case strings.Trim(token, "\"'`") != token:
		c.problem("token", "there are quotes around it: leave them out of the environment or file")
	case strings.HasPrefix(token, "Bearer "), strings.HasPrefix(token, "bot "):
		c.problem("token", "it begins with %q: pass the token alone", strings.Fields(token)[0])
	case !form.MatchString(token):
		c.problem("token", "it is malformed: a bot's token has three parts with dots between "+
			"them and no spaces; a client secret or public key is none")
	}
	c.token = token
}
