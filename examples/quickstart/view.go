package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// A view shows in the terminal what goes on, and counts it.
type view struct {
	events, messages, errors atomic.Int64

	mu    sync.Mutex // guards what follows
	out   io.Writer
	names map[string]string // of guilds and channels, by id
	shown map[string]bool   // the commands, by id
}

func newView(out io.Writer) *view {
	return &view{out: out, names: make(map[string]string), shown: make(map[string]bool)}
}

// watch adds the handlers that show events. They run beside the bot's own.
func (v *view) watch(bot *botwright.Bot) {
	bot.Handle("*", func(context.Context, *botwright.Event) error {
		v.events.Add(1)
		return nil
	})
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, r *discordgo.Ready) error {
		v.print("", "", fmt.Sprintf("%s is ready, in %d guilds", r.User.Username, len(r.Guilds)))
		return nil
	})
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, g *discordgo.GuildCreate) error {
		v.learn(g)
		return nil
	})
	botwright.On(bot, func(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
		name := m.Author.Username
		if m.Author.Bot {
			name = "→ " + name
		}
		v.print(m.GuildID, m.ChannelID, name+": "+m.Content)
		return nil
	})
	// A handler might show the command after the answer to it, as a command's handlers run at once.
	bot.Use(func(next botwright.Handler) botwright.Handler {
		return func(ctx context.Context, e *botwright.Event) error {
			v.used(e)
			return next(ctx, e)
		}
	})
}

// used shows that a command is used.
func (v *view) used(e *botwright.Event) {
	payload, err := e.Payload()
	i, ok := payload.(*discordgo.InteractionCreate)
	if err != nil || !ok || i.Member == nil || i.Type != discordgo.InteractionApplicationCommand {
		return
	}
	v.mu.Lock()
	shown := v.shown[i.ID] // a middleware sees an event once for each handler
	v.shown[i.ID] = true
	v.mu.Unlock()
	if shown {
		return
	}
	v.print(i.GuildID, i.ChannelID, i.Member.User.Username+" uses /"+i.ApplicationCommandData().Name)
}

// learn remembers the names in a guild.
func (v *view) learn(g *discordgo.GuildCreate) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.names[g.ID] = g.Name
	for _, c := range g.Channels {
		v.names[c.ID] = "#" + c.Name
	}
}

func (v *view) print(guildID, channelID, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	where := strings.TrimSpace(v.names[guildID] + " " + v.names[channelID])
	fmt.Fprintf(v.out, "%s  %-31s %s\n", time.Now().Format(time.TimeOnly), where, text)
}

// failed counts and shows an error.
func (v *view) failed(_ context.Context, _ *botwright.Event, err error) {
	v.errors.Add(1)
	v.print("", "", "error: "+err.Error())
}

// client returns an HTTP client that counts the messages that were sent.
func (v *view) client() *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: roundTripper(
		func(r *http.Request) (*http.Response, error) {
			resp, err := http.DefaultTransport.RoundTrip(r)
			sends := strings.HasSuffix(r.URL.Path, "/messages") ||
				strings.HasSuffix(r.URL.Path, "/callback")
			if err == nil && r.Method == http.MethodPost && sends && resp.StatusCode < 300 {
				v.messages.Add(1)
			}
			return resp, err
		})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (v *view) summary() {
	fmt.Fprintf(v.out, "handled %d events, sent %d messages, %d errors\n",
		v.events.Load(), v.messages.Load(), v.errors.Load())
}
