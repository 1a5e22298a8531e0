package botwright_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// An exampleWorld is a bot in a fake Discord with one guild, for examples.
type exampleWorld struct {
	srv     *discordtest.Server
	bot     *botwright.Bot
	guild   discordtest.Guild
	channel string
	user    string
	answers int // that answer has returned
}

// exampleBots are the bots of examples that are being shut down.
var exampleBots sync.WaitGroup

// newWorld makes a bot that wants all events.
func newWorld(opts ...botwright.Option) *exampleWorld {
	srv, err := discordtest.New(discordtest.Config{Guilds: 1})
	if err != nil {
		panic(err)
	}
	bot, err := botwright.New(srv.Token, append([]botwright.Option{
		botwright.WithAPI(srv.URL),
		botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	if err != nil {
		panic(err)
	}
	g := srv.Guilds()[0]
	return &exampleWorld{
		srv: srv, bot: bot, guild: g, channel: g.Channels[0].ID, user: g.Members[0].User.ID}
}

// open connects the bot.
func (w *exampleWorld) open() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.bot.Open(ctx); err != nil {
		panic(err)
	}
}

// close shuts the bot down.
func (w *exampleWorld) close() {
	exampleBots.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = w.bot.Shutdown(ctx)
		w.srv.Close()
	})
}

// say lets the first member of the guild write into its first channel.
func (w *exampleWorld) say(text string) {
	if _, err := w.srv.Say(w.channel, w.user, text); err != nil {
		panic(err)
	}
}

// reply is say to a bot that waits for it: people are not as quick as this program.
func (w *exampleWorld) reply(text string) {
	for botwright.Waiting(w.bot, "MESSAGE_CREATE") == 0 {
		runtime.Gosched()
	}
	w.say(text)
}

// answer waits for the next message of the bot in that channel.
func (w *exampleWorld) answer() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var texts []string
	err := w.srv.Wait(ctx, func() bool {
		texts = nil
		for _, m := range w.srv.Messages(w.channel) {
			if m.Author.ID == w.srv.Bot().ID {
				texts = append(texts, m.Content)
			}
		}
		return len(texts) > w.answers
	})
	if err != nil {
		panic(err)
	}
	w.answers++
	return texts[w.answers-1]
}

// rename changes the nick of the first member.
func (w *exampleWorld) rename(nick string) {
	_, err := w.srv.UpdateMember(w.guild.ID, w.user, discordtest.MemberEdit{Nick: &nick})
	if err != nil {
		panic(err)
	}
}
