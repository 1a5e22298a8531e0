package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/testkit"
)

// 64 shards of a bot that may identify 16 at a time are ready as fast as Discord allows, in order.
func TestStartOrder(t *testing.T) {
	t.Parallel()
	const shards, keys, window = 64, 16, 5 * time.Second
	srv := newServer(t, discordtest.Config{
		Guilds: shards, MaxConcurrency: keys, Shards: shards,
		// A little less than Discord's: on a busy machine an IDENTIFY may be slower than the next.
		IdentifyWindow: window * 9 / 10,
	})
	log := &testkit.Log{}
	bot := newBot(t, srv, botwright.WithShards(0),
		botwright.WithLogger(log.Text()))
	open(t, bot)

	identifies := srv.Identifies()
	if len(identifies) != shards {
		t.Fatalf("%d IDENTIFYs, want %d", len(identifies), shards)
	}
	last := make(map[int]int) // by key
	for _, id := range identifies {
		key := id.ShardID % keys
		if prev, ok := last[key]; ok && prev != id.ShardID-keys || !ok && id.ShardID != key {
			t.Errorf("shard %d identified behind shard %d", id.ShardID, prev)
		}
		last[key] = id.ShardID
	}
	// What a busy machine takes is a part of a window; one wave more would take a whole one.
	const waves = shards / keys
	took := identifies[shards-1].Time.Sub(identifies[0].Time)
	if limit := window*(waves-1)*11/10 + window*3/5; took > limit {
		t.Errorf("from the first IDENTIFY to the last it took %v, want at most %v", took, limit)
	}
	progress := regexp.MustCompile(`ready \d+/64, about (1|5|10|15) s left`)
	if !progress.MatchString(log.String()) {
		t.Errorf("no progress in the log:\n%s", log)
	}
}

func TestShardIDIsExact(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		guild := random.Uint64() >> random.UintN(64)
		count := 1 + random.IntN(1<<random.UintN(31))
		want := new(big.Int).SetUint64(guild)
		want.Rsh(want, 22).Mod(want, big.NewInt(int64(count)))
		got, err := botwright.ShardID(strconv.FormatUint(guild, 10), count)
		if err != nil || int64(got) != want.Int64() {
			t.Fatalf("ShardID(%d, %d) = %d, %v; want %d", guild, count, got, err, want)
		}
	}
}

func TestWhereGuildsAre(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, MaxConcurrency: 4})
	bot := newBot(t, srv, botwright.WithShards(4, 0, 2))
	g := srv.Guilds()
	if _, err := bot.ShardKey(g[0].ID, "k"); !errors.Is(err, botwright.ErrNotOpen) || bot.Owns(g[0].ID) {
		t.Errorf("before Open: %v", err)
	}
	open(t, bot)
	tests := []struct {
		guild string
		key   string
		shard int // of the session; -1 for none here
		err   error
	}{
		{g[0].ID, "0/4:k", 0, nil},
		{g[1].ID, "1/4:k", -1, botwright.ErrNotOwned},
		{g[2].ID, "2/4:k", 2, nil},
		{g[3].ID, "3/4:k", -1, botwright.ErrNotOwned},
		{"", "0/4:k", 0, nil}, // a direct message, an entitlement
		{"x", "", -1, nil},
		{"-1", "", -1, nil},
		{"18446744073709551616", "", -1, nil},
	}
	for _, tt := range tests {
		key, err := bot.ShardKey(tt.guild, "k")
		if key != tt.key || (err != nil) != (tt.key == "") {
			t.Errorf("ShardKey(%q) = %q, %v; want %q", tt.guild, key, err, tt.key)
		}
		s, err := bot.SessionFor(tt.guild)
		switch {
		case tt.shard < 0 && (err == nil || !errors.Is(err, cmpErr(tt.err, err))):
			t.Errorf("SessionFor(%q): %v, want %v", tt.guild, err, tt.err)
		case tt.shard >= 0 && (err != nil || s.ShardID != tt.shard):
			t.Errorf("SessionFor(%q): %v, want shard %d", tt.guild, err, tt.shard)
		}
		if owns := bot.Owns(tt.guild); owns != (tt.shard >= 0) {
			t.Errorf("Owns(%q) = %t", tt.guild, owns)
		}
	}
}

// cmpErr returns want, or got if any error will do.
func cmpErr(want, got error) error {
	if want == nil {
		return got
	}
	return want
}

func TestGuildlessEventsComeOnShard0(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, MaxConcurrency: 4})
	bot := newBot(t, srv, botwright.WithShards(4))
	got := make(chan *botwright.Event, 10)
	for _, eventType := range []string{"MESSAGE_CREATE", "ENTITLEMENT_CREATE"} {
		bot.Handle(eventType, func(_ context.Context, e *botwright.Event) error {
			got <- e
			return nil
		})
	}
	open(t, bot)
	if _, err := srv.DirectMessage(srv.Guilds()[3].Members[0].User.ID, "hi"); err != nil {
		t.Fatal(err)
	}
	if err := srv.Dispatch("", "ENTITLEMENT_CREATE", map[string]string{"id": "1"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := receive(t, got); e.ShardID != 0 || e.Session.ShardID != 0 {
			t.Errorf("%s came on shard %d", e.Type, e.ShardID)
		}
	}
}

