package botwright_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A signer signs requests as Discord does.
type signer struct{ key ed25519.PrivateKey }

func newSigner() signer {
	return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))}
}

func (s signer) public() string {
	return hex.EncodeToString(s.key.Public().(ed25519.PublicKey))
}

func (s signer) request(body []byte, at time.Time) *http.Request {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	r := httptest.NewRequest(http.MethodPost, "/interactions", bytes.NewReader(body))
	r.Header.Set("X-Signature-Timestamp", timestamp)
	r.Header.Set("X-Signature-Ed25519",
		hex.EncodeToString(ed25519.Sign(s.key, append([]byte(timestamp), body...))))
	return r
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestInteractionsHandler(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1})
	discord := newSigner()
	h, err := s.bot.InteractionsHandler(discord.public())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	const ping = `{"type":1}`
	signed := func(body string) *http.Request { return discord.request([]byte(body), now) }
	changed := func(change func(*http.Request)) *http.Request {
		r := signed(ping)
		change(r)
		return r
	}
	if resp := serve(h, signed(`{"type":2}`)); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d before Open", resp.StatusCode)
	}
	s.open(t)
	tests := []struct {
		name    string
		request *http.Request
		status  int
		body    string
	}{
		{"ping", signed(ping), 200, ping},
		{"command", signed(`{"type":2}`), 202, ""},
		{"no object", signed(`[]`), 202, ""},
		{"no JSON", signed(`{"type":2`), 400, "Bad Request\n"},
		{"empty", signed(``), 400, "Bad Request\n"},
		{"large", signed(`"` + strings.Repeat("x", 1<<20) + `"`), 413, "Request Entity Too Large\n"},
		{"GET", changed(func(r *http.Request) { r.Method = http.MethodGet }), 405, "Method Not Allowed\n"},
		{"other body", changed(func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"type":2}`))
		}), 401, "Unauthorized\n"},
		{"other timestamp", changed(func(r *http.Request) {
			r.Header.Set("X-Signature-Timestamp", strconv.FormatInt(now.Unix()+1, 10))
		}), 401, "Unauthorized\n"},
		{"no signature", changed(func(r *http.Request) { r.Header.Del("X-Signature-Ed25519") }), 401, "Unauthorized\n"},
		{"short signature", changed(func(r *http.Request) {
			r.Header.Set("X-Signature-Ed25519", "abcd")
		}), 401, "Unauthorized\n"},
		{"no hexadecimal", changed(func(r *http.Request) {
			r.Header.Set("X-Signature-Ed25519", strings.Repeat("zz", 64))
		}), 401, "Unauthorized\n"},
		{"old", discord.request([]byte(ping), now.Add(-2*time.Minute)), 401, "Unauthorized\n"},
		{"of the future", discord.request([]byte(ping), now.Add(2*time.Minute)), 401, "Unauthorized\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := serve(h, tt.request)
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || string(body) != tt.body {
				t.Errorf("status %d and %q, want %d and %q", resp.StatusCode, body, tt.status, tt.body)
			}
			if tt.status == 200 && resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("content type %q", resp.Header.Get("Content-Type"))
			}
			if tt.status == 405 && resp.Header.Get("Allow") != "POST" {
				t.Errorf("allowed: %q", resp.Header.Get("Allow"))
			}
		})
	}
	s.close(t)
	if resp := serve(h, signed(`{"type":2}`)); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d after Shutdown", resp.StatusCode)
	}
}

// TestInteractionsHandlerFeedsHandlers lets an interaction that came over the gateway come by HTTP
// as well: the handler answers the second one.
func TestInteractionsHandlerFeedsHandlers(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 4, MaxConcurrency: 2}, botwright.WithShards(2))
	raws := make(chan json.RawMessage, 1)
	shards := make(chan int, 1)
	s.bot.Handle("INTERACTION_CREATE", func(ctx context.Context, e *botwright.Event) error {
		if e.Sequence > 0 {
			raws <- e.Raw()
			return nil
		}
		shards <- e.ShardID
		payload, err := e.Payload()
		if err != nil {
			return err
		}
		i := payload.(*discordgo.InteractionCreate)
		return e.Session.InteractionRespond(i.Interaction, messageResponse("pong", 0), discordgo.WithContext(ctx))
	}, botwright.Command("ping"), botwright.AutoDefer(2*time.Second))
	s.open(t)
	discord := newSigner()
	h, err := s.bot.InteractionsHandler(discord.public())
	if err != nil {
		t.Fatal(err)
	}
	for _, guild := range s.srv.Guilds() {
		in := s.srv.SlashCommand(guild.ID, guild.Channels[0].ID, guild.Members[0].User.ID, "ping")
		raw := receive(t, raws)
		if resp := serve(h, discord.request(raw, time.Now())); resp.StatusCode != http.StatusAccepted {
			t.Fatalf("status %d", resp.StatusCode)
		}
		m, err := in.Message(testContext(t))
		if err != nil || m.Content != "pong" {
			t.Errorf("message %+v, error %v", m, err)
		}
		want, err := botwright.ShardID(guild.ID, 2)
		if got := receive(t, shards); err != nil || got != want {
			t.Errorf("handled on shard %d, want %d", got, want)
		}
	}
	s.quiet(t)
}

// Who has overheard a request cannot have it handled again.
func TestInteractionsHandlerReplay(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1})
	calls := make(chan string, 10)
	s.bot.Handle("INTERACTION_CREATE", func(_ context.Context, e *botwright.Event) error {
		calls <- string(e.Raw())
		return nil
	})
	discord := newSigner()
	h, err := s.bot.InteractionsHandler(discord.public())
	if err != nil {
		t.Fatal(err)
	}
	first, second := `{"id":"7","type":3}`, `{"id":"8","type":3}`
	send := func(body string) int {
		return serve(h, discord.request([]byte(body), time.Now())).StatusCode
	}
	if status := send(first); status != http.StatusServiceUnavailable {
		t.Errorf("status %d before Open", status)
	}
	s.open(t)
	for i, want := range []int{http.StatusAccepted, http.StatusConflict, http.StatusConflict} {
		if status := send(first); status != want {
			t.Errorf("status %d of time %d, want %d", status, i+1, want)
		}
	}
	if status := send(second); status != http.StatusAccepted {
		t.Errorf("status %d of another one", status)
	}
	got := map[string]bool{receive(t, calls): true, receive(t, calls): true}
	if !got[first] || !got[second] || len(calls) > 0 {
		t.Errorf("handled %v and %d more", got, len(calls))
	}
}

// Interactions beyond what the queue has room for are refused at once, and those that are not are
// handled by every handler.
func TestInteractionsHandlerFull(t *testing.T) {
	t.Parallel()
	s := newScene(t, discordtest.Config{Guilds: 1}, botwright.WithQueue(botwright.QueueConfig{MaxEvents: 64}))
	release := make(chan struct{})
	var together, alone, another atomic.Int32 // three parts, of which 16 is no multiple
	for count, opts := range map[*atomic.Int32][]botwright.HandlerOption{
		&together: nil, &alone: {botwright.Concurrent()}, &another: {botwright.Concurrent()},
	} {
		s.bot.Handle("INTERACTION_CREATE", func(context.Context, *botwright.Event) error {
			<-release
			count.Add(1)
			return nil
		}, opts...)
	}
	s.open(t)
	discord := newSigner()
	h, err := s.bot.InteractionsHandler(discord.public())
	if err != nil {
		t.Fatal(err)
	}
	send := func(n int) int {
		body := fmt.Sprintf(`{"id":"%d","type":3,"guild_id":"%d"}`, n, 100+n)
		return serve(h, discord.request([]byte(body), time.Now())).StatusCode
	}
	const sent = 40
	statuses := make([]int, sent+1)
	var sending sync.WaitGroup
	for n := 1; n <= sent; n++ {
		sending.Go(func() { statuses[n] = send(n) })
	}
	sending.Wait() // while no handler returns
	accepted, refused := int32(0), 0
	for n, status := range statuses[1:] {
		switch status {
		case http.StatusAccepted:
			accepted++
		case http.StatusServiceUnavailable:
			refused = n + 1
		default:
			t.Errorf("status %d", status)
		}
	}
	if accepted < 5 || accepted > 16 {
		t.Errorf("%d interactions were taken, want up to a quarter of 64", accepted)
	}
	close(release)
	if overflow, ok := errors.AsType[*botwright.OverflowError](receive(t, s.errors)); !ok || overflow.Dropped == 0 {
		t.Errorf("reported %v", overflow)
	}
	poll(t, func() bool { return s.bot.Queue().Events == 0 })
	if status := send(refused); status != http.StatusAccepted {
		t.Errorf("status %d of one that was refused before", status)
	}
	s.close(t)
	for _, calls := range []int32{together.Load(), alone.Load(), another.Load()} {
		if calls != accepted+1 {
			t.Errorf("%d calls for %d interactions", calls, accepted+1)
		}
	}
}

// An interaction that came by HTTP is no event of the session: how far that is does not depend on
// it.
func TestInteractionsHandlerIsNotTracked(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	store := newMemoryStore()
	bot := newBot(t, srv, botwright.WithSessionStore(store))
	begun := make(chan bool, 1)
	bot.Handle("INTERACTION_CREATE", func(ctx context.Context, e *botwright.Event) error {
		begun <- e.Sequence == 0
		<-ctx.Done()
		return context.Cause(ctx)
	})
	messages := heard(bot)
	open(t, bot)
	discord := newSigner()
	h, err := bot.InteractionsHandler(discord.public())
	if err != nil {
		t.Fatal(err)
	}
	if resp := serve(h, discord.request([]byte(`{"id":"7","type":3}`), time.Now())); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("status %d", resp.StatusCode)
	}
	if !receive(t, begun) {
		t.Error("it has a sequence")
	}
	tell(t, srv, 1, 10)
	expect(t, messages, 1, 10)
	want := srv.Conn(0).Sequence()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // cuts the handler off
	if _, ok := errors.AsType[*botwright.ShutdownError](bot.Shutdown(ctx)); !ok {
		t.Log("the handler has returned in time")
	}
	if got := store.session(0); got.Sequence < want || len(got.Handled) > 0 {
		t.Errorf("handled up to %d and %v, want all up to %d", got.Sequence, got.Handled, want)
	}
}

func TestInteractionsHandlerKey(t *testing.T) {
	t.Parallel()
	bot, err := botwright.New(someToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", "abcd", strings.Repeat("z", 64), strings.Repeat("a", 66), someToken} {
		h, err := bot.InteractionsHandler(key)
		if err == nil || h != nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func FuzzInteractionsHandler(f *testing.F) {
	f.Add(`{"type":1}`, "", "", true)
	f.Add(`{"type":2,"id":"1","token":"x","data":{"name":"ping"}}`, "0", "00", true)
	f.Add(`{"type":3,"data":null,"guild_id":"99999999999999999999"}`, "-1", "", false)
	srv, err := discordtest.New(discordtest.Config{Guilds: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(srv.Close)
	handled := make(chan error, 1)
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithErrorHandler(func(_ context.Context, _ *botwright.Event, err error) { handled <- err }))
	if err != nil {
		f.Fatal(err)
	}
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.InteractionCreate) error {
		return io.EOF
	}, botwright.ReplyOnErrorFunc(func(*botwright.Event, error) string { return "" }), botwright.AutoDefer(time.Second))
	if err := bot.Open(context.Background()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = bot.Shutdown(context.Background()) })
	discord := newSigner()
	h, err := bot.InteractionsHandler(discord.public())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, timestamp, signature string, sign bool) {
		r := discord.request([]byte(body), time.Now())
		if !sign {
			r.Header["X-Signature-Timestamp"] = []string{timestamp}
			r.Header["X-Signature-Ed25519"] = []string{signature}
		}
		resp := serve(h, r)
		if !sign && resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d without a signature", resp.StatusCode)
		}
		if resp.StatusCode != http.StatusAccepted {
			return
		}
		if err, ok := errors.AsType[*botwright.PanicError](<-handled); ok {
			t.Errorf("%v\n%s", err, err.Stack)
		}
	})
}
