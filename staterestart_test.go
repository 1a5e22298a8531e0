package botwright_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/testkit"
)

// A child is a bot in a process of its own that can be killed; see childBot.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   io.Reader
	lines *bufio.Scanner
}

// startChild starts a child with a session file, which alerts webhooks if it is given some.
func startChild(t *testing.T, srv *discordtest.Server, path string, hooks ...string) *child {
	t.Helper()
	config := append([]string{srv.URL, srv.Token, path}, hooks...)
	c := &child{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0])}
	c.cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(config, " "))
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.out, c.lines = out, bufio.NewScanner(out)
	return c
}

// read returns the next thing that the child says, and a number.
func (c *child) read() (what string, seq int64) {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("the child says nothing more: %v", c.lines.Err())
	}
	if _, err := fmt.Sscan(c.lines.Text(), &what, &seq); err != nil {
		c.t.Fatalf("the child says %q: %v", c.lines.Text(), err)
	}
	return what, seq
}

// kill kills the child, and calls said with what it has said that was not read yet.
func (c *child) kill(said func(what string, seq int64)) {
	c.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	for c.lines.Scan() {
		var what string
		var seq int64
		if n, _ := fmt.Sscan(c.lines.Text(), &what, &seq); n == 2 {
			said(what, seq)
		}
	}
	_ = c.cmd.Wait() // killed
}

// TestStateSurvivesKill kills a bot under traffic, and again, and compares the State of the one that
// goes on with that of a bot that was never stopped.
func TestStateSurvivesKill(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 6, Members: 5, MaxConcurrency: 4, IdentifyWindow: 1})
	path := sessionFile(t)
	reference := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAll))
	seen := heard(reference)
	open(t, reference)
	for round := range 2 {
		c := startChild(t, srv, path)
		await(t, srv, func() bool { return len(srv.Connections()) == 2 })
		changed := srv.Conn(0).Sequence() // of the child, or of the reference: they get the same
		stir(t, srv, round)
		for saves := 0; saves < 2; {
			what, seq := c.read()
			if what == "saved" && seq > changed {
				saves++
				stir(t, srv, round) // some of it is not saved when it is killed
			}
		}
		c.kill(func(string, int64) {})
		await(t, srv, func() bool { return len(srv.Connections()) == 1 })
		stir(t, srv, round)
	}
	var log testkit.Log
	next := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithSessionStore(botwright.FileSessionStore(path)),
		botwright.WithLogger(log.Text()))
	events := heard(next)
	open(t, next)
	stir(t, srv, 2)
	tell(t, srv, 1000, 1005)
	for _, ch := range []<-chan *botwright.Event{seen, events} {
		for content(t, receive(t, ch)) != "1005" {
		}
	}
	for _, r := range srv.Resumes() {
		if !r.Accepted {
			t.Errorf("a resume was refused: %+v", r)
		}
	}
	if n := len(srv.Identifies()); n != 2 {
		t.Errorf("%d identifies, want 2", n)
	}
	got, want := contents(next), contents(reference)
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if got[id] != want[id] {
			t.Errorf("guild %s:\n got  %s\n want %s", id, got[id], want[id])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d guilds, want %d", len(got), len(want))
	}
	if t.Failed() {
		t.Log(log.String())
	}
}

// stir lets much happen that State keeps.
func stir(t *testing.T, srv *discordtest.Server, round int) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, g := range srv.Guilds() {
		c, err := srv.AddChannel(g.ID, fmt.Sprintf("new-%d", round))
		must(err)
		if i%2 == 0 {
			must(srv.RemoveChannel(c.ID))
		}
		_, err = srv.AddMember(g.ID)
		must(err)
		_, err = srv.UpdateMember(g.ID, srv.Bot().ID, discordtest.MemberEdit{Roles: []string{g.Roles[(i+round)%len(g.Roles)].ID}})
		must(err)
	}
	must(srv.SetUnavailable(srv.Guilds()[1].ID, true))
	if round == 1 {
		must(srv.SetUnavailable(srv.Guilds()[1].ID, false))
	}
	srv.AddGuild(fmt.Sprintf("joined-%d", round), 2)
	tell(t, srv, 100, 110)
}

// contents returns what a bot's State holds, by guild, with lists in the order of ids.
func contents(bot *botwright.Bot) map[string]string {
	st := bot.Session().State
	st.RLock()
	defer st.RUnlock()
	all := make(map[string]string)
	for _, g := range st.Guilds {
		plain := *g
		plain.Channels, plain.Members = slices.Clone(g.Channels), slices.Clone(g.Members)
		slices.SortFunc(plain.Channels, func(a, b *discordgo.Channel) int { return strings.Compare(a.ID, b.ID) })
		slices.SortFunc(plain.Members, func(a, b *discordgo.Member) int { return strings.Compare(a.User.ID, b.User.ID) })
		b, err := json.Marshal(plain)
		if err != nil {
			panic(err)
		}
		all[g.ID] = strings.ReplaceAll(string(b), ":[]", ":null")
	}
	return all
}

// sessionsOnly is a store of a user that keeps no State.
type sessionsOnly struct{ botwright.SessionStore }

// TestResumedWithoutState says why State is empty when the store, or another policy, leaves it so.
func TestResumedWithoutState(t *testing.T) {
	t.Parallel()
	full := botwright.WithState(botwright.StateFull())
	for name, tt := range map[string]struct {
		wrap func(botwright.SessionStore) botwright.SessionStore
		opts []botwright.Option
		want string
	}{
		"another policy": {func(s botwright.SessionStore) botwright.SessionStore { return s }, []botwright.Option{full}, "another policy"},
		"no StateStore":  {func(s botwright.SessionStore) botwright.SessionStore { return sessionsOnly{s} }, nil, "keeps no State"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{Guilds: 2})
			store := botwright.FileSessionStore(sessionFile(t))
			var log testkit.Log
			logger := botwright.WithLogger(log.Text())
			intents := botwright.WithIntents(discordgo.IntentsAll)
			bot := newBot(t, srv, intents, logger, botwright.WithSessionStore(store))
			if err := bot.Open(testContext(t)); err != nil {
				t.Fatal(err)
			}
			shutdown(t, bot)
			bot = newBot(t, srv, append(tt.opts, intents, logger, botwright.WithSessionStore(tt.wrap(store)))...)
			events := heard(bot)
			start := time.Now()
			open(t, bot)
			tell(t, srv, 1, 3)
			expect(t, events, 1, 3)
			if n := bot.StateStats().Guilds; n != 0 || len(srv.Identifies()) != 1 {
				t.Errorf("%d guilds after %v and %d identifies", n, time.Since(start), len(srv.Identifies()))
			}
			if !strings.Contains(log.String(), tt.want) {
				t.Errorf("the log does not say %q:\n%s", tt.want, log.String())
			}
			_ = bot.Shutdown(context.Background())
		})
	}
}
