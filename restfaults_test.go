package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A restFault is a row of the second table of docs/faults.md: something that goes wrong between a
// session's REST calls and Discord.
type restFault struct {
	id, inject, must string

	cfg  discordtest.Config
	rest botwright.RESTConfig
	run  func(r *restRig)
}

// A restRig is a bot's session and the fake Discord that it sends to.
type restRig struct {
	*testing.T
	srv     *discordtest.Server
	s       *discordgo.Session
	guild   string
	channel string
	sent    atomic.Int64
}

// TestRESTFaults puts a session through everything that is known to go wrong with REST calls.
func TestRESTFaults(t *testing.T) {
	t.Parallel()
	for _, f := range restFaults() {
		t.Run(f.id, func(t *testing.T) {
			t.Parallel()
			srv, err := discordtest.New(f.cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(srv.Close)
			bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL), botwright.WithREST(f.rest))
			if err != nil {
				t.Fatal(err)
			}
			g := srv.Guilds()[0]
			f.run(&restRig{T: t, srv: srv, s: bot.Session(), guild: g.ID, channel: g.Channels[0].ID})
		})
	}
}

// fail answers the first n requests, -1 for all, with the fault, and counts all of them.
func (r *restRig) fail(n int64, fault *discordtest.RESTFault) {
	r.srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		if i := r.sent.Add(1); n >= 0 && i > n {
			return nil
		}
		return fault
	})
}

func (r *restRig) wantSent(n int64) {
	r.Helper()
	if got := r.sent.Load(); got != n {
		r.Errorf("%d requests were sent, want %d", got, n)
	}
}

func (r *restRig) get(ctx context.Context) error {
	_, err := r.s.Channel(r.channel, discordgo.WithContext(ctx))
	return err
}

func (r *restRig) say() error {
	_, err := r.s.ChannelMessageSend(r.channel, "hello", discordgo.WithContext(r.Context()))
	return err
}

// wantLimited wants a RateLimitError.
func (r *restRig) wantLimited(err error, scope string) {
	r.Helper()
	if limited, ok := errors.AsType[*botwright.RateLimitError](err); !ok || limited.Scope != scope {
		r.Errorf("error %v, want the limit of scope %s", err, scope)
	}
}

// wantFailed wants a RequestError.
func (r *restRig) wantFailed(err error, status int) {
	r.Helper()
	if failed, ok := errors.AsType[*botwright.RequestError](err); !ok || failed.Status != status {
		r.Errorf("error %v, want a RequestError of status %d", err, status)
	}
}

