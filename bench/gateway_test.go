//go:build unix

package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/disgoorg/disgo"
	disgobot "github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/events"
	disgogateway "github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"

	"github.com/botwright/botwright"
)

const benchToken = "ODAzNTExMTAyMjQ2Nzg5MTI.AAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA"

// floodBatch is how many events are under way at most: half of what makes Botwright shed presences,
// so that everybody handles all events.
const floodBatch = 4096

// BenchmarkGateway is what a client spends on an event between the socket and a typed handler, each
// in the configuration that it has by itself but for what its name says. There is no TLS. Look at
// cpu-ns/event: the time per operation also has the sender in it.
func BenchmarkGateway(b *testing.B) {
	for _, impl := range []struct {
		name  string
		start func(b *testing.B, api string, handled func()) (stop func())
	}{
		{"botwright", startBotwright()},
		{"botwright-plain", startBotwright(botwright.WithCompression(botwright.CompressionNone))},
		{"discordgo-async", func(b *testing.B, api string, handled func()) func() {
			return startDiscordgo(b, api, handled, func(*discordgo.Session) {})
		}},
		{"discordgo-sync-nostate", func(b *testing.B, api string, handled func()) func() {
			return startDiscordgo(b, api, handled, func(s *discordgo.Session) {
				s.SyncEvents, s.StateEnabled = true, false
			})
		}},
		{"disgo", startDisgo},
	} {
		b.Run("impl="+impl.name, func(b *testing.B) { floodClient(b, true, impl.start) })
	}
}

// BenchmarkUnwanted is what Botwright spends on the same events if it has handlers for few of them
// or for none. Messages that Filter turns away are wanted by a handler whose middleware refuses all.
func BenchmarkUnwanted(b *testing.B) {
	plain := botwright.WithCompression(botwright.CompressionNone)
	for _, impl := range []struct {
		name   string
		handle func(bot *botwright.Bot)
	}{
		{"nobody", func(*botwright.Bot) {}},
		{"interactions", func(bot *botwright.Bot) {
			onBotwright[discordgo.InteractionCreate](bot, func() {})
		}},
		{"filtered", func(bot *botwright.Bot) {
			onBotwright[discordgo.MessageCreate](bot, func() {}, botwright.NotBot(), botwright.Prefix("!"))
		}},
	} {
		b.Run("handlers="+impl.name, func(b *testing.B) {
			floodClient(b, false, func(b *testing.B, api string, handled func()) func() {
				return openBotwright(b, api, func(bot *botwright.Bot) {
					impl.handle(bot)
					onBotwright[discordgo.GuildBanAdd](bot, handled)
				}, plain)
			})
		})
	}
}

// floodClient sends events to the client that start starts. If it handles all, it has done so with as
// many calls of handled; otherwise it calls that for the event behind them alone.
func floodClient(
	b *testing.B, all bool, start func(b *testing.B, api string, handled func()) (stop func()),
) {
	b.Helper()
	api := startFlood(b)
	var handled, target atomic.Int64
	done := make(chan struct{}, 1)
	stop := start(b, api, func() {
		if handled.Add(1) == target.Load() {
			done <- struct{}{}
		}
	})
	defer stop()
	send := func(n int) {
		if all {
			target.Add(int64(n))
		} else {
			target.Add(1)
		}
		get(b, fmt.Sprintf("%s/flood?n=%d", api, n))
		select {
		case <-done:
		case <-time.After(time.Minute):
			b.Fatalf("%d of %d events were handled", handled.Load(), target.Load())
		}
	}
	send(floodBatch) // warms up
	b.ReportAllocs()
	b.ResetTimer()
	began := cpuTime(b)
	for left := b.N; left > 0; left -= floodBatch {
		send(min(left, floodBatch))
	}
	spent := cpuTime(b) - began
	b.StopTimer()
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "cpu-ns/event")
}

func startBotwright(opts ...botwright.Option) func(b *testing.B, api string, handled func()) (stop func()) {
	return func(b *testing.B, api string, handled func()) (stop func()) {
		b.Helper()
		return openBotwright(b, api, func(bot *botwright.Bot) {
			onBotwright[discordgo.MessageCreate](bot, handled)
			onBotwright[discordgo.PresenceUpdate](bot, handled)
			onBotwright[discordgo.TypingStart](bot, handled)
			onBotwright[discordgo.GuildMemberUpdate](bot, handled)
			onBotwright[discordgo.InteractionCreate](bot, handled)
		}, opts...)
	}
}

func openBotwright(
	b *testing.B, api string, handle func(*botwright.Bot), opts ...botwright.Option,
) (stop func()) {
	b.Helper()
	bot, err := botwright.New(benchToken, append(opts, botwright.WithAPI(api),
		botwright.WithIntents(discordgo.IntentsAll), botwright.WithLogger(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		b.Fatal(err)
	}
	handle(bot)
	if err := bot.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	return func() { _ = bot.Shutdown(context.Background()) }
}

func onBotwright[E botwright.GatewayEvent](
	bot *botwright.Bot, handled func(), opts ...botwright.HandlerOption,
) {
	botwright.On(bot, func(context.Context, *discordgo.Session, *E) error {
		handled()
		return nil
	}, opts...)
}

func startDiscordgo(b *testing.B, api string, handled func(), configure func(*discordgo.Session)) (stop func()) {
	b.Helper()
	s, err := discordgo.New("Bot " + benchToken)
	if err != nil {
		b.Fatal(err)
	}
	s.Client = &http.Client{Transport: redirect(api)}
	s.Identify.Intents = discordgo.IntentsAll
	s.LogLevel = -1
	configure(s)
	s.AddHandler(func(*discordgo.Session, *discordgo.MessageCreate) { handled() })
	s.AddHandler(func(*discordgo.Session, *discordgo.PresenceUpdate) { handled() })
	s.AddHandler(func(*discordgo.Session, *discordgo.TypingStart) { handled() })
	s.AddHandler(func(*discordgo.Session, *discordgo.GuildMemberUpdate) { handled() })
	s.AddHandler(func(*discordgo.Session, *discordgo.InteractionCreate) { handled() })
	if err := s.Open(); err != nil {
		b.Fatal(err)
	}
	return func() { _ = s.Close() }
}

// redirect sends what is meant for Discord to another server.
type redirect string

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	to, err := url.Parse(string(r))
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = to.Scheme, to.Host, to.Host
	return http.DefaultTransport.RoundTrip(req)
}

func startDisgo(b *testing.B, api string, handled func()) (stop func()) {
	b.Helper()
	client, err := disgo.New(benchToken,
		disgobot.WithLogger(slog.New(slog.DiscardHandler)),
		disgobot.WithRestClientConfigOpts(rest.WithURL(api)),
		disgobot.WithGatewayConfigOpts(disgogateway.WithIntents(disgogateway.IntentsAll)),
		disgobot.WithEventListenerFunc(func(*events.MessageCreate) { handled() }),
		disgobot.WithEventListenerFunc(func(*events.PresenceUpdate) { handled() }),
		disgobot.WithEventListenerFunc(func(*events.UserTypingStart) { handled() }),
		disgobot.WithEventListenerFunc(func(*events.GuildMemberUpdate) { handled() }),
		disgobot.WithEventListenerFunc(func(*events.InteractionCreate) { handled() }))
	if err != nil {
		b.Fatal(err)
	}
	if err := client.OpenGateway(b.Context()); err != nil {
		b.Fatal(err)
	}
	return func() { client.Close(context.Background()) }
}

func get(b *testing.B, address string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_ = resp.Body.Close()
}

// cpuTime is what this process has spent so far, in user and system mode.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
