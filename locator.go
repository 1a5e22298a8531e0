package botwright

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// apiTransport sends what is meant for Discord's API to another base URL.
type apiTransport struct {
	base  *url.URL
	next  http.RoundTripper
	calls *atomic.Uint64 // requests, to Discord or elsewhere
}

// RoundTrip implements http.RoundTripper.
func (t *apiTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.calls.Add(1)
	if r.URL.Host != "discord.com" || !strings.HasPrefix(r.URL.Path, "/api/") {
		return t.next.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, ""
	if t.base.Path != "" {
		r.URL.RawPath = t.base.EscapedPath() + r.URL.EscapedPath()
		r.URL.Path = t.base.Path + r.URL.Path
	}
	return t.next.RoundTrip(r)
}

// A gatewayLocator knows where Discord's gateway is and what may be spent there. It remembers
// the answer of GET /gateway/bot.
type gatewayLocator struct {
	client *http.Client
	api    *url.URL
	token  string

	mu      sync.Mutex // guards what follows
	last    gatewayBot
	fetched time.Time
}

// gatewayBot is the answer of GET /gateway/bot.
type gatewayBot struct {
	URL    string `json:"url"`
	Shards int    `json:"shards"`
	Limit  struct {
		Total          int   `json:"total"`
		Remaining      int   `json:"remaining"`
		ResetAfter     int64 `json:"reset_after"` // ms
		MaxConcurrency int   `json:"max_concurrency"`
	} `json:"session_start_limit"`
}

// freshFor is how long an answer serves a second question of the same moment: at the start the
// number of shards, the URL and the limits are asked for in turn.
const freshFor = 5 * time.Second

// url returns the gateway's URL, the last one unless renew is set. If Discord does not answer,
// the last one has to do.
func (l *gatewayLocator) url(ctx context.Context, renew bool) (string, error) {
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if last.URL != "" && !renew {
		return last.URL, nil
	}
	found, err := l.get(ctx)
	if err != nil && last.URL != "" {
		return last.URL, nil
	}
	return found.URL, err
}

// limit returns the session_start_limit.
func (l *gatewayLocator) limit(ctx context.Context) (gateway.Limit, error) {
	g, err := l.get(ctx)
	if err != nil {
		return gateway.Limit{}, err
	}
	return gateway.Limit{
		Total:          g.Limit.Total,
		Remaining:      g.Limit.Remaining,
		ResetAfter:     time.Duration(g.Limit.ResetAfter) * time.Millisecond,
		MaxConcurrency: g.Limit.MaxConcurrency,
	}, nil
}

// get asks Discord, unless it has only just answered.
func (l *gatewayLocator) get(ctx context.Context) (gatewayBot, error) {
	l.mu.Lock()
	last, age := l.last, time.Since(l.fetched)
	l.mu.Unlock()
	if last.URL != "" && age < freshFor {
		return last, nil
	}
	return l.fetchNow(ctx)
}

// fetchNow asks Discord.
func (l *gatewayLocator) fetchNow(ctx context.Context) (gatewayBot, error) {
	g, err := l.fetch(ctx)
	if err != nil {
		return gatewayBot{}, fmt.Errorf("get /gateway/bot: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.fetched = g, time.Now()
	return g, nil
}

// A statusError is an answer of the API that was not 200.
type statusError struct {
	status     int
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("Discord answered %d %s", e.status, http.StatusText(e.status))
}

// fetchTimeout bounds one GET /gateway/bot, whose answer has a few hundred bytes.
const fetchTimeout = 10 * time.Second

func (l *gatewayLocator) fetch(ctx context.Context) (g gatewayBot, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	endpoint := l.api.JoinPath("api", "v"+gateway.Version, "gateway", "bot").String()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return g, err
	}
	req.Header.Set("Authorization", "Bot "+l.token)
	req.Header.Set("User-Agent", userAgent)
	resp, err := l.client.Do(req)
	if err != nil {
		return g, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		seconds, _ := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		return g, &statusError{resp.StatusCode, seconds}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&g); err != nil {
		return g, fmt.Errorf("decode the answer: %w", err)
	}
	if g.URL == "" {
		return g, errors.New("the answer has no url")
	}
	return g, nil
}

// userAgent is what Discord asks every client to send.
const userAgent = "DiscordBot (https://github.com/botwright/botwright, 0)"

// locate asks for the gateway until there is an answer. Only a refusal of the token and the end
// of ctx end it without: an outage of Discord must not keep a bot from starting after it.
func (b *Bot) locate(ctx context.Context) (gatewayBot, error) {
	for attempt := 0; ; attempt++ {
		g, err := b.locator.get(ctx)
		if err == nil {
			return g, nil
		}
		var refused *statusError
		if errors.As(err, &refused) {
			switch refused.status {
			case http.StatusUnauthorized:
				return g, fmt.Errorf("%w (%w)", ErrUnauthorized, err)
			case http.StatusForbidden, http.StatusNotFound:
				return g, fmt.Errorf("%w: see WithAPI", err)
			}
		}
		if ctx.Err() != nil {
			return g, context.Cause(ctx)
		}
		limit := min(30*time.Second, time.Second<<min(attempt, 5))
		delay := time.Duration(rand.Int64N(int64(limit)))
		if refused != nil {
			delay = max(delay, refused.retryAfter)
		}
		b.cfg.logger.Warn("cannot find Discord's gateway", "error", err,
			"retry_in", delay.Round(time.Millisecond).String())
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return g, context.Cause(ctx)
		}
	}
}
