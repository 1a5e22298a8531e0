package relay_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

func TestCloseBeforeOpen(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.Close()
	b.Close()
	shutdown(t, b.Relay)
}

func TestShutdownWaitsForTheSession(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.session.SyncEvents = true
	tap := tapSession(b.session, false)
	b.session.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) {})
	b.open(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { shutdown(t, b.Relay) })
		wg.Go(b.Close)
	}
	within(t, "closing from many sides", wg.Wait)
	select {
	case <-testkit.Receive(t, tap.conns, "connection").closed:
	default:
		t.Error("the session has not closed its end of the connection")
	}
	if err := b.session.UpdateGameStatus(0, ""); err != discordgo.ErrWSNotFound {
		t.Errorf("UpdateGameStatus = %v, want ErrWSNotFound", err)
	}
	shutdown(t, b.Relay)
	if len(tap.conns) != 0 {
		t.Error("the session was opened again")
	}
}

func TestCloseDoesNotWaitForTheSession(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	b.session.RLock() // Session.Close waits for it
	within(t, "Close", b.Close)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := b.Shutdown(ctx); err == nil {
		t.Error("Shutdown returned before the session was closed")
	}
	b.session.RUnlock()
}

func TestCloseFromAHandler(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.session.SyncEvents = true
	done := make(chan struct{})
	b.session.AddHandler(func(*discordgo.Session, *discordgo.TypingStart) {
		b.Close()
		close(done)
	})
	b.open(t)
	if !b.Dispatch(2, "TYPING_START", []byte(`{}`)) {
		t.Fatal("Dispatch refused an event")
	}
	testkit.Receive(t, done, "return of Close")
}

// TestStuckHandler fills everything between the relay and a handler that does not return, and
// closes from both sides. A reader that waits for the writer deadlocks here.
func TestStuckHandler(t *testing.T) {
	t.Parallel()
	for name, closeSession := range map[string]func(*testing.T, *bench){
		"closed by the session": func(t *testing.T, b *bench) {
			if err := b.session.Close(); err != nil {
				t.Error(err)
			}
		},
		"closed by the relay": func(t *testing.T, b *bench) { shutdown(t, b.Relay) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, relay.Config{QueueSize: 10})
			b.session.SyncEvents = true
			entered, release := make(chan struct{}, 100), make(chan struct{})
			b.session.AddHandler(func(*discordgo.Session, *discordgo.TypingStart) {
				entered <- struct{}{}
				<-release
			})
			b.open(t)
			if !b.Dispatch(2, "TYPING_START", []byte(`{}`)) {
				t.Fatal("Dispatch refused an event")
			}
			testkit.Receive(t, entered, "event")
			for b.Dispatch(3, "TYPING_START", []byte(`{}`)) {
			}
			for range 20 { // several heartbeats wait for their ACK
				if err := b.session.GatewayWriteStruct(map[string]any{"op": 1}); err != nil {
					t.Fatal(err)
				}
			}
			took := within(t, "Close", func() { closeSession(t, b) })
			if took > 10*time.Second {
				t.Errorf("Close took %v, want the second that discordgo sleeps", took)
			}
			close(release)
		})
	}
}
