package botwright_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// message dispatches a message to a channel that need not exist.
func dispatchMessage(t *testing.T, srv *discordtest.Server, guild, channel string, n int) {
	t.Helper()
	data := fmt.Appendf(nil, `{"id":"%d","channel_id":%q,"guild_id":%q,"author":{"id":"7"},"content":"%[1]d"}`,
		n, channel, guild)
	if err := srv.Dispatch(guild, "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
		t.Fatal(err)
	}
}

// TestFloodOfOneGuild has one guild flood the bot while its handlers hang. The messages of another
// one are all handled, in order, and its slash commands are.
func TestFloodOfOneGuild(t *testing.T) {
	tests := []struct {
		name      string
		messages  int
		channel   func(i int) int
		overflows bool
		run       int64 // handlers of the flooding guild
	}{
		{"many channels", 600, func(i int) int { return 5000 + i }, false, 512},
		{"one channel", 17_000, func(int) int { return 5000 }, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{Guilds: 2})
			log := newErrorLog()
			bot := newBot(t, srv, botwright.WithErrorHandler(log.handle), botwright.WithIntents(discordgo.IntentsAll))
			flooding, quiet := srv.Guilds()[0], srv.Guilds()[1]
			release := make(chan struct{})
			var stuck atomic.Int64
			heard, commands := make(chan string, 1000), make(chan time.Time, 1)
			botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
				if m.GuildID == flooding.ID {
					stuck.Add(1)
					<-release
					return nil
				}
				heard <- m.Content
				return nil
			})
			botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
				commands <- time.Now()
				return nil
			})
			open(t, bot)
			defer close(release)
			for i := range tt.messages {
				dispatchMessage(t, srv, flooding.ID, fmt.Sprint(tt.channel(i)), 1000+i)
			}
			begin := time.Now()
			const others = 200
			for i := range others {
				dispatchMessage(t, srv, quiet.ID, quiet.Channels[0].ID, i)
			}
			srv.SlashCommand(quiet.ID, quiet.Channels[0].ID, quiet.Members[0].User.ID, "ping")
			for i := range others {
				if got := receive(t, heard); got != fmt.Sprint(i) {
					t.Fatalf("message %s is handled, want %d", got, i)
				}
			}
			t.Logf("behind the flood: 200 messages after %v, the command after %v",
				time.Since(begin), receive(t, commands).Sub(begin))
			poll(t, func() bool { return stuck.Load() >= tt.run })
			if !tt.overflows {
				return
			}
			lost := waitFor[*botwright.OverflowError](t, log)
			if st := bot.Queue(); lost.GuildID != flooding.ID || lost.Dropped == 0 || st.Dropped < lost.Dropped || st.Blocked > 0 {
				t.Errorf("reported %+v of %+v", lost, st)
			}
		})
	}
}

