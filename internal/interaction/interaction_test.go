package interaction_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/interaction"
)

var errCut = errors.New("the connection broke")

// A discord answers requests as scripted and notes them.
type discord struct {
	mu     sync.Mutex
	seen   []string // "POST callback {…}"
	bodies []string
	answer func(request string) (status int, body string) // 0: the connection breaks
	delay  time.Duration
}

func (d *discord) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte(nil)
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	_, path, _ := strings.Cut(r.URL.Path, token)
	request := strings.TrimSpace(r.Method + " " + strings.TrimPrefix(path, "/"))
	if r.URL.RawQuery != "" {
		request += "?" + r.URL.RawQuery
	}
	d.mu.Lock()
	d.seen = append(d.seen, request)
	d.bodies = append(d.bodies, string(body))
	answer, delay := d.answer, d.delay
	d.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
	status, reply := http.StatusNoContent, ""
	if !strings.Contains(request, "callback") && r.Method != http.MethodDelete {
		status, reply = http.StatusOK, `{"id":"77"}`
	}
	if answer != nil {
		if s, b := answer(request); s >= 0 {
			status, reply = s, b
		}
	}
	if status == 0 {
		return nil, errCut
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(reply)),
	}, nil
}

func (d *discord) requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.seen)
}

func (d *discord) body(i int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bodies[i]
}

// refuse makes Discord refuse the requests that hold text.
func (d *discord) refuse(text string, status, code int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = func(request string) (int, string) {
		if strings.Contains(request, text) {
			return status, fmt.Sprintf(`{"code":%d,"message":"no"}`, code)
		}
		return -1, ""
	}
}

const id, app = "1", "9"

var (
	token = base64.RawURLEncoding.EncodeToString([]byte("interaction:1:secret"))
	about = &discordgo.Interaction{ID: id, AppID: app, Token: token}
)

// A bench is a session whose requests go through a Transport to a scripted Discord.
type bench struct {
	*discord
	answers interaction.Answers
	session *discordgo.Session
}

type failed struct {
	id  string
	err error
}

func (f *failed) Error() string { return "interaction " + f.id + ": " + f.err.Error() }
func (f *failed) Unwrap() error { return f.err }

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{discord: &discord{}}
	b.session, _ = discordgo.New("Bot token")
	b.session.Client = &http.Client{Transport: &interaction.Transport{
		Answers: &b.answers, Next: b.discord,
		Fail: func(id string, err error) error { return &failed{id, err} },
	}}
	return b
}

func (b *bench) track(t *testing.T, onMessage bool) *interaction.Answer {
	t.Helper()
	a := b.answers.Track(about, onMessage)
	t.Cleanup(func() { b.answers.Release(a) })
	return a
}

func (b *bench) respond(
	kind discordgo.InteractionResponseType, flags discordgo.MessageFlags,
) error {
	return b.session.InteractionRespond(about, &discordgo.InteractionResponse{
		Type: kind, Data: &discordgo.InteractionResponseData{Content: "hello", Flags: flags},
	})
}

func (b *bench) edit() error {
	text := "edited"
	_, err := b.session.InteractionResponseEdit(about, &discordgo.WebhookEdit{Content: &text})
	return err
}

// Short names, as in the package documentation.
const (
	message       = discordgo.InteractionResponseChannelMessageWithSource
	deferMessage  = discordgo.InteractionResponseDeferredChannelMessageWithSource
	deferUpdate   = discordgo.InteractionResponseDeferredMessageUpdate
	update        = discordgo.InteractionResponseUpdateMessage
	modal         = discordgo.InteractionResponseModal
	ephemeral     = discordgo.MessageFlagsEphemeral
	sendsCallback = "POST callback"
	sendsEdit     = "PATCH messages/@original"
	sendsEdit77   = "PATCH messages/77"
	sendsDelete   = "DELETE messages/@original"
	sendsMessage  = "POST?wait=true"
)

