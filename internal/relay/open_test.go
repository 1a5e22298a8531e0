package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

func TestOpenGivesTheSessionItsReady(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	ready := make(chan *discordgo.Ready, 1)
	connected := make(chan struct{}, 1)
	b.session.AddHandler(func(_ *discordgo.Session, e *discordgo.Ready) { ready <- e })
	b.session.AddHandler(func(*discordgo.Session, *discordgo.Connect) { connected <- struct{}{} })

	b.open(t)

	if got := b.session.State.User; got == nil || got.ID != "42" {
		t.Errorf("State.User = %+v, want id 42", got)
	}
	if got := b.session.State.SessionID; got != "upstream" {
		t.Errorf("State.SessionID = %q, want upstream", got)
	}
	if e := testkit.Receive(t, ready, "Ready"); len(e.Guilds) != 0 {
		t.Errorf("Ready lists %d guilds, want none", len(e.Guilds))
	}
	testkit.Receive(t, connected, "Connect")
}

func TestOpenRefusesABadReady(t *testing.T) {
	t.Parallel()
	for name, ready := range map[string]string{
		"empty":         ``,
		"null":          `null`,
		"no user":       `{"session_id":"s"}`,
		"no session":    `{"user":{"id":"1"}}`,
		"user null":     `{"session_id":"s","user":null}`,
		"not an object": `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, relay.Config{})
			if err := b.Open(t.Context(), json.RawMessage(ready)); err == nil {
				t.Error("Open succeeded")
			}
		})
	}
}

func TestOpenTwiceAndAfterClose(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	if err := b.Open(t.Context(), json.RawMessage(readyPayload)); err == nil {
		t.Error("the second Open succeeded")
	}
	b.Close()
	if err := b.Open(t.Context(), json.RawMessage(readyPayload)); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("Open after Close = %v, want ErrClosed", err)
	}
}

func TestSessionCannotOpenItself(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	if err := b.session.Open(); err == nil {
		t.Error("Session.Open succeeded before Relay.Open")
	}
	b.Close()
	if err := b.session.Open(); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("Session.Open after Close = %v, want ErrClosed", err)
	}
}

func TestOpenFailsWhenTheSessionDoes(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.session.ShardID, b.session.ShardCount = 2, 2
	err := b.Open(t.Context(), json.RawMessage(readyPayload))
	if err == nil || !strings.Contains(err.Error(), discordgo.ErrWSShardBounds.Error()) {
		t.Errorf("Open = %v, want the session's error", err)
	}
	if b.Dispatch(2, "TYPING_START", []byte(`{}`)) {
		t.Error("Dispatch took an event after Open had failed")
	}
}

func TestOpenHonoursItsContext(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.session.SyncEvents = true
	entered, release := make(chan struct{}), make(chan struct{})
	b.session.AddHandler(func(*discordgo.Session, *discordgo.Ready) {
		close(entered)
		<-release
	})
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	cause := errors.New("changed my mind")
	go func() {
		<-entered
		cancel(cause)
	}()

	err := b.Open(ctx, json.RawMessage(readyPayload))
	if !errors.Is(err, cause) {
		t.Errorf("Open = %v, want the cause of ctx", err)
	}
	expired, stop := context.WithCancel(context.Background())
	stop()
	if err := b.Shutdown(expired); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown with a handler stuck = %v, want context.Canceled", err)
	}
	close(release) // the cleanup's Shutdown and goleak see that nothing is left
}

func TestOpenHonoursItsContextBeforeTheDial(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.session.Lock() // as Session.Close does for a second
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := b.Open(ctx, json.RawMessage(readyPayload))
	b.session.Unlock()
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open = %v, want DeadlineExceeded", err)
	}
}

func TestNewLeavesTheClientAlone(t *testing.T) {
	t.Parallel()
	var paths []string
	shared := &http.Client{
		Timeout: time.Minute,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			paths = append(paths, r.Method+" "+r.URL.Path)
			return &http.Response{
				StatusCode: http.StatusOK,
				Header:     http.Header{},
				Body:       io.NopCloser(strings.NewReader(`{}`)),
			}, nil
		}),
	}
	session := newSession(t)
	session.Client = shared
	b := setup(t, relay.Config{Session: session})

	if session.Client == shared {
		t.Error("the session still has the shared client")
	}
	if _, ours := shared.Transport.(roundTripper); !ours {
		t.Error("the shared client's transport was replaced")
	}
	if session.Client.Timeout != time.Minute {
		t.Errorf("Timeout = %v, want that of the shared client", session.Client.Timeout)
	}
	if url, err := session.Gateway(); err != nil || url != "ws://relay.invalid/" {
		t.Errorf("Gateway = %q, %v", url, err)
	}
	if _, err := session.GatewayBot(); err != nil {
		t.Errorf("GatewayBot: %v", err)
	}
	if _, err := session.Invite("gateway"); err != nil {
		t.Errorf("Invite: %v", err)
	}
	b.open(t)
	want := "GET /api/v9/gateway/bot GET /api/v9/invites/gateway"
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("the shared transport got %q, want %q", got, want)
	}
}

func TestNewPanicsWithoutItsParts(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New did not panic")
		}
	}()
	relay.New(relay.Config{Session: newSession(t)})
}

func TestManySessions(t *testing.T) {
	t.Parallel()
	const sessions = 200
	benches := make([]*bench, sessions)
	events := make(chan string, sessions)
	for i := range benches {
		benches[i] = setup(t, relay.Config{})
		benches[i].session.AddHandler(func(_ *discordgo.Session, e *discordgo.TypingStart) {
			events <- e.UserID
		})
	}
	took := within(t, "opening all sessions", func() {
		each(benches, func(b *bench) {
			if err := b.Open(t.Context(), json.RawMessage(readyPayload)); err != nil {
				t.Errorf("Open: %v", err)
			}
		})
	})
	t.Logf("%d sessions opened in %v", sessions, took)
	for _, b := range benches {
		if !b.Dispatch(2, "TYPING_START", []byte(`{"user_id":"1"}`)) {
			t.Fatal("Dispatch refused an event")
		}
	}
	for range benches {
		testkit.Receive(t, events, "event")
	}
	took = within(t, "closing all sessions", func() {
		each(benches, func(b *bench) { shutdown(t, b.Relay) })
	})
	t.Logf("%d sessions closed in %v", sessions, took)
}

// each calls f for every bench at once.
func each(benches []*bench, f func(*bench)) {
	var wg sync.WaitGroup
	for _, b := range benches {
		wg.Go(func() { f(b) })
	}
	wg.Wait()
}
