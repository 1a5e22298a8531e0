package relay_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

func TestDispatchReachesHandlers(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name string
		sync bool
	}{{"async", false}, {"sync", true}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, relay.Config{})
			b.session.SyncEvents = mode.sync
			typed := make(chan *discordgo.MessageCreate, 1)
			raw := make(chan *discordgo.Event, 1)
			once := make(chan struct{}, 2)
			b.session.AddHandler(func(_ *discordgo.Session, e *discordgo.MessageCreate) { typed <- e })
			b.session.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
				if e.Type == "MESSAGE_CREATE" {
					raw <- e
				}
			})
			b.session.AddHandlerOnce(func(*discordgo.Session, *discordgo.MessageCreate) {
				once <- struct{}{}
			})
			b.open(t)

			d := []byte(` {"id":"1","content":"hi","author":{"id":"2"}}`)
			if !b.Dispatch(7, "MESSAGE_CREATE", d) {
				t.Fatal("Dispatch refused an event")
			}
			clear(d) // it was copied

			if e := testkit.Receive(t, typed, "MessageCreate"); e.Content != "hi" || e.Author.ID != "2" {
				t.Errorf("MessageCreate = %+v", e.Message)
			}
			if e := testkit.Receive(t, raw, "Event"); e.Sequence != 7 || e.Operation != 0 {
				t.Errorf("Event = %+v, want sequence 7", e)
			}
			testkit.Receive(t, once, "AddHandlerOnce")
		})
	}
}

func TestDispatchKeepsOrder(t *testing.T) {
	t.Parallel()
	const events = 5000
	b := setup(t, relay.Config{QueueSize: events})
	b.session.SyncEvents = true
	got := make(chan string, events)
	b.session.AddHandler(func(_ *discordgo.Session, e *discordgo.MessageCreate) { got <- e.ID })
	b.open(t)
	for i := range events {
		if !b.Dispatch(int64(i+2), "MESSAGE_CREATE", fmt.Appendf(nil, `{"id":"%d"}`, i)) {
			t.Fatalf("Dispatch refused event %d", i)
		}
	}
	for i := range events {
		if id := testkit.Receive(t, got, "event"); id != fmt.Sprint(i) {
			t.Fatalf("event %d has id %s", i, id)
		}
	}
}

func TestDispatchDuringOpen(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.session.SyncEvents = true
	var order []string
	done := make(chan struct{})
	b.session.AddHandler(func(*discordgo.Session, *discordgo.Ready) {
		order = append(order, "ready")
		if !b.Dispatch(2, "TYPING_START", []byte(`{}`)) {
			t.Error("Dispatch refused an event during Open")
		}
	})
	b.session.AddHandler(func(*discordgo.Session, *discordgo.TypingStart) {
		order = append(order, "typing")
		close(done)
	})
	b.open(t)
	testkit.Receive(t, done, "event")
	if len(order) != 2 || order[0] != "ready" {
		t.Errorf("order = %v", order)
	}
}

func TestDispatchRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	if b.Dispatch(1, "TYPING_START", []byte(`{}`)) {
		t.Error("Dispatch took an event before Open")
	}
	readies := make(chan struct{}, 2)
	b.session.AddHandler(func(*discordgo.Session, *discordgo.Ready) { readies <- struct{}{} })
	b.open(t)
	testkit.Receive(t, readies, "Ready")
	for _, e := range []struct{ eventType, d string }{
		{"READY", readyPayload},
		{"RESUMED", `{}`},
		{"", `{}`},
		{`A","op":7,"t":"B`, `{}`},
		{"A\n", `{}`},
		{"Ä", `{}`},
		{"GUILD_CREATE", `null`},
		{"GUILD_CREATE", ``},
		{"GUILD_CREATE", `7`},
		{"GUILD_CREATE", `[]`},
	} {
		if b.Dispatch(2, e.eventType, []byte(e.d)) {
			t.Errorf("Dispatch took %q %q", e.eventType, e.d)
		}
	}
	b.Close()
	if b.Dispatch(3, "TYPING_START", []byte(`{}`)) {
		t.Error("Dispatch took an event after Close")
	}
	if len(readies) != 0 {
		t.Error("a second READY reached the session")
	}
}

func TestQueueSize(t *testing.T) {
	t.Parallel()
	const size = 7
	b := setup(t, relay.Config{QueueSize: size})
	b.session.SyncEvents = true
	taken := 0
	b.session.AddHandler(func(*discordgo.Session, *discordgo.Ready) {
		for b.Dispatch(2, "TYPING_START", []byte(`{}`)) { // the session reads none of them yet
			taken++
		}
	})
	b.open(t)
	if taken != size {
		t.Errorf("the queue took %d events, want %d", taken, size)
	}
}

// TestStorm sends, dispatches and beats at once, for the race detector.
func TestStorm(t *testing.T) {
	t.Parallel()
	const senders, each, events = 4, 500, 2000
	b := setup(t, relay.Config{QueueSize: events})
	handled := make(chan struct{}, events)
	b.session.AddHandler(func(*discordgo.Session, *discordgo.TypingStart) { handled <- struct{}{} })
	b.open(t)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for range each {
				if err := b.session.UpdateGameStatus(0, fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
				if err := b.session.GatewayWriteStruct(map[string]any{"op": 1}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range events {
			if !b.Dispatch(int64(i+2), "TYPING_START", []byte(`{}`)) {
				t.Error("Dispatch refused an event")
			}
		}
	})
	within(t, "the storm", wg.Wait)
	for range senders * each {
		testkit.Receive(t, b.sent, "frame")
	}
	for range events {
		testkit.Receive(t, handled, "event")
	}
}
