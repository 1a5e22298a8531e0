package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func TestBotAnswers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentGuilds|
		discordgo.IntentGuildMessages|discordgo.IntentMessageContent))
	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
		if s.State.User == nil || s.State.User.ID != srv.Bot().ID {
			t.Errorf("State.User is %v", s.State.User)
		}
		_, err := s.ChannelMessageSend(m.ChannelID, "pong", discordgo.WithContext(ctx))
		return err
	}, botwright.NotBot(), botwright.Prefix("!ping"))
	botwright.On(bot, func(_ context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
		return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
			Type: discordgo.InteractionResponseChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Content: "slash pong"},
		})
	}, botwright.Command("ping"))

	ctx, cancel := context.WithCancel(testContext(t))
	ran := make(chan error)
	go func() { ran <- bot.Run(ctx) }()
	if err := srv.Wait(testContext(t), func() bool { return len(srv.Connections()) == 1 && srv.Connections()[0].SessionID() != "" }); err != nil {
		t.Fatal(err)
	}
	g := srv.Guilds()[0]
	say(t, srv, "no command")
	say(t, srv, "!ping")
	err := srv.Wait(ctx, func() bool {
		return slices.ContainsFunc(srv.Messages(g.Channels[0].ID), func(m *discordgo.Message) bool {
			return m.Content == "pong" && m.Author.ID == srv.Bot().ID
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	in := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "ping")
	if answer, err := in.Response(ctx); err != nil || answer.Message.Content != "slash pong" {
		t.Errorf("answer %+v, %v", answer, err)
	}
	cancel()
	if err := receive(t, ran); err != nil {
		t.Errorf("Run: %v", err)
	}
	if n := len(srv.Messages(g.Channels[0].ID)); n != 4 {
		t.Errorf("%d messages in the channel, want 4", n)
	}
	if codes := closeCodes(srv); !slices.Equal(codes, []int{1000}) {
		t.Errorf("closed with %v, want 1000 once", codes)
	}
}

func closeCodes(srv *discordtest.Server) []int {
	var codes []int
	for _, c := range srv.Closes() {
		codes = append(codes, c.Code)
	}
	return codes
}

func TestHandleAnyEvent(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	stage := make(chan *discordgo.StageInstanceEventCreate, 1)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, e *discordgo.StageInstanceEventCreate) error {
		stage <- e
		return nil
	})
	raw := make(chan *botwright.Event, 10)
	send := func(_ context.Context, e *botwright.Event) error {
		raw <- e
		return nil
	}
	bot.Handle("RATE_LIMITED", send)
	bot.Handle("VOICE_CHANNEL_STATUS_UPDATE", send)
	all := make(chan string, 100)
	bot.Handle("*", func(_ context.Context, e *botwright.Event) error {
		all <- e.Type
		return nil
	})
	open(t, bot)
	g := srv.Guilds()[0]
	dispatch := func(eventType, data string) {
		t.Helper()
		if err := srv.Dispatch(g.ID, eventType, json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
	}
	dispatch("STAGE_INSTANCE_CREATE", `{"id":"7","guild_id":"`+g.ID+`","channel_id":"8","topic":"hi"}`)
	if e := receive(t, stage); e.Topic != "hi" {
		t.Errorf("topic %q", e.Topic)
	}
	dispatch("RATE_LIMITED", `{"opcode":8,"retry_after":1.5,"meta":{"guild_id":"`+g.ID+`"}}`)
	e := receive(t, raw)
	var decode *botwright.DecodeError
	if _, err := e.Payload(); !errors.As(err, &decode) {
		t.Errorf("Payload of an event without a struct: %v", err)
	}
	if !strings.Contains(string(e.Raw()), "retry_after") || e.Type != "RATE_LIMITED" {
		t.Errorf("event %s %s", e.Type, e.Raw())
	}
	dispatch("VOICE_CHANNEL_STATUS_UPDATE", `{"id":"8","guild_id":"`+g.ID+`","status":"x"}`)
	if e := receive(t, raw); e.ChannelID != "8" || e.GuildID != g.ID {
		t.Errorf("channel %q, guild %q", e.ChannelID, e.GuildID)
	}
	dispatch("SOMETHING_NEW", `{"guild_id":"`+g.ID+`"}`)
	for receive(t, all) != "SOMETHING_NEW" {
	}
}

func TestUndecodableNeverReachesTypedHandlers(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithErrorHandler(log.handle))
	messages := make(chan *discordgo.MessageCreate, 10)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		messages <- m
		return nil
	})
	open(t, bot)
	g := srv.Guilds()[0]
	channel := g.Channels[0].ID
	for _, bad := range []string{`null`, `[]`, `{}`, `{"id":7,"channel_id":"` + channel + `"}`} {
		if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(bad)); err != nil {
			t.Fatal(err)
		}
	}
	_ = waitFor[*botwright.DecodeError](t, log)
	unknown := `{"id":"9","channel_id":"` + channel + `","guild_id":"` + g.ID + `","content":"hello",
		"author":{"id":"5","username":"u"},"components":[{"type":99,"x":1}]}`
	if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(unknown)); err != nil {
		t.Fatal(err)
	}
	m := receive(t, messages)
	if m.ID != "9" || m.Author == nil || m.Author.ID != "5" || len(m.Components) != 0 {
		t.Errorf("message with an unknown component: %+v", m.Message)
	}
}

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	log := newErrorLog()
	bot := newBot(t, srv, botwright.WithErrorHandler(
		func(ctx context.Context, e *botwright.Event, err error) {
			log.handle(ctx, e, err)
			panic("the error handler too")
		}))
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		panic("first")
	})
	second := make(chan string, 10)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		second <- m.ID
		return nil
	})
	open(t, bot)
	say(t, srv, "one")
	say(t, srv, "two")
	receive(t, second)
	receive(t, second)
	p := waitFor[*botwright.PanicError](t, log)
	if p.Value != "first" || !strings.Contains(string(p.Stack), "TestPanicsAreContained") {
		t.Errorf("panic %v at %s", p.Value, p.Stack)
	}
}

