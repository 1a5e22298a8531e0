package relay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

// reopening is a bench whose handlers tell what the session went through.
type reopening struct {
	*bench
	tap     *tap
	conn    *tappedConn // newest
	ready   chan struct{}
	resumed chan struct{}
	typing  chan string
}

func setupReopening(t *testing.T, cfg relay.Config, mute bool) *reopening {
	t.Helper()
	r := &reopening{
		bench:   setup(t, cfg),
		ready:   make(chan struct{}, 100),
		resumed: make(chan struct{}, 100),
		typing:  make(chan string, 100),
	}
	r.tap = tapSession(r.session, mute)
	r.session.AddHandler(func(*discordgo.Session, *discordgo.Ready) { r.ready <- struct{}{} })
	r.session.AddHandler(func(*discordgo.Session, *discordgo.Resumed) { r.resumed <- struct{}{} })
	r.session.AddHandler(func(_ *discordgo.Session, e *discordgo.TypingStart) {
		r.typing <- e.UserID
	})
	r.open(t)
	testkit.Receive(t, r.ready, "Ready")
	r.conn = testkit.Receive(t, r.tap.conns, "connection")
	if !mute {
		testkit.Receive(t, r.conn.ack, "ACK")
	}
	return r
}

// check makes sure that the session has resumed and works. It waits for the ACK of the first
// heartbeat, as does setupReopening: discordgo's heartbeat goroutine, when it starts only after its
// connection has been closed, closes the next one too.
func (r *reopening) check(t *testing.T) {
	t.Helper()
	testkit.Receive(t, r.resumed, "Resumed")
	r.conn = testkit.Receive(t, r.tap.conns, "new connection")
	testkit.Receive(t, r.conn.ack, "ACK")
	if !r.Dispatch(9, "TYPING_START", []byte(`{"user_id":"after"}`)) {
		t.Fatal("Dispatch refused an event")
	}
	for testkit.Receive(t, r.typing, "event") != "after" {
	}
	if err := r.session.UpdateGameStatus(0, "after"); err != nil {
		t.Error(err)
	}
	if got := testkit.Receive(t, r.sent, "frame"); !strings.Contains(got.d, "after") {
		t.Errorf("Send got %v", got)
	}
	if len(r.ready) != 0 {
		t.Error("the session got a second READY")
	}
}

func TestReopenAfterSessionClose(t *testing.T) {
	t.Parallel()
	r := setupReopening(t, relay.Config{}, false)
	user := r.session.State.User
	for range 2 {
		if err := r.session.Close(); err != nil {
			t.Fatal(err)
		}
		r.check(t)
	}
	if r.session.State.User != user {
		t.Error("State.User is another pointer")
	}
	shutdown(t, r.Relay)
	if got := r.Stats().Reopened; got != 2 {
		t.Errorf("Reopened = %d, want 2", got)
	}
}

func TestEventsWaitForTheReopenedSession(t *testing.T) {
	t.Parallel()
	r := setupReopening(t, relay.Config{}, false)
	go r.session.Close()
	testkit.Receive(t, r.conn.closed, "end of the connection")
	for _, id := range []string{"a", "b"} {
		if !r.Dispatch(2, "TYPING_START", []byte(`{"user_id":"`+id+`"}`)) {
			t.Error("Dispatch refused an event while the session was closed")
		}
	}
	got := testkit.Receive(t, r.typing, "event") + testkit.Receive(t, r.typing, "event")
	if got != "ab" && got != "ba" { // handlers run on their own goroutines
		t.Errorf("got events %q", got)
	}
}

func TestReopenByTheUser(t *testing.T) {
	t.Parallel()
	r := setupReopening(t, relay.Config{}, false)
	if err := r.session.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.session.Open(); err != nil && err != discordgo.ErrWSAlreadyOpen {
		t.Errorf("Session.Open: %v", err)
	}
	r.check(t)
}

// TestReopenAfterLostHeartbeats makes discordgo believe that its heartbeats go unanswered, as
// it does when the wall clock jumps.
func TestReopenAfterLostHeartbeats(t *testing.T) {
	t.Parallel()
	r := setupReopening(t, relay.Config{HeartbeatInterval: 300 * time.Millisecond}, true)
	if !r.Dispatch(2, "TYPING_START", []byte(`{"user_id":"before"}`)) {
		t.Fatal("Dispatch refused an event")
	}
	if got := testkit.Receive(t, r.typing, "event"); got != "before" {
		t.Errorf("first event = %q, want the one that the deaf connection did not take", got)
	}
	r.check(t)
}

func TestSessionThatDoesNotReadIsReopened(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{
		WriteTimeout:      100 * time.Millisecond,
		HeartbeatInterval: 300 * time.Millisecond,
	})
	b.session.SyncEvents = true
	release := make(chan struct{})
	entered := make(chan string, 100)
	b.session.AddHandler(func(_ *discordgo.Session, e *discordgo.TypingStart) {
		entered <- e.UserID
		if e.UserID == "stuck" {
			<-release
		}
	})
	b.open(t)
	for _, id := range []string{"stuck", "next"} {
		if !b.Dispatch(2, "TYPING_START", []byte(`{"user_id":"`+id+`"}`)) {
			t.Fatal("Dispatch refused an event")
		}
	}
	for _, want := range []string{"stuck", "next"} { // the second on a new connection
		if got := testkit.Receive(t, entered, "event"); got != want {
			t.Errorf("event %q, want %q", got, want)
		}
	}
	close(release)
}

func TestCloseWhileReopening(t *testing.T) {
	t.Parallel()
	r := setupReopening(t, relay.Config{}, false)
	go r.session.Close()
	testkit.Receive(t, r.conn.closed, "end of the connection")
	shutdown(t, r.Relay)
	if err := r.session.UpdateGameStatus(0, ""); err != discordgo.ErrWSNotFound {
		t.Errorf("UpdateGameStatus = %v, want ErrWSNotFound", err)
	}
}
