package botwright_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// TestOpenWaitsForGuilds opens bots again and again: State must have all guilds each time.
func TestOpenWaitsForGuilds(t *testing.T) {
	t.Parallel()
	for range 10 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{Guilds: 20, MaxConcurrency: 16})
			bot := newBot(t, srv, botwright.WithShards(2))
			open(t, bot)
			if n := bot.StateStats(); n.Guilds != 20 || n.Channels != 80 {
				t.Errorf("when Open returned, State had %v", n)
			}
		})
	}
}

// TestOpenWithoutSomeGuilds opens a bot that is in a guild in an outage, of which Discord says so
// or nothing.
func TestOpenWithoutSomeGuilds(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]bool{"told": false, "not told": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{})
			away := srv.Guilds()[1].ID
			if err := srv.SetUnavailable(away, true); err != nil {
				t.Fatal(err)
			}
			if silent {
				drop(srv, "GUILD_DELETE")
			}
			log, text := newTextLog()
			bot := newBot(t, srv, botwright.WithGuildWait(50*time.Millisecond), botwright.WithLogger(log))
			open(t, bot)
			if n := bot.StateStats(); n.Channels != 8 {
				t.Errorf("State has %v", n)
			}
			if got := strings.Contains(text(), "State lacks guilds"); got != silent {
				t.Errorf("the log says:\n%s", text())
			}
		})
	}
}

// TestOpenEndsWhileItWaitsForGuilds ends the context of an Open that waits for a guild.
func TestOpenEndsWhileItWaitsForGuilds(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	drop(srv, "GUILD_CREATE")
	ctx, cancel := context.WithCancelCause(testContext(t))
	bot := newBot(t, srv, botwright.WithGuildWait(testTime))
	opened := make(chan error, 1)
	go func() { opened <- bot.Open(ctx) }()
	ready := func() bool { return srv.Conn(0) != nil && srv.Conn(0).SessionID() != "" }
	if err := srv.Wait(testContext(t), ready); err != nil {
		t.Fatal(err)
	}
	reason := errors.New("enough")
	cancel(reason)
	if err := receive(t, opened); !errors.Is(err, reason) {
		t.Errorf("Open: %v", err)
	}
}

// drop keeps events of a type from reaching the bot.
func drop(srv *discordtest.Server, eventType string) {
	srv.OnDispatch(func(_ *discordtest.Conn, _ int64, t string, payload []byte) []byte {
		if t == eventType {
			return nil
		}
		return payload
	})
}
