package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/testkit"
)

// numbered is traffic of which every event has a number, and the record of what was handled.
type numbered struct {
	mu       sync.Mutex
	sent     int
	handled  map[int]int
	distinct int
	changed  chan struct{} // 1 slot
}

func newNumbered(bot *botwright.Bot) *numbered {
	n := &numbered{handled: make(map[int]int), changed: make(chan struct{}, 1)}
	for _, eventType := range numberedTypes {
		bot.Handle(eventType, n.handle)
	}
	return n
}

// numberedTypes are one that has an id of its own, one that has not, and one without an order.
var numberedTypes = []string{"MESSAGE_CREATE", "MESSAGE_REACTION_ADD", "INTERACTION_CREATE"}

func (n *numbered) handle(_ context.Context, e *botwright.Event) error {
	var d struct {
		Number int `json:"number"`
	}
	if err := json.Unmarshal(e.Raw(), &d); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.handled[d.Number]++; n.handled[d.Number] == 1 {
		n.distinct++
	}
	select {
	case n.changed <- struct{}{}:
	default:
	}
	return nil
}

// send makes events until ctx is done, one each time per tick and target.
func (n *numbered) send(ctx context.Context, every time.Duration, dispatch func(number int, eventType string, d any)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		n.mu.Lock()
		n.sent++
		i := n.sent
		n.mu.Unlock()
		dispatch(i, numberedTypes[i%len(numberedTypes)], map[string]any{
			"id": fmt.Sprint(1_000_000 + i), "number": i, "guild_id": "1", "channel_id": fmt.Sprint(i % 7),
		})
	}
}

// more waits until that many more numbers have been handled.
func (n *numbered) more(t *testing.T, count int) {
	t.Helper()
	distinct := func() int {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.distinct
	}
	for before := distinct(); distinct() < before+count; {
		receive(t, n.changed)
	}
}

// check waits until every number was handled and fails if one was handled twice.
func (n *numbered) check(t *testing.T) {
	t.Helper()
	timeout := time.After(testTime)
	for {
		n.mu.Lock()
		sent, distinct := n.sent, n.distinct
		n.mu.Unlock()
		if distinct == sent {
			break
		}
		select {
		case <-n.changed:
		case <-timeout:
			t.Fatalf("%d of %d events were handled", distinct, sent)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	t.Logf("%d events", n.sent)
	for number, times := range n.handled {
		if times != 1 {
			t.Errorf("event %d was handled %d times", number, times)
		}
	}
}

// reshardWorld is a bot with four shards and eight guilds under numbered traffic.
func reshardWorld(t *testing.T) (*discordtest.Server, *botwright.Bot, *numbered) {
	t.Helper()
	srv := newServer(t, discordtest.Config{Guilds: 8, MaxConcurrency: 8, Shards: 8})
	bot := newBot(t, srv, botwright.WithShards(4), botwright.WithOverlapPart(time.Second),
		botwright.WithIntents(discordgo.IntentGuilds|discordgo.IntentGuildMessages|
			discordgo.IntentGuildMessageReactions))
	n := newNumbered(bot)
	return srv, bot, n
}

// traffic sends numbered events to the guilds. The function that it returns ends and checks it.
func traffic(t *testing.T, srv *discordtest.Server, n *numbered) (check func()) {
	t.Helper()
	guilds := srv.Guilds()
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		n.send(ctx, 4*time.Millisecond, func(number int, eventType string, d any) {
			if err := srv.Dispatch(guilds[number%len(guilds)].ID, eventType, d); err != nil {
				t.Error(err)
			}
		})
	})
	t.Cleanup(sending.Wait)
	t.Cleanup(cancel)
	return func() {
		t.Helper()
		cancel()
		sending.Wait()
		n.check(t)
	}
}

