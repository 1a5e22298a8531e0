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

	"github.com/botwright/botwright/internal/cluster"
	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/session"
)

// An Option configures a [Bot]; see [New]. If you give an option twice, the last one counts, except
// for options that say that they add up.
type Option func(*config)

// config is what the options of a bot come to.
type config struct {
	token           string
	intents         discordgo.Intent
	intentsSet      bool
	privileged      discordgo.Intent // in addition
	shardCount      int              // 0: as many as Discord recommends
	shardIDs        []int
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
	tracer          Tracer           // nil: none
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

	// tasks run beside the shards, from Open until all else has been shut down.
	tasks []task

	testHooks
}

// testHooks is what tests change and no option does.
type testHooks struct {
	overlapPart time.Duration // see reshard.go
	saveEvery   time.Duration // of sessions
	sampleEvery time.Duration // see silence.go
	guildWait   time.Duration // see guildwait.go

	tuneGateway func(*gateway.Config) // changes the configuration of a shard's connection
	tuneMember  func(*cluster.Config) // changes how the process takes part in the cluster
	tuneShard   func(*shard)          // changes a shard that was made
}

// An ErrorHandler receives everything that goes wrong: the errors of handlers, panics as
// [*PanicError], payloads that do not decode as [*DecodeError], interactions that nobody handles as
// [*UnhandledInteractionError], and others such as an [*IdentifyBudgetError]. e is nil if the error
// is not about an event. It is called from many goroutines and must not block: the handler that
// failed waits for it, and so do later errors from outside handlers, of which 64 are kept. A panic
// in it is logged and goes no further. It may end its goroutine.
type ErrorHandler func(ctx context.Context, e *Event, err error)

// WithIntents sets all intents that the bot asks for. Without it, the bot asks for those that its
// handlers and its [StatePolicy] need, except for privileged ones, which you add with
// [WithPrivilegedIntents]. Setting Identify.Intents in [WithSessionConfig] or in Session, as
// discordgo bots do, has the same effect.
func WithIntents(intents discordgo.Intent) Option {
	return func(c *config) { c.intents, c.intentsSet = intents, true }
}

// WithShards sets the number of shards over all processes, and the ids of those that this process
// has. No ids means all. A count of 0 means the number that Discord recommends when the bot is
// opened. With a [SessionStore] it keeps the number of the sessions that can be resumed, as long as
// no shard has more than the 2,500 guilds that Discord allows. Default: one shard.
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

// WithAPI sets the base URL of Discord's REST API, without /api, such as that of a proxy, or of a
// fake Discord for tests. Default: https://discord.com. The bot asks there for the gateway's URL.
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

// WithLogger sets the logger. Default: what [slog.Default] is when you call [New]. The token and
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

// WithErrorHandler sets the function that receives errors. The default logs them; of payloads that
// do not decode, it logs the first of each event type.
func WithErrorHandler(h ErrorHandler) Option {
	return func(c *config) {
		if h == nil {
			c.problem("WithErrorHandler", "the handler is nil: leave the option out")
			return
		}
		c.onError = h
	}
}

// WithSessionEvents names event types, such as MESSAGE_CREATE, that are also forwarded to handlers
// that you add with discordgo's Session.AddHandler. Several such options add up. discordgo runs
// these handlers, so they run in no particular order, a panic ends the process, and BeforeUpdate
// and BeforeDelete are nil. Prefer [On], which takes the same handlers with [Adapt]. READY and
// RESUMED cannot be forwarded: a session is opened once and does not notice when the connection to
// Discord changes.
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
// before it is used. It may set UserAgent, Identify.Presence, Identify.LargeThreshold, or
// Identify.Intents; see [WithIntents]. ShardID and ShardCount are already set; ShardCount is 0 for
// the first session of WithShards(0), whose number is not known yet. New refuses a function that
// changes these two, Token, Client, Dialer, State or how the session reconnects.
//
// The tokens of webhooks and interactions are part of URLs. The bot keeps them out of all errors
// and logs. So requests with such a token use ShouldRetryOnRateLimit and MaxRestRetries of the
// session as f leaves it, not of a request's options, and cause no discordgo.RateLimit event. Two
// things cannot be prevented: a session with Debug set prints each request with the bot's token,
// and a token that makes an invalid URL, such as one with a line break, is in discordgo's error
// until the bot reports it.
func WithSessionConfig(f func(*discordgo.Session)) Option {
	return func(c *config) {
		if f == nil {
			c.problem("WithSessionConfig", "the function is nil: leave the option out")
			return
		}
		c.sessionConfig = f
	}
}

// WithShutdownTimeout sets how long [Bot.Run] may take to shut down, and [Bot.Shutdown] if its
// context has no deadline. Handlers have all of it except the last 2.5s. Default: 20s, two thirds
// of the time that Kubernetes gives a process.
func WithShutdownTimeout(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.problem("WithShutdownTimeout", "%v is not a positive duration", d)
			return
		}
		c.shutdownTimeout = d
	}
}

// WithClock sets the clock of [Cooldown], so that a test of a bot need not wait: pass the Now of a
// discordtest.Server, and move time with its Advance. now is called from many goroutines. Timers
// still run in real time: those of [Debounce], of handlers' deadlines and of automatic deferring.
// Test a TTLCache or a middleware by itself with testing/synctest. Default: [time.Now].
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
		testHooks: testHooks{overlapPart: overlapPart, saveEvery: session.SaveEvery,
			sampleEvery: sampleEvery, guildWait: defaultGuildWait},
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
	c.checkCluster()
	if c.profiler != nil && c.queue.Slow == 0 {
		c.queue.Slow = c.profiler.Slow
	}
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
			"them and no spaces; a client secret or public key is not a token")
	}
	c.token = token
}
