package botwright_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// TestStateIsAheadOfHandlers changes things and looks in handlers of the change, and of events
// that come after it on other lanes, for what State has.
func TestStateIsAheadOfHandlers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	wrong := make(chan string, 100)
	seen := make(chan string, 100)
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, c *discordgo.ChannelCreate) error {
		if _, err := s.State.Channel(c.ID); err != nil {
			wrong <- fmt.Sprintf("channel %s in its own event: %v", c.ID, err)
		}
		return nil
	})
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		if _, err := s.State.UserChannelPermissions(s.State.User.ID, m.ChannelID); err != nil {
			wrong <- fmt.Sprintf("permissions where %q was written: %v", m.Content, err)
		}
		seen <- m.Content
		return nil
	})
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, m *discordgo.GuildCreate) error {
		if _, err := s.State.Guild(m.ID); err != nil {
			wrong <- fmt.Sprintf("guild %s in its own event: %v", m.ID, err)
		}
		return nil
	})
	open(t, bot)
	g := srv.Guilds()[0]
	for range 50 {
		c, err := srv.AddChannel(g.ID, "new")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := srv.Say(c.ID, g.Members[0].User.ID, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		receive(t, seen)
	}
	close(wrong)
	for w := range wrong {
		t.Error(w)
	}
	if size := bot.StateStats(); size.Guilds != 3 || size.Members != 3 || size.Channels < 50 || size.Messages != 0 {
		t.Errorf("State holds %+v", size)
	}
	requests := len(srv.Requests())
	if _, err := bot.Session().UserChannelPermissions(srv.Bot().ID, g.Channels[0].ID); err != nil || len(srv.Requests()) != requests {
		t.Errorf("Session.UserChannelPermissions made a request, or failed: %v", err)
	}
}

func TestBeforeUpdateReachesHandlers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	policy := botwright.StateFull()
	policy.MessagesPerChannel = 10
	bot := newBot(t, srv, botwright.WithState(policy), botwright.WithIntents(discordgo.IntentsAll))
	edits := make(chan *discordgo.MessageUpdate, 1)
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, m *discordgo.MessageUpdate) error {
		edits <- m
		return nil
	}, botwright.Concurrent())
	leaves := make(chan *discordgo.GuildDelete, 2)
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, g *discordgo.GuildDelete) error {
		leaves <- g
		return nil
	})
	open(t, bot)
	g := srv.Guilds()[0]
	m, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, "before")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.EditMessage(m.ChannelID, m.ID, "after"); err != nil {
		t.Fatal(err)
	}
	if e := receive(t, edits); e.BeforeUpdate == nil || e.BeforeUpdate.Content != "before" {
		t.Errorf("BeforeUpdate is %+v", e.BeforeUpdate)
	}
	if err := srv.SetUnavailable(g.ID, true); err != nil {
		t.Fatal(err)
	}
	receive(t, leaves)
	if st, err := bot.Session().State.Guild(g.ID); err != nil || !st.Unavailable {
		t.Errorf("in an outage: %v", err)
	}
	if err := srv.RemoveGuild(srv.Guilds()[1].ID); err != nil {
		t.Fatal(err)
	}
	if e := receive(t, leaves); e.BeforeDelete == nil || len(e.BeforeDelete.Members) != 11 {
		t.Errorf("BeforeDelete is %+v", e.BeforeDelete)
	}
	if size := bot.StateStats(); size.Guilds != 2 {
		t.Errorf("State holds %d guilds", size.Guilds)
	}
}

func TestStateNoneKeepsNothing(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithState(botwright.StateNone()), botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithSessionConfig(func(s *discordgo.Session) { s.StateEnabled = true }))
	said := make(chan bool, 1)
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, _ *discordgo.MessageCreate) error {
		said <- s.State.User != nil && len(s.State.Guilds) == 0
		return nil
	})
	open(t, bot)
	say(t, srv, "hi")
	if !receive(t, said) {
		t.Error("State has guilds, or has lost its user")
	}
}

func TestPanickingKeepIsReported(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newErrorLog()
	policy := botwright.StateMinimal()
	policy.KeepOverLimit = func(botwright.StateMember) bool { panic("keep") }
	bot := newBot(t, srv, botwright.WithState(policy), botwright.WithErrorHandler(log.handle))
	created := make(chan bool, 10)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.GuildCreate) error {
		created <- true
		return nil
	})
	open(t, bot)
	receive(t, created)
	if p := waitFor[*botwright.PanicError](t, log); p.Value != "keep" {
		t.Errorf("panic %v", p.Value)
	}
}

