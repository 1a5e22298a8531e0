package bench_test

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/disgoorg/disgo/discord"
	disgorest "github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/snowflake/v2"

	"github.com/botwright/botwright"
)

// restLatency is what the server takes for an answer; a request is counted in the middle of it.
const restLatency = 30 * time.Millisecond

// BenchmarkRESTFlood is what becomes of many messages that are sent at once. min-ms is what the limits
// make it take; a run cannot be faster. Look at wall-ms, 429s and failed.
func BenchmarkRESTFlood(b *testing.B) {
	for _, flood := range []struct {
		name           string
		sends, buckets int
		window         time.Duration
		global         int // requests in a second; 0: no limit
		min            time.Duration
	}{
		{"sends=4000/channels=200/limit=5per500ms", 4000, 200, 500 * time.Millisecond, 0, 1500 * time.Millisecond},
		{"sends=250/channels=250/limit=50per1s", 250, 250, 5 * time.Second, 50, 4 * time.Second},
	} {
		for _, impl := range []struct {
			name string
			send func(b *testing.B, url string, global int) func(channel int) error
		}{
			{"botwright", sendBotwright}, {"discordgo", sendDiscordgo}, {"disgo", sendDisgo},
		} {
			b.Run(flood.name+"/impl="+impl.name, func(b *testing.B) {
				var wall, limited, failed float64
				for range b.N {
					srv := &limitServer{limit: 5, window: flood.window, global: flood.global,
						buckets: make(map[string]*limitWindow)}
					ts := httptest.NewServer(srv)
					send := impl.send(b, ts.URL, flood.global)
					start := time.Now()
					var fails atomic.Int64
					var all sync.WaitGroup
					for i := range flood.sends {
						all.Go(func() {
							if send(i%flood.buckets+1) != nil {
								fails.Add(1)
							}
						})
					}
					all.Wait()
					wall += float64(time.Since(start).Milliseconds())
					limited += float64(srv.limited.Load())
					failed += float64(fails.Load())
					ts.Close()
				}
				n := float64(b.N)
				b.ReportMetric(wall/n, "wall-ms")
				b.ReportMetric(limited/n, "429s")
				b.ReportMetric(failed/n, "failed")
				b.ReportMetric(float64(flood.min.Milliseconds()), "min-ms")
			})
		}
	}
}

// BenchmarkRESTEdits edits 50 interactions at once, which the server takes 100 ms for.
func BenchmarkRESTEdits(b *testing.B) {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(100 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1"}`)
	}))
	defer slow.Close()
	for _, impl := range []string{"botwright", "discordgo"} {
		b.Run("impl="+impl, func(b *testing.B) {
			s := bareSession(b, slow.URL)
			if impl == "botwright" {
				botwright.NewTransport(botwright.RESTConfig{Base: s.Client.Transport}).Install(s)
			}
			for range b.N {
				var all sync.WaitGroup
				for i := range 50 {
					all.Go(func() {
						content := "done"
						_, err := s.InteractionResponseEdit(&discordgo.Interaction{AppID: "1",
							Token: fmt.Sprint("aW50ZXJhY3Rpb246", i)}, &discordgo.WebhookEdit{Content: &content})
						if err != nil {
							b.Error(err)
						}
					})
				}
				all.Wait()
			}
		})
	}
}

func sendBotwright(b *testing.B, url string, global int) func(int) error {
	s := bareSession(b, url)
	limit := botwright.NoLimit
	if global > 0 {
		limit = global
	}
	botwright.NewTransport(botwright.RESTConfig{Base: s.Client.Transport, GlobalLimit: limit}).Install(s)
	return sendOn(s)
}

func sendDiscordgo(b *testing.B, url string, _ int) func(int) error {
	return sendOn(bareSession(b, url))
}

func sendOn(s *discordgo.Session) func(int) error {
	return func(channel int) error {
		_, err := s.ChannelMessageSend(strconv.Itoa(channel), "hello")
		return err
	}
}

func sendDisgo(b *testing.B, url string, _ int) func(int) error {
	client := disgorest.NewClient(benchToken, disgorest.WithURL(url+"/api/v10"),
		disgorest.WithLogger(slog.New(slog.DiscardHandler)),
		disgorest.WithDefaultRateLimiterConfigOpts(
			disgorest.WithRateLimiterLogger(slog.New(slog.DiscardHandler))),
		disgorest.WithHTTPClient(&http.Client{Transport: pooled(), Timeout: 20 * time.Second}))
	channels := disgorest.New(client)
	b.Cleanup(func() { client.Close(b.Context()) })
	return func(channel int) error {
		_, err := channels.CreateMessage(snowflake.ID(channel), discord.MessageCreate{Content: "hello"})
		return err
	}
}

// bareSession returns a session of discordgo's own that sends to url.
func bareSession(b *testing.B, url string) *discordgo.Session {
	s, err := discordgo.New("Bot " + benchToken)
	if err != nil {
		b.Fatal(err)
	}
	s.LogLevel = -1
	s.Client.Transport = toServer{strings.TrimPrefix(url, "http://"), pooled()}
	return s
}

// pooled is a transport that keeps the connections of a flood, the same for everybody.
func pooled() *http.Transport { return &http.Transport{MaxIdleConnsPerHost: 1000} }

type toServer struct {
	host string
	next http.RoundTripper
}

func (t toServer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", t.host
	return t.next.RoundTrip(r)
}

// A limitServer answers messages within limits, with Discord's headers.
type limitServer struct {
	limit   int
	window  time.Duration
	global  int
	limited atomic.Int64

	mu      sync.Mutex // guards what follows
	buckets map[string]*limitWindow
	all     limitWindow
}

type limitWindow struct {
	used  int
	reset time.Time
}

func (w *limitWindow) take(limit int, per time.Duration, now time.Time) bool {
	if !now.Before(w.reset) {
		*w = limitWindow{reset: now.Add(per)}
	}
	if w.used == limit {
		return false
	}
	w.used++
	return true
}

func (s *limitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(restLatency / 2)
	status, body := s.answer(w.Header(), r.URL.Path)
	time.Sleep(restLatency / 2)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (s *limitServer) answer(h http.Header, path string) (status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.global > 0 && !s.all.take(s.global, time.Second, now) {
		h.Set("X-RateLimit-Global", "true")
		h.Set("X-RateLimit-Scope", "global")
		return s.refuse(h, s.all.reset.Sub(now), true)
	}
	b := s.buckets[path]
	if b == nil {
		b = new(limitWindow)
		s.buckets[path] = b
	}
	ok := b.take(s.limit, s.window, now)
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(s.limit-b.used))
	h.Set("X-RateLimit-Reset", inSeconds(time.Duration(b.reset.UnixNano())))
	h.Set("X-RateLimit-Reset-After", inSeconds(b.reset.Sub(now)))
	h.Set("X-RateLimit-Bucket", "bucket")
	if !ok {
		h.Set("X-RateLimit-Scope", "user")
		return s.refuse(h, b.reset.Sub(now), false)
	}
	return http.StatusOK, `{"id":"1","channel_id":"1","content":"hello","author":{"id":"2"}}`
}

func (s *limitServer) refuse(h http.Header, wait time.Duration, global bool) (int, string) {
	s.limited.Add(1)
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return http.StatusTooManyRequests, fmt.Sprintf(
		`{"message":"You are being rate limited.","retry_after":%s,"global":%t}`, inSeconds(wait), global)
}

func inSeconds(d time.Duration) string {
	return strconv.FormatFloat(math.Ceil(float64(d)/1e6)/1000, 'f', 3, 64)
}
