package botwright_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// overwrites returns the paths of the bulk overwrites that Discord was sent.
func overwrites(srv *discordtest.Server) []string {
	var paths []string
	for _, r := range srv.Requests() {
		if r.Method == http.MethodPut && strings.HasSuffix(r.Path, "/commands") {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// lines is a log that hands on its lines.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// until reads lines up to the one that holds text.
func (l lines) until(text string) {
	for line := range l {
		if strings.Contains(line, text) {
			return
		}
	}
}

func TestCommandsAreRegisteredOnce(t *testing.T) {
	t.Parallel()
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	report := &discordgo.ApplicationCommand{Name: "Report", Type: discordgo.MessageApplicationCommand}
	config := &discordgo.ApplicationCommand{Name: "config", Description: "Settings"}
	world := discordtest.Config{Shards: 2, MaxConcurrency: 2, IdentifyWindow: time.Millisecond}
	log := make(lines, 1000)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	first := newScene(t, world, botwright.WithShards(2), botwright.WithLogger(logger),
		botwright.WithCommands(ping), botwright.WithCommands(report))
	first.open(t)
	log.until("application commands registered")
	first.close(t)
	if got := first.srv.RegisteredCommands(""); len(got) != 2 || got[0].Name != "ping" || got[1].Name != "Report" {
		t.Errorf("commands %v", got)
	}

	run := func(wait string, opts ...botwright.Option) {
		t.Helper()
		bot, err := botwright.New(first.srv.Token, append(opts, botwright.WithAPI(first.srv.URL),
			botwright.WithShards(2), botwright.WithLogger(logger))...)
		if err != nil {
			t.Fatal(err)
		}
		if err := bot.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		log.until(wait)
		if err := bot.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	run("application commands are unchanged", botwright.WithCommands(report, ping))
	if got := overwrites(first.srv); len(got) != 1 {
		t.Errorf("overwrites %q, want one", got)
	}
	run("guild="+first.guild, botwright.WithGuildCommands(first.guild, config))
	run("application commands registered", botwright.WithCommands())
	if got := overwrites(first.srv); len(got) != 3 {
		t.Errorf("overwrites %q, want three", got)
	}
	if got := first.srv.RegisteredCommands(""); len(got) != 0 {
		t.Errorf("commands %v are left", got)
	}
	if got := first.srv.RegisteredCommands(first.guild); len(got) != 1 || got[0].Name != "config" {
		t.Errorf("commands %v in the guild", got)
	}
}

func TestCommandsFail(t *testing.T) {
	t.Parallel()
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	s := newScene(t, discordtest.Config{Guilds: 1}, botwright.WithCommands(ping))
	failures := make(chan int, 6)
	for range 5 { // of the attempts that a request has
		failures <- http.StatusInternalServerError
	}
	failures <- http.StatusForbidden // is the end
	s.srv.FailREST(func(r *http.Request) *discordtest.RESTFault {
		if r.Method != http.MethodPut {
			return nil
		}
		return &discordtest.RESTFault{Status: <-failures, Body: `{"code":0,"message":"no"}`}
	})
	s.open(t)
	err := receive(t, s.errors)
	failed, ok := errors.AsType[*botwright.RequestError](err)
	if !ok || failed.Status != http.StatusInternalServerError {
		t.Errorf("error %v, want one with 500", err)
	}
	err = receive(t, s.errors)
	rest, ok := errors.AsType[*discordgo.RESTError](err)
	if !ok || rest.Response.StatusCode != http.StatusForbidden {
		t.Errorf("error %v, want one with 403", err)
	}
	s.close(t)
	if got := overwrites(s.srv); len(got) != 6 {
		t.Errorf("%d overwrites, want 6", len(got))
	}
}

// TestEntryPointCommandStays has an application with an Activity: its command of type 4 has a
// handler, which discordgo has no field for.
func TestEntryPointCommandStays(t *testing.T) {
	t.Parallel()
	log := make(lines, 1000)
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	s := newScene(t, discordtest.Config{}, botwright.WithCommands(ping),
		botwright.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	endpoint := discordgo.EndpointApplicationGlobalCommands(s.srv.Bot().ID)
	_, err := s.bot.Session().RequestWithBucketID(http.MethodPost, endpoint,
		map[string]any{"name": "launch", "description": "", "type": 4, "handler": 2}, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s.open(t)
	log.until("application commands registered")
	body, err := s.bot.Session().RequestWithBucketID(http.MethodGet, endpoint, nil, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Name    string
		Handler int
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "ping" || got[1].Name != "launch" || got[1].Handler != 2 {
		t.Errorf("commands %+v, want ping and launch with its handler", got)
	}
	s.quiet(t)
}

func TestCommandsOfOtherProcess(t *testing.T) {
	t.Parallel()
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	s := newScene(t, discordtest.Config{}, botwright.WithShards(2, 1), botwright.WithCommands(ping))
	s.open(t)
	s.close(t)
	asked := func(r discordtest.Request) bool { return strings.Contains(r.Path, "/commands") }
	if slices.ContainsFunc(s.srv.Requests(), asked) {
		t.Error("a process without shard 0 saw to the commands")
	}
}

func TestWithCommandsRefuses(t *testing.T) {
	t.Parallel()
	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
	odd := &discordgo.ApplicationCommand{Name: "odd", Options: []*discordgo.ApplicationCommandOption{{
		Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "x", Value: make(chan int)}},
	}}}
	for want, opts := range map[string][]botwright.Option{
		"nil":            {botwright.WithCommands(nil)},
		"no name":        {botwright.WithCommands(&discordgo.ApplicationCommand{})},
		"given twice":    {botwright.WithCommands(ping), botwright.WithCommands(ping)},
		"cannot be sent": {botwright.WithGuildCommands("1", odd)},
		"WithCommands: /Ping: its name": {botwright.WithCommands(&discordgo.ApplicationCommand{
			Name: "Ping", Description: "Answers pong"})},
		"WithGuildCommands(1): /ping: its description": {
			botwright.WithGuildCommands("1", &discordgo.ApplicationCommand{Name: "ping"})},
		"not a guild's id": {botwright.WithGuildCommands("here", ping)},
	} {
		t.Run(want, func(t *testing.T) {
			_, err := botwright.New(someToken, opts...)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v does not say %q", err, want)
			}
		})
	}
	if _, err := botwright.New(someToken, botwright.WithCommands(ping),
		botwright.WithGuildCommands("1", ping)); err != nil {
		t.Errorf("the same command everywhere and in a guild: %v", err)
	}
}