// TestAfterDeferral is the table of the package documentation, and what an edit does then.
func TestAfterDeferral(t *testing.T) {
	none := []string{}
	tests := []struct {
		name      string
		onMessage bool // deferred as quiet, not loading
		hidden    bool // the placeholder is ephemeral
		kind      discordgo.InteractionResponseType
		flags     discordgo.MessageFlags
		want      []string // requests that the callback comes to
		wantEdit  string   // and those of an edit after it
		err       error
	}{
		{"message", false, false, message, 0, []string{sendsEdit}, sendsEdit, nil},
		{"both ephemeral", false, true, message, ephemeral, []string{sendsEdit}, sendsEdit, nil},
		{"ephemeral message", false, false, message, ephemeral, []string{sendsDelete, sendsMessage}, sendsEdit77, nil},
		{"public message", false, true, message, 0, []string{sendsDelete, sendsMessage}, sendsEdit77, nil},
		{"deferral", false, false, deferMessage, 0, none, sendsEdit, nil},
		{"ephemeral deferral", false, false, deferMessage, ephemeral, []string{sendsDelete}, sendsMessage, nil},
		{"update of nothing", false, false, update, 0, none, sendsEdit, interaction.ErrDeferred},
		{"deferred update of nothing", false, false, deferUpdate, 0, none, sendsEdit, interaction.ErrDeferred},
		{"modal", false, false, modal, 0, none, sendsEdit, interaction.ErrDeferred},

		{"click, message", true, false, message, 0, []string{sendsMessage}, sendsEdit77, nil},
		{"click, ephemeral message", true, false, message, ephemeral, []string{sendsMessage}, sendsEdit77, nil},
		{"click, update", true, false, update, 0, []string{sendsEdit}, sendsEdit, nil},
		{"click, deferred update", true, false, deferUpdate, 0, none, sendsEdit, nil},
		{"click, deferred message", true, false, deferMessage, ephemeral, none, sendsMessage, nil},
		{"click, modal", true, false, modal, 0, none, sendsEdit, interaction.ErrDeferred},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			a := b.track(t, tt.onMessage)
			if err := a.Defer(t.Context(), b.session.Client, "agent", tt.hidden); err != nil {
				t.Fatal(err)
			}
			if err := b.respond(tt.kind, tt.flags); !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			want := append([]string{sendsCallback}, tt.want...)
			if got := b.requests(); !slices.Equal(got, want) {
				t.Fatalf("requests %q, want %q", got, want)
			}
			if tt.err == nil {
				if err := b.respond(message, 0); !errors.Is(err, interaction.ErrAnswered) {
					t.Errorf("error of a second response: %v", err)
				}
			}
			if err := b.edit(); err != nil {
				t.Fatal(err)
			}
			if got, want := b.requests(), append(want, tt.wantEdit); !slices.Equal(got, want) {
				t.Errorf("requests %q, want %q", got, want)
			}
			if tt.wantEdit == sendsMessage && tt.flags != 0 &&
				!strings.Contains(b.body(len(b.requests())-1), `"flags":64`) {
				t.Error("what was promised to one user is shown to all")
			}
			if err := b.edit(); err != nil {
				t.Fatal(err)
			}
			last := b.requests()[len(b.requests())-1]
			if want := strings.Replace(tt.wantEdit, sendsMessage, sendsEdit77, 1); last != want {
				t.Errorf("a second edit sends %q, want %q", last, want)
			}
		})
	}
}

func TestPromiseKeptByFollowup(t *testing.T) {
	b := newBench(t)
	a := b.track(t, false)
	if err := a.Defer(t.Context(), b.session.Client, "agent", false); err != nil {
		t.Fatal(err)
	}
	if err := b.respond(deferMessage, ephemeral); err != nil {
		t.Fatal(err)
	}
	m, err := b.session.FollowupMessageCreate(about, true, &discordgo.WebhookParams{Content: "x"})
	if err != nil || m.ID != "77" {
		t.Fatalf("message %v, error %v", m, err)
	}
	if got := b.body(2); !strings.Contains(got, `"flags":64`) || !strings.Contains(got, `"content":"x"`) {
		t.Errorf("sent %s", got)
	}
}