func TestReshard(t *testing.T) {
	t.Parallel()
	srv, bot, n := reshardWorld(t)
	joined := make(chan string, 100)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, g *discordgo.GuildCreate) error {
		joined <- g.ID
		return nil
	})
	open(t, bot)
	for range 8 {
		receive(t, joined)
	}
	old := bot.Session()
	if err := old.UpdateGameStatus(0, "chess"); err != nil {
		t.Fatal(err)
	}
	plays := func(game string) func() bool {
		return func() bool {
			return slices.ContainsFunc(srv.Presences(), func(p discordtest.Presence) bool {
				return p.ShardID == 0 && p.Activities[0].Name == game && !p.Conn.Closed()
			})
		}
	}
	if err := srv.Wait(testContext(t), plays("chess")); err != nil {
		t.Fatal(err)
	}
	check := traffic(t, srv, n)
	resharded := make(chan error, 1)
	before := srv.Connections()
	go func() { resharded <- bot.Reshard(testContext(t), 8) }()
	begun := func() bool { return len(srv.Identifies()) > 4 }
	if err := srv.Wait(testContext(t), begun); err != nil {
		t.Fatal(err)
	}
	if err := bot.Reshard(testContext(t), 16); !errors.Is(err, botwright.ErrResharding) {
		t.Errorf("a second Reshard: %v", err)
	}
	if shards := status(t, bot); len(shards) != 4 {
		t.Errorf("%d shards meanwhile, want the old 4", len(shards))
	}
	before[1].Reset() // an old shard reconnects meanwhile
	if err := old.UpdateGameStatus(0, "go"); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, resharded); err != nil {
		t.Fatal(err)
	}
	n.more(t, 50)
	check()
	if len(joined) > 0 {
		t.Error("the guilds of the new shards were taken for new ones")
	}
	if shards := status(t, bot); len(shards) != 8 {
		t.Errorf("%d shards, want 8", len(shards))
	}
	if n := len(srv.Connections()); n != 8 {
		t.Errorf("%d connections, want 8", n)
	}
	if err := srv.Wait(testContext(t), plays("go")); err != nil {
		t.Errorf("the presence that was set meanwhile: %v", err)
	}
	for _, id := range srv.Identifies()[4:] {
		if p := string(id.Presence); id.ShardCount == 8 && id.ShardID%4 == 0 && !strings.Contains(p, "chess") {
			t.Errorf("shard %d identified with the presence %s", id.ShardID, p)
		}
	}
	if bot.Session() == old {
		t.Error("Session is still that of the old shard")
	}
	for _, g := range srv.Guilds() {
		want, _ := botwright.ShardID(g.ID, 8)
		if s, err := bot.SessionFor(g.ID); err != nil || s.ShardID != want || s.ShardCount != 8 {
			t.Errorf("SessionFor: %v, %v", s, err)
		}
	}
	if err := bot.Reshard(testContext(t), 0); err != nil { // Discord recommends 8
		t.Error(err)
	}
	if n := len(srv.Identifies()); n != 12 {
		t.Errorf("%d IDENTIFYs, want 12", n)
	}
}

func TestReshardFails(t *testing.T) {
	t.Parallel()
	enough := errors.New("had enough")
	tests := []struct {
		name  string
		spoil func(*discordtest.Server, *botwright.Bot, context.CancelCauseFunc)
		want  string
	}{
		{"budget", func(srv *discordtest.Server, _ *botwright.Bot, _ context.CancelCauseFunc) {
			srv.SetSessionStarts(57, time.Hour) // a twentieth of 1000 is kept
		}, "only 7 IDENTIFYs can be spared until"},
		{"outage", func(srv *discordtest.Server, _ *botwright.Bot, cancel context.CancelCauseFunc) {
			srv.FailHandshake(func(*http.Request) *discordtest.RESTFault {
				cancel(enough)
				return discordtest.BadGateway()
			})
		}, enough.Error()},
		{"refused", func(srv *discordtest.Server, _ *botwright.Bot, _ context.CancelCauseFunc) {
			srv.OnFrame(func(c *discordtest.Conn, op int, _ json.RawMessage) bool {
				if op == 2 {
					c.Close(4013, "Invalid intent(s).")
				}
				return op == 2
			})
		}, "close code 4013"},
		{"overlapping", func(_ *discordtest.Server, bot *botwright.Bot, cancel context.CancelCauseFunc) {
			bot.Handle("*", func(_ context.Context, e *botwright.Event) error {
				if e.Session.ShardCount == 8 { // the new shards handle events too
					cancel(enough)
				}
				return nil
			})
		}, enough.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv, bot, n := reshardWorld(t)
			open(t, bot)
			check := traffic(t, srv, n)
			ctx, cancel := context.WithCancelCause(testContext(t))
			defer cancel(nil)
			tt.spoil(srv, bot, cancel)
			if err := bot.Reshard(ctx, 8); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Reshard: %v", err)
			}
			if shards := status(t, bot); len(shards) != 4 || shards[0].State != botwright.ShardReady {
				t.Errorf("the old shards: %+v", shards)
			}
			n.more(t, 50)
			check()
		})
	}
}

