package botwright_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// sessionFile returns the path of a session file that is not there yet.
func sessionFile(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "sessions.json")
}

// heard makes the bot send what it hears to a channel.
func heard(bot *botwright.Bot) <-chan *botwright.Event {
	events := make(chan *botwright.Event, 1000)
	bot.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
		events <- e
		return nil
	})
	return events
}

func content(t *testing.T, e *botwright.Event) string {
	t.Helper()
	var message struct {
		Content string `json:"content"`
	}
	if err := json.Unmarshal(e.Raw(), &message); err != nil {
		t.Fatal(err)
	}
	return message.Content
}

// tell sends messages with the numbers from first to last to every guild in turn.
func tell(t *testing.T, srv *discordtest.Server, first, last int) {
	t.Helper()
	guilds := srv.Guilds()
	for n := first; n <= last; n++ {
		g := guilds[n%len(guilds)]
		data := fmt.Sprintf(`{"id":"%d","channel_id":%q,"guild_id":%q,"content":"%d"}`,
			1000+n, g.Channels[0].ID, g.ID, n)
		if err := srv.Dispatch(g.ID, "MESSAGE_CREATE", json.RawMessage(data)); err != nil {
			t.Fatal(err)
		}
	}
}

// expect waits for the messages with the numbers from first to last, in any order, and checks that
// there is no other.
func expect(t *testing.T, events <-chan *botwright.Event, first, last int) {
	t.Helper()
	var got, want []string
	for n := first; n <= last; n++ {
		got = append(got, content(t, receive(t, events)))
		want = append(want, fmt.Sprint(n))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(events) > 0 {
		t.Errorf("heard %v and %d more, want %v", got, len(events), want)
	}
}

func shutdown(t *testing.T, bot *botwright.Bot) {
	t.Helper()
	if err := bot.Shutdown(testContext(t)); err != nil {
		t.Fatal(err)
	}
}

func TestRestartResumes(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 4, MaxConcurrency: 4})
	path := sessionFile(t)
	start := func() (*botwright.Bot, <-chan *botwright.Event) {
		bot := newBot(t, srv, botwright.WithShards(2),
			botwright.WithSessionStore(botwright.FileSessionStore(path)))
		return bot, heard(bot)
	}
	bot, events := start()
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	tell(t, srv, 1, 10)
	expect(t, events, 1, 10)
	shutdown(t, bot)
	if codes := closeCodes(srv); !slices.Equal(codes, []int{4000, 4000}) {
		t.Errorf("closed with %v", codes)
	}
	for round := 1; round <= 3; round++ {
		tell(t, srv, 20*round, 20*round+9)
		bot, events = start()
		if err := bot.Open(testContext(t)); err != nil {
			t.Fatal(err)
		}
		tell(t, srv, 20*round+10, 20*round+19)
		expect(t, events, 20*round, 20*round+19)
		if st := bot.Shards()[0]; st.Guilds != 2 || st.Identifies != 0 || st.Resumes != 1 {
			t.Errorf("after a restart: %+v, want 2 guilds and a resume", st)
		}
		if id := bot.Session().State.User.ID; id != srv.Bot().ID {
			t.Errorf("the session's user is %s", id)
		}
		shutdown(t, bot)
	}
	if n, m := len(srv.Identifies()), len(srv.Resumes()); n != 2 || m != 6 {
		t.Errorf("%d identifies and %d resumes, want 2 and 6", n, m)
	}
}

func TestSessionFileIsPrivate(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	path := sessionFile(t)
	bot := newBot(t, srv, botwright.WithSessionStore(botwright.FileSessionStore(path)))
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	shutdown(t, bot)
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v: %v", files, err)
	}
	for _, name := range files {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			t.Errorf("%s has mode %v", name, st.Mode())
		}
		b, _ := os.ReadFile(name) // one is a directory
		for part := range strings.SplitSeq(srv.Token, ".") {
			if bytes.Contains(b, []byte(part)) {
				t.Errorf("%s holds a part of the token:\n%s", name, b)
			}
		}
	}
}

