package botwright_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// TestShutdownIsQuick does not wait for discordgo, which sleeps for a second as it closes.
func TestShutdownIsQuick(t *testing.T) {
	t.Parallel()
	quickest := testTime
	for range 5 { // on a busy machine, some take longer
		bot := newBot(t, newServer(t, discordtest.Config{Shards: 4, MaxConcurrency: 4}), botwright.WithShards(4))
		if err := bot.Open(testContext(t)); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := bot.Shutdown(testContext(t)); err != nil {
			t.Error(err)
		}
		quickest = min(quickest, time.Since(begun))
	}
	if quickest >= time.Second {
		t.Errorf("Shutdown takes %v", quickest)
	}
}

func TestShutdownBeforeOpen(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	for range 2 {
		if err := bot.Shutdown(testContext(t)); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
	if err := bot.Open(testContext(t)); !errors.Is(err, botwright.ErrAlreadyOpen) {
		t.Errorf("Open after Shutdown: %v", err)
	}
	if n := len(srv.Requests()) + len(srv.AllConnections()); n != 0 {
		t.Errorf("%d requests and connections", n)
	}
}

func TestShutdownWaitsForHandlers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	began, release, finished := make(chan bool, 1), make(chan bool), make(chan bool, 1)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		began <- true
		<-release
		finished <- true
		return nil
	})
	open(t, bot)
	say(t, srv, "hi")
	receive(t, began)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := bot.Shutdown(testContext(t)); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if len(finished) == 0 {
				t.Error("Shutdown did not wait for the handler")
			}
		})
	}
	close(release)
	wg.Wait()
}

func TestShutdownCutsOff(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	began, cause, release := make(chan bool, 1), make(chan error, 1), make(chan bool)
	marker := make(chan bool, 1)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		marker <- true
		return nil
	})
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		began <- true
		<-ctx.Done()
		cause <- context.Cause(ctx)
		<-release // does not heed it
		return nil
	})
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		say(t, srv, "hi")
	}
	receive(t, began)
	g := srv.Guilds()[0]
	srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "marker")
	receive(t, marker) // so all messages have been read
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := bot.Shutdown(ctx)
	var cut *botwright.ShutdownError
	if !errors.As(err, &cut) || cut.Running != 1 || cut.Waiting != 2 {
		t.Errorf("Shutdown: %v", err)
	}
	if err := receive(t, cause); !errors.Is(err, botwright.ErrShutdown) {
		t.Errorf("the handler's context ended because of %v", err)
	}
	close(release)
}

func TestShutdownDuringReconnect(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	srv.Refuse(true)
	srv.Conn(0).Reset()
	lost := func() bool { return len(srv.Connections()) == 0 }
	if err := srv.Wait(testContext(t), lost); err != nil {
		t.Fatal(err)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if st := bot.Shards()[0].State; st != botwright.ShardClosed {
		t.Errorf("the shard is %s", st)
	}
}

func TestRunStopsWhileOpening(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	srv.FailREST(func(*http.Request) *discordtest.RESTFault { return discordtest.BadGateway() })
	bot := newBot(t, srv)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(ctx) }()
	if err := srv.Wait(testContext(t), func() bool { return len(srv.Requests()) > 0 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := receive(t, ran); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestOpenWaitsOutAnOutage(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	restore := srv.FailREST(func(*http.Request) *discordtest.RESTFault { return discordtest.BadGateway() })
	bot := newBot(t, srv)
	opened := make(chan error, 1)
	go func() { opened <- bot.Open(testContext(t)) }()
	if err := srv.Wait(testContext(t), func() bool { return len(srv.Requests()) > 0 }); err != nil {
		t.Fatal(err)
	}
	restore()
	if err := receive(t, opened); err != nil {
		t.Errorf("Open: %v", err)
	}
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot, err := botwright.New(someToken, botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	err = bot.Run(testContext(t))
	if !errors.Is(err, botwright.ErrUnauthorized) || !strings.Contains(err.Error(), "Bot page") {
		t.Errorf("Run: %v", err)
	}
}

func TestFatalClose(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{PrivilegedIntents: discordtest.NoPrivilegedIntents})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentGuildMembers))
	err := bot.Run(testContext(t))
	var fatal *botwright.ShardError
	if !errors.As(err, &fatal) || fatal.Code != 4014 {
		t.Fatalf("Run: %v", err)
	}
	for _, want := range []string{"Server Members Intent", "Privileged Gateway Intents"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name the %s: %v", want, err)
		}
	}
	if n := len(srv.AllConnections()); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestTokenResetWhileRunning(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	ran := make(chan error, 1)
	go func() { ran <- bot.Run(testContext(t)) }()
	ready := func() bool { return srv.Conn(0) != nil && srv.Conn(0).SessionID() != "" }
	if err := srv.Wait(testContext(t), ready); err != nil {
		t.Fatal(err)
	}
	srv.Conn(0).Close(4004, "Authentication failed.")
	if err := receive(t, ran); !errors.Is(err, botwright.ErrUnauthorized) {
		t.Errorf("Run: %v", err)
	}
}

// TestNoTokenInLogs runs a bot through good and bad times with everything logged.
func TestNoTokenInLogs(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(lockedWriter{&mu, &out},
		&slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithLogger(log))
	bot.Use(botwright.Logging(log))
	said := make(chan bool, 1)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		said <- true
		panic("oh")
	})
	open(t, bot)
	srv.Conn(0).SendRaw([]byte(`{"op":0,"t":"X"`))
	srv.Conn(0).Reconnect()
	say(t, srv, "words of a user")
	receive(t, said)
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, secret := range []string{srv.Token, "words of a user", srv.Token[:20]} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, &out)
		}
	}
	if out.Len() == 0 {
		t.Error("nothing was logged")
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
