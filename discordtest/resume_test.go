package discordtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

const onResumeURL = "/resume/?v=10&encoding=json"

func TestResumeReplaysWhatWasMissed(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, discordgo.IntentGuildMessages|discordgo.IntentMessageContent)
	say(t, srv, 0, "seen")
	c.event("MESSAGE_CREATE")
	srv.Conn(0).Reset()
	if got := c.closed(); got != 1006 {
		t.Fatalf("closed with %d, want a reset", got)
	}
	for i := range 3 {
		say(t, srv, 0, "missed "+strconv.Itoa(i))
	}
	again := connect(t, srv, onResumeURL)
	again.resume(srv.Token, c)
	for i := range 3 {
		var m discordgo.Message
		f := again.event("MESSAGE_CREATE")
		again.decode(f.D, &m)
		if want := "missed " + strconv.Itoa(i); m.Content != want || f.S != int64(3+i) {
			t.Errorf("replayed %q with sequence %d, want %q with %d", m.Content, f.S, want, 3+i)
		}
	}
	again.event("RESUMED")
	say(t, srv, 0, "live")
	again.event("MESSAGE_CREATE")

	conn := srv.Conn(0)
	if !conn.Resumed() || !conn.OnResumeURL() || conn.SessionID() != c.id || conn.Query().Get("v") != "10" {
		t.Errorf("connection: resumed %t, path %s, session %s", conn.Resumed(), conn.Path(), conn.SessionID())
	}
	if r := srv.Resumes(); len(r) != 1 || !r[0].Accepted || r[0].Sequence != 2 || r[0].Replayed != 3 {
		t.Errorf("resumes: %+v", r)
	}
	if n := len(srv.Closes()); n != 0 {
		t.Errorf("%d closes recorded, want none: the server cut the connection", n)
	}
}

func TestReplayDoesNotRepeatRESUMED(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, discordgo.IntentGuildMessages)
	b := connect(t, srv, onResumeURL)
	b.resume(srv.Token, c)
	b.event("RESUMED")
	say(t, srv, 0, "one")
	again := connect(t, srv, onResumeURL)
	again.resume(srv.Token, c) // from before the first RESUMED
	again.event("MESSAGE_CREATE")
	again.event("RESUMED")
}

func TestSecondConnectionTakesTheSession(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, 0)
	again := connect(t, srv, onResumeURL)
	again.resume(srv.Token, c)
	again.event("RESUMED")
	if got := c.closed(); got != 4000 {
		t.Errorf("the first connection was closed with %d, want 4000", got)
	}
}

func TestResumeRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg    discordtest.Config
		before func(*discordtest.Server, *client)
	}{
		"unknown session":   {before: func(_ *discordtest.Server, c *client) { c.id = "nope" }},
		"left with 1000":    {before: func(_ *discordtest.Server, c *client) { c.leave(1000) }},
		"left with 1001":    {before: func(_ *discordtest.Server, c *client) { c.leave(1001) }},
		"closed with 4007":  {before: func(srv *discordtest.Server, c *client) { srv.Conn(0).Close(4007, ""); c.closed() }},
		"sequence too high": {before: func(_ *discordtest.Server, c *client) { c.seq++ }},
		"negative sequence": {before: func(_ *discordtest.Server, c *client) { c.seq = -1 }},
		"sessions dropped":  {before: func(srv *discordtest.Server, _ *client) { srv.DropSessions() }},
		"op 9 false":        {before: func(srv *discordtest.Server, c *client) { srv.Conn(0).InvalidSession(false); c.read() }},
		"expired": {before: func(srv *discordtest.Server, c *client) {
			srv.Conn(0).Close(4000, "")
			c.closed()
			srv.Advance(3*time.Minute + time.Second)
		}},
		"events forgotten": {cfg: discordtest.Config{ReplayLimit: 2}, before: func(srv *discordtest.Server, c *client) {
			srv.Conn(0).Close(4000, "")
			c.closed()
			for range 3 {
				say(t, srv, 0, "x")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, tc.cfg)
			c := login(t, srv, discordgo.IntentGuildMessages)
			tc.before(srv, c)
			again := connect(t, srv, onResumeURL)
			again.resume(srv.Token, c)
			if f := again.read(); f.Op != 9 || string(f.D) != "false" {
				t.Fatalf("got op %d %s, want op 9 false", f.Op, f.T)
			}
			if r := srv.Resumes(); len(r) != 1 || r[0].Accepted || r[0].Reason == "" {
				t.Errorf("resumes: %+v", r)
			}
		})
	}
}