func TestStateProblems(t *testing.T) {
	t.Parallel()
	_, err := botwright.New(someToken,
		botwright.WithState(botwright.StatePolicy{Roles: true, MembersPerGuild: -2, MessagesPerChannel: 1, ThreadLifetime: -1}),
		botwright.WithMemoryLimit(0), botwright.WithCache("a", nil))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"MembersPerGuild is -2", "set Guilds", "set Channels", "ThreadLifetime", "WithMemoryLimit", `cache "a" is nil`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestKeepCombines(t *testing.T) {
	t.Parallel()
	all, none := botwright.KeepFunc(func(botwright.StateMember) bool { return true }), botwright.KeepFunc(func(botwright.StateMember) bool { return false })
	owner := botwright.StateMember{Owner: true}
	tests := []struct {
		name string
		keep botwright.KeepFunc
		want bool
	}{
		{"or", none.Or(none, botwright.KeepOwners), true}, {"or none", none.Or(botwright.KeepVoice, botwright.KeepSelf), false},
		{"and", all.And(botwright.KeepOwners), true}, {"and none", all.And(botwright.KeepOwners, none), false},
	}
	for _, tt := range tests {
		if got := tt.keep(owner); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestMemoryPressureShrinks(t *testing.T) {
	t.Parallel()
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[int, int]{})
	srv := newServer(t, discordtest.Config{})
	policy := botwright.StateFull()
	policy.MessagesPerChannel = 100
	lines := &logLines{}
	bot := newBot(t, srv, botwright.WithCache("numbers", cache), botwright.WithState(policy),
		botwright.WithMemoryLimit(botwright.NoLimit), botwright.WithIntents(discordgo.IntentsAll), botwright.WithLogger(slog.New(slog.NewTextHandler(lines, nil))))
	said := make(chan bool, 100)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		said <- true
		return nil
	})
	open(t, bot)
	for i := range 100 {
		cache.Set(i, i)
		say(t, srv, "x")
		receive(t, said)
	}
	members := bot.StateStats().Members
	tests := []struct{ used, level, messages, members int }{
		{79, 0, 100, members},
		{80, 80, 75, members - 9}, // a quarter of 11 in each of 3 guilds
		{92, 90, 37, members - 9 - 12},
		{99, 95, 0, 3},
		{10, 0, 0, 3},
	}
	entries := 100
	look := botwright.GuardMemory(bot, 100)
	for _, tt := range tests {
		p := look(int64(tt.used))
		size, n := bot.StateStats(), cache.Stats().Entries
		if size.Messages != tt.messages || size.Members != tt.members {
			t.Errorf("at %d %%: %+v", tt.used, size)
		}
		if shrunk := n < entries; shrunk != (tt.level > 0) || tt.level == 95 && n > 0 {
			t.Errorf("at %d %%: %d of %d entries", tt.used, n, entries)
		}
		entries = n
		if p.Level != tt.level || p.Used != int64(tt.used) || p.Limit != 100 {
			t.Errorf("at %d %%: %+v", tt.used, p)
		}
	}
	var p botwright.MemoryPressure
	for range 10 {
		p = look(10)
	}
	if p.Shrinks != 3 {
		t.Errorf("%+v", p)
	}
	for _, want := range []string{"memory is running out", "enough memory again"} {
		if !strings.Contains(lines.text(), want) {
			t.Errorf("the log does not say %q:\n%s", want, lines.text())
		}
	}
}

// TestBotSweeps waits for signs that the bot sweeps its caches and its State.
func TestBotSweeps(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 1})
	expired := make(chan botwright.EvictReason, 1)
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[int, int]{
		TTL: 1, OnEvict: func(_, _ int, why botwright.EvictReason) { expired <- why }})
	asked := make(chan bool, 1000)
	policy := botwright.StateMinimal()
	policy.SweepInterval = 1
	policy.KeepOverLimit = func(m botwright.StateMember) bool {
		if m.Self {
			asked <- m.Member().User.Bot
		}
		return m.Self
	}
	bot := newBot(t, srv, botwright.WithCache("c", cache), botwright.WithState(policy))
	cache.Set(1, 1)
	open(t, bot)
	if why := receive(t, expired); why != botwright.EvictExpired {
		t.Errorf("evicted: %v", why)
	}
	for range 3 { // once when the guild comes, then at each sweep
		if !receive(t, asked) {
			t.Error("the bot's own member is none of a bot")
		}
	}
}

// logLines collects a log.
type logLines struct {
	mu  sync.Mutex
	out strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *logLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func ExampleWithState() {
	policy := botwright.StateMinimal()
	policy.MembersPerGuild = 100
	policy.VoiceStates = true
	policy.KeepOverLimit = botwright.KeepFunc(botwright.KeepSelf).Or(botwright.KeepVoice, botwright.KeepOwners)
	policy.MessagesPerChannel = 50

	srv, err := discordtest.New(discordtest.Config{Guilds: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithState(policy),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	allowed := make(chan bool)
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, g *discordgo.GuildCreate) error {
		p, err := s.State.UserChannelPermissions(s.State.User.ID, g.Channels[0].ID)
		allowed <- p&discordgo.PermissionSendMessages != 0
		return err
	})
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("may the bot write?", <-allowed, <-allowed)
	fmt.Println("guilds in State:", bot.StateStats().Guilds)
	if err := bot.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// may the bot write? true true
	// guilds in State: 2
}
