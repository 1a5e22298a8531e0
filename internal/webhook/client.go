package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrGone says that Discord does not know the webhook, or not its token: posting again is of no
// use, and Discord restricts those who do it anyway.
var ErrGone = errors.New("webhook: it no longer exists: make a new one in the " +
	"channel's settings under Integrations")

var errNoMessage = errors.New("the message to edit is not there")

// Rules of delivery.
const (
	attempts       = 6                // the waits between them add up to half a minute
	attemptTimeout = 10 * time.Second // Discord answers in less than one
	firstDelay     = time.Second      // doubled each time
	maxRetryAfter  = time.Minute      // hidden limits ask for up to 45 s
)

// Config configures a Client.
type Config struct {
	URL       string
	Client    *http.Client // nil: one of its own
	UserAgent string
	Logger    *slog.Logger
}

// A Client posts to one webhook. Its methods may be called from any goroutine; calls wait for
// each other.
type Client struct {
	url    *url.URL
	client *http.Client
	agent  string
	log    *slog.Logger

	turn chan struct{} // 1 slot: a call is in progress

	mu        sync.Mutex // guards what follows
	gone      bool
	messageID string // what Edit edits
}

// New checks the URL and returns a Client. The error does not show the URL, which is a secret.
// The Client uses a copy of cfg.Client that follows no redirects.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(strings.TrimSpace(cfg.URL))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") ||
		!webhookPath.MatchString(u.Path) {
		return nil, errors.New("the URL is not that of a webhook, such as " +
			"https://discord.com/api/webhooks/<id>/<token>")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, errors.New("the URL begins with http://, which shows the webhook's token " +
			"to everybody on the way: use https://")
	}
	var client http.Client
	if cfg.Client != nil {
		client = *cfg.Client
	}
	client.Transport = &stay{cmp.Or[http.RoundTripper](client.Transport, http.DefaultTransport)}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Client{
		url: u, client: &client, agent: cfg.UserAgent, log: cfg.Logger,
		turn: make(chan struct{}, 1),
	}, nil
}

// stay keeps a client from following redirects, which would turn the POST into a GET or take the
// token to another host. A CheckRedirect comes too late: the client has read the Location by
// then, and if that makes no sense shows it in an error.
type stay struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s *stay) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err == nil {
		resp.Header.Del("Location")
	}
	return resp, err
}

// loopback reports whether host is this machine: that of a test, or of a proxy beside the bot.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

var webhookPath = regexp.MustCompile(`/webhooks/\d+/[\w-]+$`)

// Post posts a message and returns when Discord has taken it, or with the reason why not. It
// tries again after what may pass. After [ErrGone] it returns that at once.
func (c *Client) Post(ctx context.Context, m Message) error {
	return c.alone(ctx, func() error {
		_, err := c.deliver(ctx, http.MethodPost, c.url, m)
		return err
	})
}

// Edit edits the message with that id, or, if id is empty, the one that the first Edit has
// posted. If there is none it posts one.
func (c *Client) Edit(ctx context.Context, id string, m Message) error {
	return c.alone(ctx, func() error {
		c.mu.Lock()
		if c.messageID == "" {
			c.messageID = id
		}
		id := c.messageID
		c.mu.Unlock()
		if id != "" {
			_, err := c.deliver(ctx, http.MethodPatch, c.url.JoinPath("messages", id), m)
			if !errors.Is(err, errNoMessage) {
				return err
			}
		}
		answer, err := c.deliver(ctx, http.MethodPost, c.url, m)
		if err != nil {
			return err
		}
		c.log.Info("posted the status message; set MessageID to go on using it after a restart",
			"message_id", answer.ID)
		c.mu.Lock()
		c.messageID = answer.ID
		c.mu.Unlock()
		return nil
	})
}

