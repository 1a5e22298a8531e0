package relay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

func TestHeartbeatLatencyIsThatOfTheGateway(t *testing.T) {
	t.Parallel()
	const latency = 60 * time.Millisecond
	b := setup(t, relay.Config{Latency: func() time.Duration { return latency }})
	b.session.SyncEvents = true
	handled := make(chan struct{}, 1)
	b.session.AddHandler(func(*discordgo.Session, *discordgo.TypingStart) { handled <- struct{}{} })
	tap := tapSession(b.session, false)
	b.open(t)

	conn := testkit.Receive(t, tap.conns, "connection")
	acked := testkit.Receive(t, conn.ack, "ACK")
	if delay := acked.Sub(conn.written()); delay < latency {
		t.Errorf("ACK came after %v, want at least %v", delay, latency)
	}
	// An event behind the ACK tells that the session has processed the ACK.
	if !b.Dispatch(2, "TYPING_START", []byte(`{}`)) {
		t.Fatal("Dispatch refused an event")
	}
	testkit.Receive(t, handled, "event")
	// HeartbeatLatency reads two fields without their locks; Close has taken both of these.
	shutdown(t, b.Relay)
	if got := b.session.HeartbeatLatency(); got < latency || got > latency+5*time.Second {
		t.Errorf("HeartbeatLatency = %v, want about %v", got, latency)
	}
}

func TestLatencyIsCapped(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{
		Latency:           func() time.Duration { return time.Hour },
		HeartbeatInterval: 200 * time.Millisecond,
	})
	tap := tapSession(b.session, false)
	b.open(t)
	testkit.Receive(t, testkit.Receive(t, tap.conns, "connection").ack, "ACK")
}

func TestAckPrecedesEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, relay.Config{})
	b.session.SyncEvents = true
	entered, release := make(chan struct{}, 3), make(chan struct{})
	b.session.AddHandler(func(*discordgo.Session, *discordgo.TypingStart) {
		entered <- struct{}{}
		<-release
	})
	tap := tapSession(b.session, false)
	b.open(t)
	conn := testkit.Receive(t, tap.conns, "connection")
	testkit.Receive(t, conn.ack, "ACK of the first heartbeat")

	for range 3 { // one in the handler, one in the pipe, one in the queue
		if !b.Dispatch(2, "TYPING_START", []byte(`{}`)) {
			t.Fatal("Dispatch refused an event")
		}
	}
	testkit.Receive(t, entered, "first event")
	for _, op := range []int{1, 4} { // once op 4 has arrived, so has the heartbeat
		if err := b.session.GatewayWriteStruct(map[string]any{"op": op}); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Receive(t, b.sent, "frame")
	close(release)
	testkit.Receive(t, entered, "second event")
	testkit.Receive(t, entered, "third event")

	frames := conn.read()
	if strings.LastIndex(frames, `"op":11`) > strings.LastIndex(frames, `"TYPING_START"`) {
		t.Errorf("the ACK came after the last event: %q", frames)
	}
	if got := strings.Count(frames, `"op":11`); got != 2 {
		t.Errorf("%d ACKs, want 2: %q", got, frames)
	}
}
