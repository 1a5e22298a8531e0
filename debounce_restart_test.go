package botwright_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// debouncedBot returns a bot that debounces all messages together, and what it handles and hears.
func debouncedBot(
	t *testing.T, srv *discordtest.Server, store botwright.SessionStore, cfg botwright.DebouncerConfig,
) (bot *botwright.Bot, handled, events <-chan *botwright.Event) {
	bot = newBot(t, srv, botwright.WithSessionStore(store), botwright.WithSaveEvery(5*time.Millisecond))
	late := make(chan *botwright.Event, 100)
	bot.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
		late <- e
		return nil
	}, botwright.DebounceWith(cfg, func(*botwright.Event) string { return "all" }))
	return bot, late, heard(bot)
}

// TestDebouncedSurvivesKill has a process end without a word while events are held back.
func TestDebouncedSurvivesKill(t *testing.T) {
	t.Parallel()
	hour := botwright.DebouncerConfig{Wait: time.Hour}
	leading, leadingOnly := hour, hour
	leading.Leading, leadingOnly.LeadingOnly = true, true
	for _, tt := range []struct {
		name  string
		cfg   botwright.DebouncerConfig
		again []string // what the next process gets, of five messages in a row
	}{
		{"the last one waits", hour, []string{"5"}},
		{"the first one was handled", leading, []string{"5"}},
		{"only the first one counts", leadingOnly, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{Guilds: 1})
			store := newMemoryStore()
			bot, handled, events := debouncedBot(t, srv, store, tt.cfg)
			open(t, bot)
			for n := 1; n <= 5; n++ {
				tell(t, srv, n, n)
				expect(t, events, n, n)
			}
			if tt.cfg.Leading || tt.cfg.LeadingOnly {
				expect(t, handled, 1, 1)
			}
			want, missing := srv.Conn(0).Sequence(), int64(len(tt.again))
			poll(t, func() bool { return handledOf(store.session(0)) == want-missing })
			left := store.clone()
			shutdown(t, bot) // too late: this process has been killed

			next, _, events := debouncedBot(t, srv, left, tt.cfg)
			open(t, next)
			tell(t, srv, 9, 9)
			var got []string
			for len(got) < len(tt.again)+1 {
				got = append(got, content(t, receive(t, events)))
			}
			if want := append(slices.Clone(tt.again), "9"); !slices.Equal(got, want) {
				t.Errorf("the next process has got %q, want %q", got, want)
			}
			if n := len(srv.Identifies()); n != 1 {
				t.Errorf("%d identifies, want 1", n)
			}
		})
	}
}

// handledOf counts the events that a stored session says were handled.
func handledOf(s botwright.SavedSession) int64 {
	n := s.Sequence
	for _, r := range s.Handled {
		n += r[1] - r[0] + 1
	}
	return n
}

// TestDebouncedIsHandled lets the turns of bursts come: nothing remains to be sent again.
func TestDebouncedIsHandled(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]botwright.DebouncerConfig{
		"last":         {},
		"leading":      {Leading: true},
		"leading only": {LeadingOnly: true},
		"full":         {MaxKeys: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Wait = time.Millisecond
			srv := newServer(t, discordtest.Config{Guilds: 4})
			store := newMemoryStore()
			bot := newBot(t, srv, botwright.WithSessionStore(store), botwright.WithSaveEvery(5*time.Millisecond))
			bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error { return nil },
				botwright.DebounceWith(cfg, botwright.ByChannel))
			events := heard(bot)
			open(t, bot)
			var telling sync.WaitGroup
			for i := range 4 {
				telling.Go(func() { tell(t, srv, 100*i, 100*i+99) })
			}
			telling.Wait()
			expect(t, events, 0, 399)
			want := srv.Conn(0).Sequence()
			poll(t, func() bool { return store.session(0).Sequence == want })
		})
	}
}

// TestDebouncedCutOff has Shutdown end the context of a debounced handler: its event comes again.
func TestDebouncedCutOff(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 1})
	store := newMemoryStore()
	bot := newBot(t, srv, botwright.WithSessionStore(store),
		botwright.WithErrorHandler(func(context.Context, *botwright.Event, error) {}))
	begun := make(chan bool, 1)
	bot.Handle("MESSAGE_CREATE", func(ctx context.Context, _ *botwright.Event) error {
		begun <- true
		<-ctx.Done()
		return errors.New("half done")
	}, botwright.Debounce(time.Millisecond, botwright.ByChannel))
	open(t, bot)
	tell(t, srv, 1, 1)
	receive(t, begun)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = bot.Shutdown(ctx)
	next, _, events := debouncedBot(t, srv, store, botwright.DebouncerConfig{})
	open(t, next)
	expect(t, events, 1, 1)
}
