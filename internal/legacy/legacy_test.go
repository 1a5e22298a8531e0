package legacy_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/legacy"
)

func newSession(t *testing.T) *discordgo.Session {
	t.Helper()
	s, err := discordgo.New("Bot token")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHandled(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	if got := legacy.Handled(s); got != nil {
		t.Errorf("a session without handlers: %q", got)
	}
	s.AddHandler(func(*discordgo.Session, *discordgo.Connect) {})
	s.AddHandler(func(*discordgo.Session, *discordgo.RateLimit) {})
	s.AddHandler(func(*discordgo.Session, *discordgo.MessageCreate) {})
	s.AddHandlerOnce(func(*discordgo.Session, *discordgo.Ready) {})
	s.AddHandler(func(*discordgo.Session, *discordgo.Event) {})
	s.AddHandler(func(*discordgo.Session, any) {})
	if got := legacy.Handled(s); !slices.Equal(got, []string{"*", "MESSAGE_CREATE", "READY"}) {
		t.Errorf("Handled = %q", got)
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	for word, change := range map[string]func(*discordgo.Session){
		"WithShards":     func(s *discordgo.Session) { s.ShardID = 3 },
		"pass it to New": func(s *discordgo.Session) { s.Token = "Bot other" },
		"WithHTTPClient": func(s *discordgo.Session) { s.Client = &http.Client{} },
	} {
		s := newSession(t)
		want := legacy.SettingsOf(s)
		change(s)
		if got := want.Changed(s); len(got) != 1 || !strings.Contains(got[0], word) {
			t.Errorf("Changed = %q, want %q", got, word)
		}
		if got := want.Changed(s); got != nil {
			t.Errorf("it was not put right: %q", got)
		}
	}
}

func TestRefuseOpen(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.Client = &http.Client{Transport: gateway{}}
	want := errors.New("not like this")
	legacy.RefuseOpen(s, want)
	if err := s.Open(); !errors.Is(err, want) {
		t.Errorf("Open: %v", err)
	}
}

// gateway answers as Discord does to the question where its gateway is.
type gateway struct{}

func (gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r}
	rec.Body = readCloser{strings.NewReader(`{"url":"wss://gateway.invalid/"}`)}
	return rec, nil
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