func TestReshardRefuses(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{MaxConcurrency: 4})
	bot := newBot(t, srv, botwright.WithShards(4, 1))
	if err := bot.Reshard(testContext(t), 8); !errors.Is(err, botwright.ErrNotOpen) {
		t.Errorf("before Open: %v", err)
	}
	open(t, bot)
	if err := bot.Reshard(testContext(t), 8); err == nil || !strings.Contains(err.Error(), "has 1 of 4") {
		t.Errorf("with some of the shards: %v", err)
	}
	if err := bot.Reshard(testContext(t), -1); err == nil || !strings.Contains(err.Error(), "-1") {
		t.Errorf("to -1: %v", err)
	}
	if n := len(srv.Identifies()); n != 1 {
		t.Errorf("%d IDENTIFYs", n)
	}
}

func TestShutdownDuringReshard(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"connecting", "identifying"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			srv, bot, n := reshardWorld(t)
			if err := bot.Open(testContext(t)); err != nil {
				t.Fatal(err)
			}
			if when == "connecting" {
				srv.OnConnect(func(*discordtest.Conn) bool { return true }) // no HELLO
			}
			check := traffic(t, srv, n)
			resharded := make(chan error, 1)
			go func() { resharded <- bot.Reshard(testContext(t), 8) }()
			begun := func() bool {
				// Four of the new shards have to wait: others of their keys have just identified.
				return len(srv.Connections()) == 12 && (when == "connecting" || len(srv.Identifies()) == 8)
			}
			if err := srv.Wait(testContext(t), begun); err != nil {
				t.Fatal(err)
			}
			check()
			if err := bot.Shutdown(testContext(t)); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if err := receive(t, resharded); !errors.Is(err, botwright.ErrShutdown) {
				t.Errorf("Reshard: %v", err)
			}
			gone := func() bool { return len(srv.Connections()) == 0 }
			if err := srv.Wait(testContext(t), gone); err != nil {
				t.Errorf("connections are left: %v", err)
			}
			if err := bot.Reshard(testContext(t), 8); !errors.Is(err, botwright.ErrNotOpen) {
				t.Errorf("after Shutdown: %v", err)
			}
		})
	}
}

func TestRoundShards(t *testing.T) {
	t.Parallel()
	tests := []struct{ count, maxConcurrency, want int }{
		{0, 1, 1}, {1, 1, 1}, {7, 1, 7}, {7, 0, 7}, {100, 2, 100}, {9, 15, 9},
		{1, 16, 16}, {16, 16, 16}, {17, 16, 32}, {150, 16, 160}, {160, 16, 160},
		{1000, 32, 1024}, {100, 64, 128},
	}
	for _, tt := range tests {
		if got := botwright.RoundShards(tt.count, tt.maxConcurrency); got != tt.want {
			t.Errorf("%d shards with max_concurrency %d: %d, want %d",
				tt.count, tt.maxConcurrency, got, tt.want)
		}
	}
}

// TestReshardGivenUpLate gives up when both sets of shards handle events, and an old shard is away:
// what the new ones have handled comes again when it is back.
func TestReshardGivenUpLate(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, MaxConcurrency: 8, IdentifyWindow: 1})
	bot := newBot(t, srv, botwright.WithShards(1), botwright.WithOverlapPart(3*time.Second))
	events := heard(bot)
	open(t, bot)
	old := srv.Conn(0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- bot.Reshard(ctx, 2) }()
	testkit.Await(t, "both sets of shards handle events", func() bool {
		return botwright.OverlapPhase(bot) == "both"
	})
	srv.RefuseResume(true)
	srv.RefuseGateway(true)
	old.Reset()
	await(t, srv, func() bool { return len(srv.Connections()) == 2 })
	tell(t, srv, 1, 100)
	expect(t, events, 1, 100) // on the new shards
	cancel()
	if err := receive(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("Reshard: %v", err)
	}
	if err := bot.Reshard(t.Context(), 2); !errors.Is(err, botwright.ErrResharding) {
		t.Errorf("Reshard while it is undone: %v", err)
	}
	tell(t, srv, 101, 200)
	srv.RefuseResume(false)
	srv.RefuseGateway(false)
	await(t, srv, func() bool { return len(srv.Connections()) == 1 }) // the old one is back alone
	tell(t, srv, 201, 202)
	expect(t, events, 101, 202)
	if n := len(bot.Shards()); n != 1 {
		t.Errorf("%d shards", n)
	}
}