// TestBadSessionFile changes a good file and checks that the next bot says why it identifies.
func TestBadSessionFile(t *testing.T) {
	t.Parallel()
	set := func(name string, v any) func([]byte) []byte {
		return func(b []byte) []byte {
			var file map[string]any
			if err := json.Unmarshal(b, &file); err != nil {
				panic(err)
			}
			session, _ := file["sessions"].([]any)[0].(map[string]any)
			session[name] = v
			b, err := json.Marshal(file)
			if err != nil {
				panic(err)
			}
			return b
		}
	}
	replace := func(text string) func([]byte) []byte {
		return func([]byte) []byte { return []byte(text) }
	}
	ago := func(d time.Duration) string { return time.Now().Add(-d).Format(time.RFC3339) }
	tests := []struct {
		name   string
		change func([]byte) []byte
		want   string // in the log
	}{
		{"empty", replace(""), "identify"},
		{"binary", replace("\x00\xff\x00"), "damaged"},
		{"null", replace("null"), "version 0"},
		{"array", replace("[]"), "damaged"},
		{"other version", replace(`{"version":2,"sessions":[]}`), "version 2"},
		{"truncated", func(b []byte) []byte { return b[:len(b)/2] }, "damaged"},
		{"trailing garbage", func(b []byte) []byte { return append(b, '}') }, "damaged"},
		{"other token", set("token_hash", "00"), "another token"},
		{"other shard count", set("shard_count", 2), "of 2 shards"},
		{"other intents", set("intents", 1), "other intents"},
		{"stale", set("alive_at", ago(10*time.Minute)), "ago, and Discord"},
		{"from the future", set("alive_at", ago(-time.Hour)), "ago, and Discord"},
		{"no time", set("alive_at", "0001-01-01T00:00:00Z"), "ago"},
		{"no id", set("id", ""), "incomplete"},
		{"no sequence", set("sequence", 0), "incomplete"},
		{"negative sequence", set("sequence", -7), "incomplete"},
		{"no READY", set("ready", nil), "incomplete"},
		{"READY without a user", set("ready", map[string]any{"session_id": "x"}), "incomplete"},
		{"READY of a wrong type", set("ready", "x"), "incomplete"},
		{"guilds that are none", set("guilds", []string{"", "x", "-1"}), ""},
		{"resume URL that is none", set("resume_url", "%%"), ""},
		{"another shard", set("shard_id", 7), "identify"},
		{"unknown session", set("id", "ffff"), "identify"},
		{"sequence of the future", set("sequence", 1<<40), "identify"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{Guilds: 1, Members: 1, IdentifyWindow: 1})
			path := sessionFile(t)
			bot := newBot(t, srv, botwright.WithSessionStore(botwright.FileSessionStore(path)))
			heard(bot)
			if err := bot.Open(testContext(t)); err != nil {
				t.Fatal(err)
			}
			shutdown(t, bot)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.change(b), 0o600); err != nil {
				t.Fatal(err)
			}
			// A slow machine saves twice, and what the second save says would hide the change.
			if err := os.Remove(path + ".progress"); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			var log bytes.Buffer
			var mu sync.Mutex
			bot = newBot(t, srv, botwright.WithSessionStore(botwright.FileSessionStore(path)),
				botwright.WithLogger(slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil))))
			events := heard(bot)
			open(t, bot)
			tell(t, srv, 1, 3)
			expect(t, events, 1, 3)
			want := 2
			if tt.want == "" {
				want = 1 // what is wrong does not keep it from being resumed
			}
			if n := len(srv.Identifies()); n != want {
				t.Errorf("%d identifies, want %d", n, want)
			}
			mu.Lock()
			defer mu.Unlock()
			if tt.want != "identify" && !strings.Contains(log.String(), tt.want) {
				t.Errorf("the log does not say %q:\n%s", tt.want, &log)
			}
		})
	}
}