func TestOrderAndParallelism(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, Channels: 2})
	bot := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAll))
	var mu sync.Mutex
	got := make(map[string][]int)
	stuck, release := make(chan struct{}, 1), make(chan struct{})
	handled := make(chan struct{}, 1000)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		if m.Content == "stuck" {
			stuck <- struct{}{}
			<-release
			return nil
		}
		n, err := strconv.Atoi(m.Content)
		mu.Lock()
		defer mu.Unlock()
		got[m.ChannelID] = append(got[m.ChannelID], n)
		handled <- struct{}{}
		return err
	})
	commands := make(chan string, 10)
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, i *discordgo.InteractionCreate) error {
		commands <- i.ID
		return nil
	})
	open(t, bot)
	g := srv.Guilds()[0]
	author := g.Members[0].User.ID
	say(t, srv, "stuck")
	receive(t, stuck)
	srv.SlashCommand(g.ID, g.Channels[0].ID, author, "x")
	receive(t, commands) // in the guild and channel that are stuck
	const each = 300
	total := 0
	for i := range each {
		for j, guild := range srv.Guilds() {
			for _, c := range guild.Channels[1-j:] { // all but the one that is stuck
				if _, err := srv.Say(c.ID, guild.Members[0].User.ID, strconv.Itoa(i)); err != nil {
					t.Fatal(err)
				}
				total++
			}
		}
	}
	for range total {
		receive(t, handled)
	}
	close(release)
	for channel, order := range got {
		if len(order) != each || !slices.IsSorted(order) {
			t.Errorf("channel %s: %d messages, in order: %v", channel, len(order), slices.IsSorted(order))
		}
	}
}

func TestHandlersComeAndGo(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	calls := make(chan string, 10)
	var removeFirst func()
	removeFirst = botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		removeFirst()
		botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
			calls <- "second"
			return nil
		})
		calls <- "first"
		return nil
	})
	open(t, bot)
	say(t, srv, "1")
	if got := receive(t, calls); got != "first" {
		t.Errorf("the first message went to the %s handler", got)
	}
	say(t, srv, "2")
	if got := receive(t, calls); got != "second" {
		t.Errorf("the second message went to the %s handler", got)
	}
	removeFirst() // twice is fine
}

func TestMisusePanics(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	pass := func(next botwright.Handler) botwright.Handler { return next }
	wantPanic(t, "pass a func", func() {
		botwright.On[discordgo.MessageCreate](bot, nil)
	})
	wantPanic(t, "pass a func", func() { bot.Handle("X", nil) })
	wantPanic(t, "pass its name", func() {
		bot.Handle("", func(context.Context, *botwright.Event) error { return nil })
	})
	wantPanic(t, "leave it out", func() { bot.Use(nil) })
	wantPanic(t, "leave it out", func() {
		bot.Handle("X", func(context.Context, *botwright.Event) error { return nil }, nil)
	})
	bot.Use(pass)
	open(t, bot)
	wantPanic(t, "before the bot is opened", func() { bot.Use(pass) })
	if err := bot.Open(t.Context()); !errors.Is(err, botwright.ErrAlreadyOpen) {
		t.Errorf("second Open: %v", err)
	}
	if err := bot.Run(t.Context()); !errors.Is(err, botwright.ErrAlreadyOpen) {
		t.Errorf("Run after Open: %v", err)
	}
}

func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	bot := newBot(t, srv)
	var mu sync.Mutex
	var got []string
	trace := func(name string) botwright.Middleware {
		return func(next botwright.Handler) botwright.Handler {
			return func(ctx context.Context, e *botwright.Event) error {
				mu.Lock()
				got = append(got, name)
				mu.Unlock()
				return next(ctx, e)
			}
		}
	}
	done := make(chan struct{}, 1)
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		done <- struct{}{}
		return nil
	}, trace("c"), trace("d"))
	bot.Use(trace("a"), trace("b")) // after On, and still outside
	open(t, bot)
	say(t, srv, "hi")
	receive(t, done)
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"a", "b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestTwoBotsShareNothing(t *testing.T) {
	t.Parallel()
	var servers []*discordtest.Server
	heard := make(chan string, 10)
	for i := range 2 {
		srv := newServer(t, discordtest.Config{})
		bot := newBot(t, srv)
		botwright.On(bot, func(_ context.Context, s *discordgo.Session, m *discordgo.MessageCreate) error {
			heard <- fmt.Sprint(i, m.GuildID == srv.Guilds()[0].ID, s == bot.Session())
			return nil
		})
		open(t, bot)
		servers = append(servers, srv)
	}
	for i, srv := range servers {
		say(t, srv, "hi")
		if got, want := receive(t, heard), fmt.Sprint(i, true, true); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	}
}