func TestRestartShard(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, MaxConcurrency: 4})
	bot := newBot(t, srv, botwright.WithShards(4, 1, 2))
	if err := bot.RestartShard(testContext(t), 1); !errors.Is(err, botwright.ErrNotOpen) {
		t.Errorf("before Open: %v", err)
	}
	open(t, bot)
	other := srv.Conn(2)
	before := srv.Conn(1)
	if err := bot.RestartShard(testContext(t), 1); err != nil {
		t.Fatal(err)
	}
	if after := srv.Conn(1); after == before || after.SessionID() != before.SessionID() {
		t.Error("the shard has not resumed its session on another connection")
	}
	if srv.Conn(2) != other {
		t.Error("another shard was restarted too")
	}
	for _, id := range []int{0, 4, -1} {
		if err := bot.RestartShard(testContext(t), id); !errors.Is(err, botwright.ErrNotOwned) {
			t.Errorf("RestartShard(%d): %v", id, err)
		}
	}
	srv.Refuse(true)
	ctx, cancel := context.WithCancelCause(t.Context())
	restarted := make(chan error, 1)
	go func() { restarted <- bot.RestartShard(ctx, 1) }()
	if err := srv.Wait(testContext(t), func() bool { return srv.Conn(1) == nil }); err != nil {
		t.Fatal(err)
	}
	why := errors.New("had enough")
	cancel(why)
	if err := receive(t, restarted); !errors.Is(err, why) {
		t.Errorf("RestartShard without Discord: %v", err)
	}
	srv.Refuse(false)
	if err := bot.RestartShard(testContext(t), 1); err != nil { // does not wait out the back-off
		t.Error(err)
	}
}

func TestOneShardInTrouble(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, MaxConcurrency: 4})
	bot := newBot(t, srv, botwright.WithShards(4))
	got := make(chan int, 10)
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, _ *discordgo.MessageCreate) error {
		got <- s.ShardID
		return nil
	})
	open(t, bot)
	conns := srv.Connections()
	trouble := srv.Conn(2)
	// Whatever shard 2 does, it is cut again.
	srv.OnConnect(func(c *discordtest.Conn) bool {
		c.Reset()
		return true
	})
	trouble.Reset()
	<-trouble.Done()
	for i, g := range srv.Guilds() {
		if i == 2 {
			continue
		}
		if _, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, "hi"); err != nil {
			t.Fatal(err)
		}
		if shard := receive(t, got); shard != i {
			t.Errorf("guild %d's message came on shard %d", i, shard)
		}
	}
	for _, c := range conns {
		if c != trouble && c.Closed() {
			t.Errorf("shard %d was cut too", c.ShardID())
		}
	}
	// Its end of the connection may find out later than the server's.
	await(t, srv, func() bool { return bot.Shards()[2].State != botwright.ShardReady })
	for _, s := range bot.Shards() {
		if s.ID != 2 && s.State != botwright.ShardReady {
			t.Errorf("shard %d is %s", s.ID, s.State)
		}
	}
}

func TestOneFatalShardEndsRun(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, MaxConcurrency: 4})
	bot := newBot(t, srv, botwright.WithShards(4))
	ran, ready := make(chan error, 1), make(chan bool, 4)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.Ready) error {
		ready <- true
		return nil
	})
	go func() { ran <- bot.Run(testContext(t)) }()
	for range 4 {
		receive(t, ready)
	}
	srv.Conn(2).Close(4011, "Sharding required.")
	err := receive(t, ran)
	fatal, ok := errors.AsType[*botwright.ShardError](err)
	if !ok || fatal.ShardID != 2 || fatal.Code != 4011 || !strings.Contains(err.Error(), "WithShards(0)") {
		t.Errorf("Run: %v", err)
	}
	gone := func() bool { return len(srv.Connections()) == 0 }
	if err := srv.Wait(testContext(t), gone); err != nil {
		t.Errorf("connections are left: %v", err)
	}
}

func TestShutdownDuringStart(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4}) // one IDENTIFY per 5 s
	bot := newBot(t, srv, botwright.WithShards(4))
	opened := make(chan error, 1)
	go func() { opened <- bot.Open(testContext(t)) }()
	if err := srv.Wait(testContext(t), func() bool { return len(srv.Identifies()) > 0 }); err != nil {
		t.Fatal(err)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
	if err := receive(t, opened); !errors.Is(err, botwright.ErrShutdown) {
		t.Errorf("Open: %v", err)
	}
	gone := func() bool { return len(srv.Connections()) == 0 }
	if err := srv.Wait(testContext(t), gone); err != nil {
		t.Errorf("connections are left: %v", err)
	}
}

func ExampleBot_ShardKey() {
	srv, _ := discordtest.New(discordtest.Config{})
	defer srv.Close()
	bot, _ := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	ctx := context.Background()
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	key, _ := bot.ShardKey("613425648685547541", "prefix")
	fmt.Println(key)
	_ = bot.Shutdown(ctx)
	// Output: 0/1:prefix
}