// TestSessionFileOfTwoBots has two bots use a file: the second one is told, and leaves it alone.
func TestSessionFileOfTwoBots(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, MaxConcurrency: 2})
	path := sessionFile(t)
	start := func(id int) (*botwright.Bot, *errorLog) {
		errs := newErrorLog()
		bot := newBot(t, srv, botwright.WithShards(2, id), botwright.WithErrorHandler(errs.handle),
			botwright.WithSessionStore(botwright.FileSessionStore(path)))
		if err := bot.Open(testContext(t)); err != nil {
			t.Fatal(err)
		}
		return bot, errs
	}
	first, _ := start(0)
	second, errs := start(1)
	for _, bot := range []*botwright.Bot{second, first} {
		shutdown(t, bot)
	}
	if len(errs.all()) != 2 || !strings.Contains(errs.all()[0].Error(), "another process") {
		t.Errorf("the second bot was told %v", errs.all())
	}
	first, _ = start(0)
	shutdown(t, first)
	if n, m := len(srv.Identifies()), len(srv.Resumes()); n != 2 || m != 1 {
		t.Errorf("%d identifies and %d resumes, want 2 and 1", n, m)
	}
}

func TestSessionFileWithoutDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing", "s.json")
	_, err := botwright.New("token", botwright.WithSessionStore(botwright.FileSessionStore(path)))
	if err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("New: %v", err)
	}
}

// brokenStore fails, or panics.
type brokenStore struct{ fail func() error }

func (s brokenStore) LoadSessions(context.Context, []int) ([]botwright.SavedSession, error) {
	return nil, s.fail()
}

func (s brokenStore) SaveSessions(context.Context, []botwright.SavedSession) error {
	return s.fail()
}

func TestBrokenSessionStore(t *testing.T) {
	t.Parallel()
	errDisk := errors.New("disk full")
	for name, fail := range map[string]func() error{
		"error": func() error { return errDisk },
		"panic": func() error { panic(errDisk) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, discordtest.Config{})
			log := newErrorLog()
			bot := newBot(t, srv, botwright.WithErrorHandler(log.handle),
				botwright.WithSessionStore(brokenStore{fail}))
			if err := bot.Open(testContext(t)); err != nil {
				t.Fatal(err)
			}
			shutdown(t, bot)
			for i, want := range []string{"load sessions", "save sessions"} {
				if err := log.all()[i]; !errors.Is(err, errDisk) || !strings.Contains(err.Error(), want) {
					t.Errorf("error %d is %v, want %s", i, err, want)
				}
			}
			if len(log.all()) != 2 {
				t.Errorf("reported %v, want one of each", log.all())
			}
		})
	}
}

// TestCutOffComesAgain lets Shutdown cut off handlers: the events of those that it cut off, and
// those behind them, are handled again, and no other.
func TestCutOffComesAgain(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]func(ctx context.Context, release chan bool) error{
		"ignores its context": func(_ context.Context, release chan bool) error { <-release; return nil },
		"returns its cause":   func(ctx context.Context, _ chan bool) error { <-ctx.Done(); return context.Cause(ctx) },
		"panics":              func(ctx context.Context, _ chan bool) error { <-ctx.Done(); panic("cut") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testCutOff(t, handle)
		})
	}
}

func testCutOff(t *testing.T, handle func(ctx context.Context, release chan bool) error) {
	srv := newServer(t, discordtest.Config{})
	path := sessionFile(t)
	bot := newBot(t, srv, botwright.WithSessionStore(botwright.FileSessionStore(path)),
		botwright.WithErrorHandler(func(context.Context, *botwright.Event, error) {}))
	stuck, release := make(chan bool), make(chan bool)
	bot.Handle("MESSAGE_CREATE", func(ctx context.Context, e *botwright.Event) error {
		if content(t, e) == "4" {
			stuck <- true
			return handle(ctx, release)
		}
		return nil
	})
	done := make(chan bool, 10)
	bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error { done <- true; return nil })
	if err := bot.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	tell(t, srv, 1, 7) // in three channels, of which one is stuck
	receive(t, stuck)
	for range 5 {
		receive(t, done)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = bot.Shutdown(ctx)
	next := newBot(t, srv, botwright.WithSessionStore(botwright.FileSessionStore(path)))
	events := heard(next)
	open(t, next)
	for _, want := range []string{"4", "7"} {
		if got := content(t, receive(t, events)); got != want {
			t.Errorf("heard %s, want %s", got, want)
		}
	}
	tell(t, srv, 8, 8)
	expect(t, events, 8, 8)
	close(release)
	if n := len(srv.Identifies()); n != 1 {
		t.Errorf("%d identifies, want 1", n)
	}
}