// alone runs f when no other call is in progress, so that what is posted keeps its order.
func (c *Client) alone(ctx context.Context, f func() error) error {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.turn }()
	c.mu.Lock()
	gone := c.gone
	c.mu.Unlock()
	if gone {
		return ErrGone
	}
	err := f()
	if errors.Is(err, ErrGone) {
		c.mu.Lock()
		c.gone = true
		c.mu.Unlock()
		c.log.Error("giving up on the webhook", "error", err)
	}
	return err
}

// answer is the part of Discord's answers that matters: that of a message, or of an error.
type answer struct {
	ID         string  `json:"id"`
	Code       int     `json:"code"`
	Message    string  `json:"message"`
	RetryAfter float64 `json:"retry_after"` // s
}

// An attemptError is an answer that was no success.
type attemptError struct {
	status     int
	message    string
	retryAfter time.Duration
}

func (e *attemptError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("Discord answered %d %s %s",
		e.status, http.StatusText(e.status), e.message))
}

// RetryAfter returns how long Discord wants to be left alone; 0 if it did not say.
func (e *attemptError) RetryAfter() time.Duration { return e.retryAfter }

func (e *attemptError) passing() bool {
	return e.status == http.StatusTooManyRequests || e.status >= 500
}

// deliver sends a message until it is taken.
func (c *Client) deliver(ctx context.Context, method string, to *url.URL, m Message) (answer, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // it is not for HTML
	if err := encoder.Encode(m.fit()); err != nil {
		return answer{}, fmt.Errorf("encode the message: %w", err)
	}
	query := to.Query()
	query.Set("wait", "true") // else Discord may drop it and say nothing
	u := *to
	u.RawQuery = query.Encode()
	for attempt := 1; ; attempt++ {
		a, err := c.attempt(ctx, method, u.String(), body.Bytes())
		if err == nil || attempt == attempts {
			return a, err
		}
		delay := firstDelay << (attempt - 1)
		delay = delay/2 + rand.N(delay/2)
		if refused := (*attemptError)(nil); errors.As(err, &refused) {
			if !refused.passing() || refused.retryAfter > maxRetryAfter {
				return a, err
			}
			delay = max(delay, refused.retryAfter)
		} else if errors.Is(err, ErrGone) || errors.Is(err, errNoMessage) {
			return a, err
		}
		if err := sleep(ctx, delay); err != nil {
			return a, fmt.Errorf("post to the webhook: %w", err)
		}
	}
}

func (c *Client) attempt(ctx context.Context, method, to string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("the webhook's URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.agent)
	resp, err := c.client.Do(req)
	if err != nil {
		// Without its *url.Error, which shows the URL.
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return answer{}, fmt.Errorf("post to the webhook: %w", err)
	}
	defer resp.Body.Close()
	var a answer
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && len(text) > 0 {
		_ = json.Unmarshal(text, &a) // a proxy may answer in HTML: the status says enough
	}
	if resp.StatusCode < 300 {
		return a, nil
	}
	return a, refusal(resp, a)
}

// Discord's codes for what is not there.
const (
	unknownMessage      = 10008
	unknownWebhook      = 10015
	invalidWebhookToken = 50027
)

func refusal(resp *http.Response, a answer) error {
	refused := &attemptError{status: resp.StatusCode, message: cut(a.Message, 200)}
	refused.retryAfter = time.Duration(a.RetryAfter * float64(time.Second))
	if seconds, err := strconv.ParseFloat(resp.Header.Get("Retry-After"), 64); err == nil {
		refused.retryAfter = max(refused.retryAfter, time.Duration(seconds*float64(time.Second)))
	}
	switch {
	case resp.StatusCode < 400:
		return fmt.Errorf("redirects of a webhook are not followed: use the URL from the "+
			"channel's settings (%w)", refused)
	case a.Code == unknownMessage:
		return fmt.Errorf("%w (%w)", errNoMessage, refused)
	case a.Code == unknownWebhook, a.Code == invalidWebhookToken:
		// The status alone may be that of a proxy, or of Cloudflare.
		return fmt.Errorf("%w (%w)", ErrGone, refused)
	}
	return refused
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
