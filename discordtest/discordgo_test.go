package discordtest_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

// redirect sends requests for discord.com to a test server.
type redirect struct{ base string }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	to, err := url.Parse(r.base)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = to.Scheme, to.Host, to.Host
	return http.DefaultTransport.RoundTrip(req)
}

// newSession returns a discordgo session that talks to the server.
func newSession(srv *discordtest.Server) (*discordgo.Session, error) {
	s, err := discordgo.New("Bot " + srv.Token)
	if err != nil {
		return nil, err
	}
	s.Client = &http.Client{Transport: redirect{srv.URL}}
	s.Identify.Intents = discordgo.IntentsAll
	return s, nil
}

// quit closes a session once each of its connections has sent the first heartbeat: discordgo takes a
// heartbeat that meets its own close frame for a broken connection, and reconnects for ever.
func quit(srv *discordtest.Server, s *discordgo.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = srv.Wait(ctx, func() bool {
		return !slices.ContainsFunc(srv.Connections(), func(c *discordtest.Conn) bool {
			return !slices.ContainsFunc(c.Frames(), func(f discordtest.Frame) bool { return f.Op == 1 })
		})
	})
	_ = s.Close()
}

func TestDiscordgoSession(t *testing.T) {
	srv := start(t, discordtest.Config{})
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	s, err := newSession(srv)
	if err != nil {
		t.Fatal(err)
	}
	s.AddHandler(func(s *discordgo.Session, m *discordgo.MessageCreate) {
		if m.Content == "!ping" {
			if _, err := s.ChannelMessageSendReply(m.ChannelID, "pong, "+m.Author.Username, m.Reference()); err != nil {
				t.Error(err)
			}
		}
	})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	defer quit(srv, s)
	g := srv.Guilds()[1]
	await(t, srv, func() bool { c := srv.Conn(0); return c != nil && c.Sequence() == 4 })
	if _, err := srv.Say(g.Channels[0].ID, g.Members[2].User.ID, "!ping"); err != nil {
		t.Fatal(err)
	}
	await(t, srv, func() bool { return len(srv.Messages(g.Channels[0].ID)) == 2 })
	got := srv.Messages(g.Channels[0].ID)[1]
	if want := "pong, " + g.Members[2].User.Username; got.Content != want || got.Author.ID != srv.Bot().ID {
		t.Errorf("reply %q by %s, want %q by the bot", got.Content, got.Author.Username, want)
	}
	if got.ReferencedMessage == nil || got.ReferencedMessage.Content != "!ping" {
		t.Errorf("reply refers to %+v, want the question", got.ReferencedMessage)
	}
	if err := s.UpdateGameStatus(0, "chess"); err != nil {
		t.Fatal(err)
	}
	await(t, srv, func() bool { p := srv.Presences(); return len(p) == 1 && p[0].Activities[0].Name == "chess" })
}