// TestDroppedReachesState has events dropped for handlers: State sees them, so does who expects
// them, and they do not come again after a restart.
func TestDroppedReachesState(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 1})
	store := botwright.FileSessionStore(sessionFile(t))
	bot := newBot(t, srv, botwright.WithSessionStore(store), botwright.WithErrorHandler(newErrorLog().handle),
		botwright.WithQueue(botwright.QueueConfig{MaxEvents: 64}))
	release := make(chan struct{})
	var handled atomic.Int64
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.ChannelUpdate) error {
		<-release
		handled.Add(1)
		return nil
	})
	open(t, bot)
	g := srv.Guilds()[0]
	x := botwright.Expect[discordgo.ChannelUpdate](bot)
	defer x.Close()
	const updates = 200
	for i := range updates {
		data := fmt.Appendf(nil, `{"id":%q,"guild_id":%q,"type":0,"name":"n%d"}`, g.Channels[0].ID, g.ID, i)
		if err := srv.Dispatch(g.ID, "CHANNEL_UPDATE", json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := x.Collect(testContext(t), updates)
	if err != nil || seen[updates-1].Name != "n199" {
		t.Errorf("expected: %v", err)
	}
	channel, err := bot.Session().State.Channel(g.Channels[0].ID)
	if err != nil || channel.Name != "n199" {
		t.Errorf("State has %+v, %v; want the last name", channel, err)
	}
	if st := bot.Queue(); st.Dropped == 0 {
		t.Errorf("nothing was dropped: %+v", st)
	}
	close(release)
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if n := handled.Load(); n == 0 || n+int64(bot.Queue().Dropped) != updates {
		t.Errorf("%d handled, %d dropped, of %d", n, bot.Queue().Dropped, updates)
	}
	saved, err := store.LoadSessions(t.Context(), []int{0})
	if err != nil || len(saved) != 1 || len(saved[0].Handled) > 0 || saved[0].Sequence < updates {
		t.Errorf("saved %+v, %v; want all handled", saved, err)
	}
}

// TestMaxConcurrentHoldsNoWorker has the events of a guild wait for a limit: its other handlers go
// on, though there are few workers.
func TestMaxConcurrentHoldsNoWorker(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithQueue(botwright.QueueConfig{MaxInFlight: 2}))
	release, inside, others := make(chan struct{}), make(chan bool, 100), make(chan string, 100)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		inside <- true
		<-release
		return nil
	}, botwright.MaxConcurrent(1, botwright.ByGuild))
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.TypingStart) error {
		others <- m.ChannelID
		return nil
	})
	open(t, bot)
	g := srv.Guilds()[0]
	for i := range 20 {
		dispatchMessage(t, srv, g.ID, fmt.Sprint(5000+i), i)
	}
	receive(t, inside)
	poll(t, func() bool { return bot.Queue().Parked == 19 })
	if err := srv.Dispatch(g.ID, "TYPING_START",
		json.RawMessage(fmt.Sprintf(`{"guild_id":%q,"channel_id":"6000","user_id":"7"}`, g.ID))); err != nil {
		t.Fatal(err)
	}
	receive(t, others)
	if st := bot.Queue(); st.Running != 1 || len(inside) > 0 {
		t.Errorf("%+v, %d more inside", st, len(inside))
	}
	close(release)
	for range 19 {
		receive(t, inside)
	}
}

// TestNextHoldsNoWorker has more handlers wait for a reply than there are workers.
func TestNextHoldsNoWorker(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithQueue(botwright.QueueConfig{MaxInFlight: 2}))
	var mu sync.Mutex
	var replies []string
	asked, answered := make(chan bool, 100), make(chan bool, 100)
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		x := botwright.Expect[discordgo.MessageCreate](bot, botwright.Filter(func(e *botwright.Event) bool {
			return e.ChannelID == m.ChannelID
		}))
		defer x.Close()
		asked <- true
		reply, err := x.Wait(ctx)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			replies = append(replies, reply.Content)
		}
		answered <- true
		return err
	}, botwright.Filter(func(e *botwright.Event) bool { return e.UserID == "7" }))
	open(t, bot)
	g := srv.Guilds()[0]
	const n = 12
	for i := range n {
		dispatchMessage(t, srv, g.ID, fmt.Sprint(5000+i), i)
	}
	for range n {
		receive(t, asked)
	}
	for i := range n {
		data := fmt.Appendf(nil, `{"id":"9","channel_id":"%d","guild_id":%q,"author":{"id":"8"},"content":"reply"}`, 5000+i, g.ID)
		if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		receive(t, answered)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(replies) != n || slices.Contains(replies, "0") {
		t.Errorf("replies %q", replies)
	}
}

// TestReadingSurvivesAPanic has the goroutine that reads run into a fault of ours.
func TestReadingSurvivesAPanic(t *testing.T) {
	log := newErrorLog()
	bot := closedBot(t, botwright.WithErrorHandler(log.handle))
	if !botwright.ReadWithFault(testContext(t), bot) || log.count("panic") != 1 {
		t.Errorf("the fault was not reported: %v", log.all())
	}
}