func TestSessionSurvives(t *testing.T) {
	for name, end := range map[string]func(*discordtest.Server, *client){
		"client closes with 4000": func(_ *discordtest.Server, c *client) { c.leave(4000) },
		"client drops TCP":        func(_ *discordtest.Server, c *client) { _ = c.ws.NetConn().Close() },
		"server closes with 4000": func(srv *discordtest.Server, c *client) { srv.Conn(0).Close(4000, "x"); c.closed() },
		"server closes with 1000": func(srv *discordtest.Server, c *client) { srv.Conn(0).Close(1000, ""); c.closed() },
		"server closes with 1001": func(srv *discordtest.Server, c *client) { srv.Conn(0).Close(1001, ""); c.closed() },
		"server closes with 4999": func(srv *discordtest.Server, c *client) { srv.Conn(0).Close(4999, ""); c.closed() },
		"op 9 true":               func(srv *discordtest.Server, c *client) { srv.Conn(0).InvalidSession(true); c.read() },
		"reset in a frame":        func(srv *discordtest.Server, c *client) { srv.Conn(0).ResetMidFrame(); c.closed() },
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, discordtest.Config{})
			c := login(t, srv, 0)
			end(srv, c)
			again := connect(t, srv, onResumeURL)
			again.resume(srv.Token, c)
			again.event("RESUMED")
		})
	}
}

func TestClosesAreRecorded(t *testing.T) {
	srv := start(t, discordtest.Config{})
	login(t, srv, 0, 3, 4).leave(4001)
	srv.Advance(time.Minute)
	_ = login(t, srv, 0, 1, 4).ws.NetConn().Close()
	await(t, srv, func() bool { return len(srv.Closes()) == 2 })
	got := srv.Closes()
	if got[0].Code != 4001 || got[0].ShardID != 3 || got[1].Code != 1006 || got[1].ShardID != 1 {
		t.Errorf("closes: %+v", got)
	}
	<-got[0].Conn.Done()
	if !got[0].Conn.Closed() {
		t.Error("the connection is not closed")
	}
}

// A client that does not read must neither lose events nor hold up others.
func TestSlowClient(t *testing.T) {
	const events = 300
	srv := start(t, discordtest.Config{Shards: 2, MaxConcurrency: 2})
	slow := login(t, srv, discordgo.IntentGuildMessages, 0, 2)
	quick := login(t, srv, discordgo.IntentGuildMessages, 1, 2)
	guilds := srv.Guilds()
	payload := json.RawMessage(`"` + strings.Repeat("x", 64<<10) + `"`) // far more than sockets hold
	for range events {
		for shard := range 2 {
			if err := srv.Dispatch(guilds[shard].ID, "MESSAGE_CREATE", payload); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []*client{quick, slow} {
		for i := range events {
			_, msg, err := c.ws.ReadMessage()
			want := fmt.Sprintf(`{"t":"MESSAGE_CREATE","s":%d,`, i+2)
			if err != nil || !bytes.HasPrefix(msg, []byte(want)) {
				t.Fatalf("event %d: %.40q, %v, want %s", i, msg, err, want)
			}
		}
	}
}

// A client that falls behind by more than the log keeps loses its session.
func TestTooSlowClient(t *testing.T) {
	srv := start(t, discordtest.Config{ReplayLimit: 10})
	c := login(t, srv, discordgo.IntentGuildMessages)
	conn := srv.Conn(0)
	conn.PauseWrites(true)
	for range 500 {
		if err := srv.DispatchShard(0, "MARK", 0); err != nil {
			t.Fatal(err)
		}
	}
	conn.PauseWrites(false)
	if got := c.closed(); got != 1006 {
		t.Errorf("closed with %d, want a reset", got)
	}
	again := connect(t, srv, onResumeURL)
	again.resume(srv.Token, c)
	if f := again.read(); f.Op != 9 {
		t.Errorf("got op %d %s, want op 9", f.Op, f.T)
	}
}

func TestResumeWithAWrongToken(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, 0)
	again := connect(t, srv, onResumeURL)
	again.resume("wrong", c)
	if got := again.closed(); got != 4004 {
		t.Errorf("closed with %d, want 4004", got)
	}
}

// An identify on a connection whose session was invalidated makes a new session there.
func TestIdentifyAgainOnTheSameConnection(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, discordgo.IntentGuildMessages)
	for range 5 {
		say(t, srv, 0, "x")
		c.event("MESSAGE_CREATE")
	}
	first := c.id
	srv.Conn(0).InvalidSession(false)
	if f := c.read(); f.Op != 9 {
		t.Fatalf("got op %d, want op 9", f.Op)
	}
	srv.Advance(5 * time.Second)
	c.identify(srv.Token, discordgo.IntentGuildMessages)
	c.ready()
	say(t, srv, 0, "x")
	if f := c.event("MESSAGE_CREATE"); f.S != 2 || c.id == first {
		t.Errorf("sequence %d in session %s, want 2 in a new one", f.S, c.id)
	}
}