func restFaults() []restFault {
	noLimits := discordtest.Config{NoRateLimits: true}
	return []restFault{
		{
			id: "R1", inject: "429 of the global limit, without Reset-After", cfg: noLimits,
			must: "sends nothing until it has passed, but answers to interactions; one 429 in all",
			run: func(r *restRig) {
				r.fail(1, discordtest.RateLimited(300*time.Millisecond, "global"))
				if err := r.get(r.Context()); err != nil {
					r.Error(err)
				}
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						if err := r.get(r.Context()); err != nil {
							r.Error(err)
						}
					})
				}
				all.Wait()
				r.wantSent(22)
			},
		}, {
			id: "R2", inject: "429 with retry_after 0, again and again", cfg: noLimits,
			must: "waits between attempts, makes 5 at most, returns a *RateLimitError",
			run: func(r *restRig) {
				r.fail(-1, discordtest.RateLimited(0, "user"))
				r.wantLimited(r.get(r.Context()), "user")
				r.wantSent(5)
			},
		}, {
			id: "R3", inject: "429 with a retry_after that is longer than the context's deadline",
			must: "returns a *RateLimitError at once",
			run: func(r *restRig) {
				r.fail(-1, discordtest.RateLimited(time.Hour, "user"))
				ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
				defer cancel()
				r.wantLimited(r.get(ctx), "user")
				r.wantLimited(r.get(ctx), "user") // without a request
				r.wantSent(1)
			},
		}, {
			id: "R4", inject: "429 in HTML: Cloudflare has blocked the host",
			must: "sends nothing for a minute, then longer; a *RateLimitError for whoever cannot wait",
			run: func(r *restRig) {
				r.fail(-1, discordtest.CloudflareBan())
				for range 10 {
					r.wantLimited(r.get(botwright.NoWait(r.Context())), "cloudflare")
				}
				r.wantSent(1)
			},
		}, {
			id: "R5", inject: "502 in HTML, again and again", cfg: noLimits,
			must: "makes 5 attempts with growing pauses, then a *RequestError",
			run: func(r *restRig) {
				r.fail(-1, discordtest.BadGateway())
				r.wantFailed(r.get(r.Context()), 502)
				r.wantSent(5)
			},
		}, {
			id: "R6a", inject: "500, 503, 504 or 520", cfg: noLimits,
			must: "sends again what does no harm twice",
			run: func(r *restRig) {
				for i, status := range []int{500, 503, 504, 520} {
					remove := r.srv.FailREST(once(&discordtest.RESTFault{Status: status}))
					if err := r.get(r.Context()); err != nil {
						r.Errorf("row %d: %v", i, err)
					}
					remove()
				}
				r.srv.FailREST(once(&discordtest.RESTFault{Status: 503}))
				_, err := r.s.GuildRoleCreate(r.guild, &discordgo.RoleParams{Name: "r"})
				r.wantFailed(err, 503)
			},
		}, {
			id: "R6b", inject: "the connection is reset after a message was created", cfg: noLimits,
			must: "sends it again, with a nonce by which Discord knows it",
			run: func(r *restRig) {
				r.srv.FailREST(once(&discordtest.RESTFault{Reset: true}))
				if err := r.say(); err != nil {
					r.Error(err)
				}
				var nonces []string
				for _, req := range r.srv.Requests() {
					if _, rest, ok := strings.Cut(string(req.Body), `"nonce":"`); ok {
						nonce, _, _ := strings.Cut(rest, `"`)
						nonces = append(nonces, nonce)
					}
				}
				if len(nonces) == 0 || nonces[0] != nonces[len(nonces)-1] {
					r.Errorf("nonces %q, want one and the same", nonces)
				}
			},
		}, {
			id: "R7", inject: "calls of one channel with a deadline of 200 ms, and a limit of seconds",
			must: "all of them end within the deadline, though discordgo sends them one by one",
			run: func(r *restRig) {
				for range 5 {
					if err := r.say(); err != nil {
						r.Fatal(err)
					}
				}
				ctx, cancel := context.WithTimeout(r.Context(), 200*time.Millisecond)
				defer cancel()
				var all sync.WaitGroup
				for range 10 {
					all.Go(func() {
						_, err := r.s.ChannelMessageSend(r.channel, "late", discordgo.WithContext(ctx))
						r.wantLimited(err, "user")
					})
				}
				all.Wait()
			},
		}, {
			id: "R8", inject: "50 edits of interactions, which share discordgo's bucket", cfg: noLimits,
			must: "all are under way at once",
			run:  editTogether,
		}, {
			id: "R10", inject: "the HTTP transport panics", must: "an error for that call alone", cfg: noLimits,
			rest: botwright.RESTConfig{Base: new(panicsOnce)},
			run: func(r *restRig) {
				r.wantFailed(r.makeRole(), 0)
				if err := r.makeRole(); err != nil {
					r.Errorf("the next call: %v", err)
				}
			},
		}, {
			id: "R11", inject: "200 with a rate-limit header that cannot be read", must: "succeeds", cfg: noLimits,
			run: func(r *restRig) {
				r.fail(-1, &discordtest.RESTFault{Status: 200, Body: `{"id":"1"}`, Header: http.Header{
					"X-Ratelimit-Limit": {"5"}, "X-Ratelimit-Reset-After": {"soon"}}})
				for range 3 {
					if err := r.get(r.Context()); err != nil {
						r.Error(err)
					}
				}
			},
		}, {
			id: "R12", inject: "several sessions send to one channel", must: "they share its limit: no 429",
			run: shareLimit,
		}, {
			id: "R13", inject: "401, again and again", cfg: noLimits,
			must: "after three in a row ErrUnauthorized without a request, and the end of Run",
			run: func(r *restRig) {
				r.fail(-1, &discordtest.RESTFault{Status: 401, Body: `{"message":"401: Unauthorized","code":0}`})
				for i := range 10 {
					err := r.get(r.Context())
					if err == nil || (i >= 3) != errors.Is(err, botwright.ErrUnauthorized) {
						r.Errorf("call %d: %v", i, err)
					}
				}
				r.wantSent(3)
			},
		}, {
			id: "R14", inject: "the answer's body stalls", must: "ends at the attempt's timeout (20 s; 0.2 s here)",
			cfg: noLimits, rest: botwright.RESTConfig{Timeout: 200 * time.Millisecond},
			run: func(r *restRig) {
				r.fail(-1, &discordtest.RESTFault{Status: 200, Body: `{"id":"1"}`, Stall: true})
				var timeout interface{ Timeout() bool }
				if err := r.get(r.Context()); !errors.As(err, &timeout) || !timeout.Timeout() {
					r.Errorf("error %v, want a timeout", err)
				}
			},
		},
	}
}

