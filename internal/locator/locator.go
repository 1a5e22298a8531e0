// Package locator knows where Discord is: its API, and by asking that its gateway.
package locator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// A Config says how to ask Discord's API.
type Config struct {
	Client    *http.Client
	API       *url.URL // the base, without /api
	Token     string   // without "Bot "
	UserAgent string
	Logger    *slog.Logger // of Await
}

// A Locator knows where Discord's gateway is and what may be spent there. It remembers the answer
// of GET /gateway/bot. Its methods may be called from any goroutine.
type Locator struct {
	cfg Config

	mu      sync.Mutex // guards what follows
	last    Answer
	fetched time.Time
}

// New returns a Locator, which has not asked yet.
func New(cfg Config) *Locator { return &Locator{cfg: cfg} }

// An Answer is the answer of GET /gateway/bot.
type Answer struct {
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

// URL returns the gateway's URL, the last one unless renew is set. If Discord does not answer,
// the last one has to do.
func (l *Locator) URL(ctx context.Context, renew bool) (string, error) {
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

// Limit returns the session_start_limit.
func (l *Locator) Limit(ctx context.Context) (gateway.Limit, error) {
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
func (l *Locator) get(ctx context.Context) (Answer, error) {
	l.mu.Lock()
	last, age := l.last, time.Since(l.fetched)
	l.mu.Unlock()
	if last.URL != "" && age < freshFor {
		return last, nil
	}
	return l.Fetch(ctx)
}

// Fetch asks Discord.
func (l *Locator) Fetch(ctx context.Context) (Answer, error) {
	g, err := l.ask(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("get /gateway/bot: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.fetched = g, time.Now()
	return g, nil
}

// A StatusError is an answer of the API that was not 200.
type StatusError struct {
	Status     int
	retryAfter time.Duration
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("Discord answered %d %s", e.Status, http.StatusText(e.Status))
}

// fetchTimeout bounds one GET /gateway/bot, whose answer has a few hundred bytes.
const fetchTimeout = 10 * time.Second

func (l *Locator) ask(ctx context.Context) (g Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	endpoint := l.cfg.API.JoinPath("api", "v"+gateway.Version, "gateway", "bot").String()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return g, err
	}
	req.Header.Set("Authorization", "Bot "+l.cfg.Token)
	req.Header.Set("User-Agent", l.cfg.UserAgent)
	resp, err := l.cfg.Client.Do(req)
	if err != nil {
		return g, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		seconds, _ := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		return g, &StatusError{resp.StatusCode, seconds}
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&g); err != nil {
		return g, fmt.Errorf("decode the answer: %w", err)
	}
	if g.URL == "" {
		return g, errors.New("the answer has no url")
	}
	return g, nil
}

// Await asks for the gateway until there is an answer. Only a refusal, which is a [*StatusError],
// and the end of ctx end it without: an outage of Discord must not keep a bot from starting after
// it.
func (l *Locator) Await(ctx context.Context) (Answer, error) {
	for attempt := 0; ; attempt++ {
		found, err := l.get(ctx)
		if err == nil {
			return found, nil
		}
		var refused *StatusError
		if errors.As(err, &refused) && refused.final() {
			return found, err
		}
		if ctx.Err() != nil {
			return found, context.Cause(ctx)
		}
		limit := min(30*time.Second, time.Second<<min(attempt, 5))
		delay := time.Duration(rand.Int64N(int64(limit)))
		if refused != nil {
			delay = max(delay, refused.retryAfter)
		}
		l.cfg.Logger.Warn("cannot find Discord's gateway", "error", err,
			"retry_in", delay.Round(time.Millisecond).String())
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return found, context.Cause(ctx)
		}
	}
}

// final reports whether asking again cannot help.
func (e *StatusError) final() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return true
	}
	return false
}