// childEnv makes the test binary a bot that prints what it does until it is killed. Its value is the
// fake Discord's URL, the token and the path of the session file.
const childEnv = "BOTWRIGHT_CHILD_BOT"

// reportingStore prints what it has saved.
type reportingStore struct{ botwright.StateStore }

func (s reportingStore) SaveSessions(ctx context.Context, sessions []botwright.SavedSession) error {
	err := s.StateStore.SaveSessions(ctx, sessions)
	for _, x := range sessions {
		last := x.Sequence
		for _, r := range x.Handled {
			last = r[1]
		}
		fmt.Fprintln(os.Stdout, "saved", last)
	}
	return err
}

// SaveAlerts prints how many notices of alerts were not delivered.
func (s reportingStore) SaveAlerts(ctx context.Context, alerts []byte) error {
	store, ok := s.StateStore.(botwright.AlertStore)
	if !ok {
		return errors.New("a file keeps no alerts")
	}
	err := store.SaveAlerts(ctx, alerts)
	fmt.Fprintln(os.Stdout, "undelivered", strings.Count(string(alerts), `"Kind":`))
	return err
}

func (s reportingStore) LoadAlerts(context.Context) ([]byte, error) { return nil, nil }

// childBot is the process that tests kill. The message "6" it never finishes.
func childBot(config string) error {
	fields := strings.Fields(config)
	if len(fields) < 3 {
		return fmt.Errorf("not a config of a child: %q", config)
	}
	url, token, path, hooks := fields[0], fields[1], fields[2], fields[3:]
	store, ok := botwright.FileSessionStore(path).(botwright.StateStore)
	if !ok {
		return errors.New("a file keeps no State")
	}
	opts := []botwright.Option{botwright.WithAPI(url), botwright.WithSessionStore(reportingStore{store}),
		botwright.WithIntents(discordgo.IntentsAll), botwright.WithLogger(slog.New(slog.DiscardHandler)),
		botwright.WithSaveEvery(time.Second)}
	if len(hooks) > 0 {
		opts = append(opts, botwright.WithHealth(hookHealth(hooks...)))
	}
	bot, err := botwright.New(token, opts...)
	if err != nil {
		return err
	}
	if len(hooks) > 0 {
		bot.Health().Register("database", found(botwright.Unhealthy))
		bot.Health().Register("disk", found(botwright.Unhealthy))
	}
	bot.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
		if strings.Contains(string(e.Raw()), `"content":"6"`) {
			select {}
		}
		fmt.Fprintln(os.Stdout, "handled", e.Sequence)
		return nil
	})
	return bot.Run(context.Background())
}

// recommending is a transport that lets Discord recommend a number of shards.
type recommending int

func (n recommending) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/gateway/bot") {
		return resp, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	b = regexp.MustCompile(`"shards":\d+`).ReplaceAll(b, fmt.Appendf(nil, `"shards":%d`, n))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	resp.Header.Del("Content-Length")
	return resp, nil
}

// testRecommendationChanges restarts a bot when Discord recommends more shards, and fewer: it keeps
// the number whose sessions it has.
func testRecommendationChanges(t *testing.T) {
	srv := newServer(t, discordtest.Config{Shards: 4, Guilds: 4, MaxConcurrency: 4, IdentifyWindow: 1})
	path := sessionFile(t)
	for i, recommended := range []recommending{4, 5, 3} {
		bot := newBot(t, srv, botwright.WithShards(0),
			botwright.WithSessionStore(botwright.FileSessionStore(path)),
			botwright.WithHTTPClient(&http.Client{Transport: recommended}))
		events := heard(bot)
		if err := bot.Open(testContext(t)); err != nil {
			t.Fatal(err)
		}
		tell(t, srv, 10*i+6, 10*i+10)
		first := 10*i + 1
		if i == 0 {
			first = 6
		}
		expect(t, events, first, 10*i+10)
		if n := len(bot.Shards()); n != 4 {
			t.Errorf("with %d recommended: %d shards", recommended, n)
		}
		shutdown(t, bot)
		tell(t, srv, 10*i+11, 10*i+15)
	}
	if n, m := len(srv.Identifies()), len(srv.Resumes()); n != 4 || m != 8 {
		t.Errorf("%d identifies and %d resumes, want 4 and 8", n, m)
	}
}