const restFaultsHead = `
## REST

TestRESTFaults does the same to the REST calls of a session, over HTTP.

| | what goes wrong | what the call does |
|---|---|---|
`

const restFaultsEnd = `| R9 | 100,000 interactions are answered | with Respond and Followup, memory stays as it is; discordgo's own methods keep 480 bytes of each |
`

// TestRespondLeavesNothing answers interactions without end and looks at the heap (R9).
func TestRespondLeavesNothing(t *testing.T) {
	const calls = 20_000
	transport := botwright.NewTransport(botwright.RESTConfig{Base: okay{}})
	s, err := discordgo.New("Bot x")
	if err != nil {
		t.Fatal(err)
	}
	transport.Install(s)
	respond := func(n int) {
		for i := range n {
			interaction := &discordgo.Interaction{ID: fmt.Sprint(i), AppID: "1",
				Token: fmt.Sprintf("aW50ZXJhY3Rpb246%d-%d", n, i)}
			if err := botwright.Respond(t.Context(), s, interaction, &discordgo.InteractionResponse{
				Type: discordgo.InteractionResponseChannelMessageWithSource}); err != nil {
				t.Fatal(err)
			}
			if _, err := botwright.Followup(t.Context(), s, interaction,
				&discordgo.WebhookParams{Content: "more"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	respond(1000)
	before := heap()
	respond(calls)
	if grown := int64(heap()) - int64(before); grown > calls*20 {
		t.Errorf("the heap has grown by %d bytes, %d for each interaction", grown, grown/calls)
	}
	runtime.KeepAlive(s)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // what finalizers have let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// okay answers every request.
type okay struct{}

func (okay) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// once returns a hook for one request.
func once(f *discordtest.RESTFault) func(*http.Request) *discordtest.RESTFault {
	var asked atomic.Bool
	return func(*http.Request) *discordtest.RESTFault {
		if asked.Swap(true) {
			return nil
		}
		return f
	}
}

// makeRole creates a role, which is not tried again.
func (r *restRig) makeRole() error {
	_, err := r.s.GuildRoleCreate(r.guild, &discordgo.RoleParams{Name: "r"})
	return err
}

type panicsOnce struct{ done atomic.Bool }

func (p *panicsOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.done.Swap(true) {
		panic("boom")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// editTogether has the server answer none of 50 edits before all have come.
func editTogether(r *restRig) {
	const edits = 50
	var come sync.WaitGroup
	come.Add(edits)
	all := make(chan struct{})
	go func() { come.Wait(); close(all) }()
	r.srv.FailREST(func(*http.Request) *discordtest.RESTFault {
		come.Done()
		select {
		case <-all:
		case <-time.After(30 * time.Second):
			r.Error("the edits wait for each other")
		}
		return &discordtest.RESTFault{Status: 200, Body: `{"id":"1"}`}
	})
	var edited sync.WaitGroup
	for i := range edits {
		edited.Go(func() {
			_, err := r.s.InteractionResponseEdit(&discordgo.Interaction{AppID: "1", Token: fmt.Sprint("t", i)},
				&discordgo.WebhookEdit{})
			if err != nil {
				r.Error(err)
			}
		})
	}
	edited.Wait()
}

// shareLimit sends from four sessions with one Transport, one more message than fits a window.
func shareLimit(r *restRig) {
	t := botwright.NewTransport(botwright.RESTConfig{Base: toFake{r.srv.URL}})
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			s, err := discordgo.New("Bot " + r.srv.Token)
			if err != nil {
				r.Error(err)
				return
			}
			t.Install(s)
			if _, err := s.ChannelMessageSend(r.channel, fmt.Sprint(i)); err != nil {
				r.Error(err)
			}
		})
	}
	all.Wait()
	for _, req := range r.srv.Requests() {
		if req.Status != http.StatusOK {
			r.Errorf("status %d", req.Status)
		}
	}
}

// toFake sends what is meant for Discord to a fake one.
type toFake struct{ url string }

func (f toFake) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(f.url, "http://")
	return http.DefaultTransport.RoundTrip(r)
}