func TestPromiseBroken(t *testing.T) {
	b := newBench(t)
	a := b.track(t, true)
	if err := a.Defer(t.Context(), b.session.Client, "agent", false); err != nil {
		t.Fatal(err)
	}
	if err := b.respond(deferMessage, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.session.InteractionResponseDelete(about); err != nil {
		t.Fatal(err)
	}
	if got := b.requests(); len(got) != 1 {
		t.Errorf("requests %q: the clicked message was deleted", got)
	}
}

func TestFilesGoAlong(t *testing.T) {
	b := newBench(t)
	a := b.track(t, false)
	if err := a.Defer(t.Context(), b.session.Client, "agent", true); err != nil {
		t.Fatal(err)
	}
	err := b.session.InteractionRespond(about, &discordgo.InteractionResponse{
		Type: message,
		Data: &discordgo.InteractionResponseData{
			Content: "with a file", Flags: ephemeral,
			Files: []*discordgo.File{{Name: "a.txt", Reader: strings.NewReader("file contents")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := b.body(1)
	for _, want := range []string{"file contents", `filename="a.txt"`, `"content":"with a file"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in the edit:\n%s", want, got)
		}
	}
	for _, bad := range []string{`"type":4`, `"data"`, `"flags"`} {
		if strings.Contains(got, bad) {
			t.Errorf("%s is in the edit:\n%s", bad, got)
		}
	}
}

func TestNothingIsDeferredTwice(t *testing.T) {
	b := newBench(t)
	a := b.track(t, false)
	if err := b.respond(message, 0); err != nil {
		t.Fatal(err)
	}
	if err := a.Defer(t.Context(), b.session.Client, "agent", false); err != nil {
		t.Fatal(err)
	}
	if got := b.requests(); !slices.Equal(got, []string{sendsCallback}) {
		t.Errorf("requests %q", got)
	}
}

func TestAnswerWaitsForDeferral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.delay = time.Second
		a := b.track(t, false)
		deferral := make(chan error, 1)
		go func() { deferral <- a.Defer(t.Context(), b.session.Client, "agent", false) }()
		synctest.Wait()
		if err := b.respond(message, 0); err != nil {
			t.Error(err)
		}
		if err := <-deferral; err != nil {
			t.Error(err)
		}
		if got := b.requests(); !slices.Equal(got, []string{sendsCallback, sendsEdit}) {
			t.Errorf("requests %q", got)
		}
	})
}

func TestDeferralWaitsForAnswer(t *testing.T) {
	for status, want := range map[int][]string{
		http.StatusNoContent:  {sendsCallback},
		http.StatusBadRequest: {sendsCallback, sendsCallback}, // the answer was refused: defer
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			b.delay = time.Second
			first := true
			b.answer = func(string) (int, string) {
				if !first {
					return -1, ""
				}
				first = false
				return status, `{"code":50035}`
			}
			a := b.track(t, false)
			answer := make(chan error, 1)
			go func() { answer <- b.respond(message, 0) }()
			synctest.Wait()
			if err := a.Defer(t.Context(), b.session.Client, "agent", false); err != nil {
				t.Error(err)
			}
			if err := <-answer; (err == nil) != (status == http.StatusNoContent) {
				t.Error(err)
			}
			if got := b.requests(); !slices.Equal(got, want) {
				t.Errorf("requests %q, want %q", got, want)
			}
		})
	}
}

func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.delay = time.Minute
		a := b.track(t, false)
		deferral := make(chan error, 1)
		go func() { deferral <- a.Defer(t.Context(), b.session.Client, "agent", false) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := b.session.InteractionRespond(about, &discordgo.InteractionResponse{Type: message},
			discordgo.WithContext(ctx))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("error %v after %v", err, time.Since(start))
		}
		if err := <-deferral; err != nil {
			t.Error(err)
		}
	})
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name         string
		status, code int
		want         error
	}{
		{"second", 400, 40060, interaction.ErrAnswered},
		{"late", 404, 10062, interaction.ErrExpired},
		{"after the token", 401, 50027, interaction.ErrExpired},
		{"bad form", 400, 50035, nil},
		{"broken connection", 0, 0, errCut},
	}
	for _, tt := range tests {
		for _, tracked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, tracked %v", tt.name, tracked), func(t *testing.T) {
				b := newBench(t)
				if tracked {
					b.track(t, false)
				}
				b.refuse("", tt.status, tt.code)
				err := b.respond(message, 0)
				var f *failed
				if !errors.As(err, &f) || f.id != id {
					t.Fatalf("error %v (%T) is not typed", err, err)
				}
				if tt.want != nil && !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				var rest *discordgo.RESTError
				if tt.status != 0 && (!errors.As(err, &rest) || rest.Message.Code != tt.code) {
					t.Errorf("error %v has not what Discord said", err)
				}
				if strings.Contains(err.Error(), token) || strings.Contains(fmt.Sprintf("%+v", rest), "Bot token") {
					t.Errorf("error %v shows a token", err)
				}
			})
		}
	}
}

func TestEditsAreTyped(t *testing.T) {
	b := newBench(t)
	b.refuse("PATCH", 401, 50027)
	err := b.edit()
	var f *failed
	if !errors.As(err, &f) || f.id != id || !errors.Is(err, interaction.ErrExpired) {
		t.Errorf("error %v", err)
	}
	if strings.Contains(err.Error(), token) {
		t.Error("the error shows the token")
	}
}

func TestDeferralRefused(t *testing.T) {
	t.Run("answered elsewhere", func(t *testing.T) {
		b := newBench(t)
		a := b.track(t, false)
		b.refuse("callback", 400, 40060)
		if err := a.Defer(t.Context(), b.session.Client, "agent", false); err != nil {
			t.Error(err)
		}
		if err := b.respond(message, 0); !errors.Is(err, interaction.ErrAnswered) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("late", func(t *testing.T) {
		b := newBench(t)
		a := b.track(t, false)
		b.refuse("callback", 404, 10062)
		if err := a.Defer(t.Context(), b.session.Client, "agent", false); !errors.Is(err, interaction.ErrExpired) {
			t.Errorf("error %v", err)
		}
		if err := b.respond(message, 0); !errors.Is(err, interaction.ErrExpired) {
			t.Errorf("error %v", err)
		}
		if got := b.requests(); len(got) != 1 {
			t.Errorf("requests %q: a lost interaction was answered", got)
		}
	})
	t.Run("broken connection, not received", func(t *testing.T) {
		b := newBench(t)
		a := b.track(t, false)
		b.refuse("callback", 0, 0)
		err := a.Defer(t.Context(), b.session.Client, "agent", false)
		if !errors.Is(err, errCut) || strings.Contains(err.Error(), token) {
			t.Errorf("error %v", err)
		}
		b.answer = nil
		if err := b.respond(message, 0); err != nil {
			t.Error(err)
		}
		if got := b.requests(); !slices.Equal(got, []string{sendsCallback, sendsCallback}) {
			t.Errorf("requests %q", got)
		}
	})
	t.Run("broken connection, received", func(t *testing.T) {
		b := newBench(t)
		a := b.track(t, false)
		b.refuse("callback", 0, 0)
		if err := a.Defer(t.Context(), b.session.Client, "agent", false); !errors.Is(err, errCut) {
			t.Errorf("error %v", err)
		}
		b.refuse("callback", 400, 40060)
		if err := b.respond(message, 0); err != nil {
			t.Error(err)
		}
		if got := b.requests(); !slices.Equal(got, []string{sendsCallback, sendsCallback, sendsEdit}) {
			t.Errorf("requests %q", got)
		}
	})
}

// TestFailedEditMayBeRepeated: what Discord refuses changes nothing.
func TestFailedEditMayBeRepeated(t *testing.T) {
	for _, request := range []string{sendsEdit, sendsDelete, sendsMessage} {
		b := newBench(t)
		a := b.track(t, false)
		if err := a.Defer(t.Context(), b.session.Client, "agent", request != sendsEdit); err != nil {
			t.Fatal(err)
		}
		b.refuse(request, 400, 50035)
		var rest *discordgo.RESTError
		if err := b.respond(message, 0); !errors.As(err, &rest) {
			t.Errorf("%s: error %v", request, err)
		}
		b.answer = nil
		if err := b.respond(message, 0); err != nil {
			t.Errorf("%s: %v", request, err)
		}
		if err := b.respond(message, 0); !errors.Is(err, interaction.ErrAnswered) {
			t.Errorf("%s: %v", request, err)
		}
	}
}

func TestOthersPass(t *testing.T) {
	b := newBench(t)
	b.refuse("", 404, 10015)
	for _, do := range []func() error{
		func() error { _, err := b.session.ChannelMessage("1", "2"); return err },
		func() error {
			_, err := b.session.WebhookExecute("1", "some-token", true, &discordgo.WebhookParams{Content: "x"})
			return err
		},
	} {
		err := do()
		var f *failed
		var rest *discordgo.RESTError
		if errors.As(err, &f) || !errors.As(err, &rest) {
			t.Errorf("error %v (%T)", err, err)
		}
	}
}

func TestRecordsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		track := func(n int, deferred bool) {
			i := &discordgo.Interaction{ID: id, AppID: app, Token: fmt.Sprintf("%s%d", token, n)}
			a := b.answers.Track(i, false)
			if again := b.answers.Track(i, false); again != a {
				t.Fatal("two records of one interaction")
			}
			b.answers.Release(a)
			if deferred {
				if err := a.Defer(t.Context(), b.session.Client, "agent", false); err != nil {
					t.Fatal(err)
				}
			}
			b.answers.Release(a)
		}
		track(0, false)
		if n := b.answers.Len(); n != 0 {
			t.Errorf("%d records of what nothing remains to be done for", n)
		}
		for n := range 10_050 {
			track(n, true)
		}
		if n := b.answers.Len(); n != 10_000 {
			t.Errorf("%d records, want 10000", n)
		}
		time.Sleep(15*time.Minute + time.Second)
		track(0, false)
		if n := b.answers.Len(); n != 0 {
			t.Errorf("%d records after their tokens have expired", n)
		}
	})
}

func FuzzTransport(f *testing.F) {
	f.Add("application/json", []byte(`{"type":4,"data":{"content":"x","flags":64}}`), true)
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\n\r\n--x--"), false)
	f.Add("application/json", []byte(`{"type":4,"data":[]}`), false)
	f.Fuzz(func(t *testing.T, contentType string, body []byte, hidden bool) {
		b := newBench(t)
		a := b.track(t, false)
		if err := a.Defer(t.Context(), b.session.Client, "agent", hidden); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			discordgo.EndpointInteractionResponse(id, token), bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		resp, err := b.session.Client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	})
}

// BenchmarkPass is what the requests cost that have nothing to do with interactions.
func BenchmarkPass(b *testing.B) {
	next := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errCut })
	transport := &interaction.Transport{Answers: new(interaction.Answers), Next: next}
	for name, path := range map[string]string{
		"channel": "channels/1/messages", "webhook": "webhooks/1/some-token",
	} {
		b.Run(name, func(b *testing.B) {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, discordgo.EndpointAPI+path, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := transport.RoundTrip(r); !errors.Is(err, errCut) {
					b.Fatal(err)
				}
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
