package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/rest"
)

// A discord answers requests within limits as Discord has them, after a latency. It lives in a
// synctest bubble.
type discord struct {
	latency time.Duration // of which one half passes before a request is counted
	limit   int           // of each bucket; 0: none
	window  time.Duration
	global  int // requests in a second; 0: no limit

	// fault answers in place of the limits if it returns something.
	fault func(n int, r *http.Request) (*http.Response, error)

	mu       sync.Mutex // guards what follows
	seen     []request
	buckets  map[string]*window
	all      window
	inflight int
	most     int // in flight at once
	limited  int // answers 429
}

type request struct {
	method, path, body string
	at                 time.Time
}

type window struct {
	used  int
	reset time.Time
}

func (w *window) take(limit int, per time.Duration, now time.Time) bool {
	if !now.Before(w.reset) {
		*w = window{reset: now.Add(per)}
	}
	if w.used == limit {
		return false
	}
	w.used++
	return true
}

func (d *discord) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	d.enter()
	defer d.leave()
	if err := pass(r.Context(), d.latency/2); err != nil {
		return nil, err
	}
	d.mu.Lock()
	n := len(d.seen)
	d.seen = append(d.seen, request{r.Method, r.URL.Path, string(body), time.Now()})
	d.mu.Unlock()
	resp, err := d.answer(n, r)
	if err2 := pass(r.Context(), d.latency/2); err2 != nil {
		return nil, err2
	}
	return resp, err
}

func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *discord) enter() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inflight++
	d.most = max(d.most, d.inflight)
}

func (d *discord) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inflight--
}

func (d *discord) answer(n int, r *http.Request) (*http.Response, error) {
	if d.fault != nil {
		if resp, err := d.fault(n, r); resp != nil || err != nil {
			return resp, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	exempt := strings.Contains(r.URL.Path, "/interactions/") || strings.Contains(r.URL.Path, "/aW50ZXJhY3Rpb246")
	if d.global > 0 && !exempt && !d.all.take(d.global, time.Second, now) {
		d.limited++
		return tooMany(d.all.reset.Sub(now), "global", nil), nil
	}
	if d.limit == 0 {
		return answer(200, nil, "{}"), nil
	}
	if d.buckets == nil {
		d.buckets = make(map[string]*window)
	}
	b := d.buckets[r.Method+r.URL.Path]
	if b == nil {
		b = new(window)
		d.buckets[r.Method+r.URL.Path] = b
	}
	ok := b.take(d.limit, d.window, now)
	h := limitHeader(d.limit, d.limit-b.used, b.reset, now)
	if !ok {
		d.limited++
		return tooMany(b.reset.Sub(now), "user", h), nil
	}
	return answer(200, h, "{}"), nil
}

func limitHeader(limit, remaining int, reset, now time.Time) http.Header {
	ms := func(d time.Duration) string {
		return strconv.FormatFloat(math.Ceil(float64(d)/1e6)/1000, 'f', 3, 64)
	}
	return http.Header{
		"X-Ratelimit-Limit":       {strconv.Itoa(limit)},
		"X-Ratelimit-Remaining":   {strconv.Itoa(remaining)},
		"X-Ratelimit-Reset":       {ms(time.Duration(reset.UnixNano()))},
		"X-Ratelimit-Reset-After": {ms(reset.Sub(now))},
		"X-Ratelimit-Bucket":      {"abcd"},
	}
}

func tooMany(after time.Duration, scope string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	h.Set("X-RateLimit-Scope", scope)
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	return answer(429, h, fmt.Sprintf(`{"message":"You are being rate limited.",`+
		`"retry_after":%.3f,"global":%t}`, math.Ceil(after.Seconds()*1000)/1000, scope == "global"))
}

func answer(status int, h http.Header, body string) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// requests returns what was sent.
func (d *discord) requests() []request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]request(nil), d.seen...)
}

const token = "Bot MTIz.abc.def"

// do sends a request and returns the status of its answer.
func do(ctx context.Context, t *rest.Transport, method, path, body string) (int, error) {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, "https://discord.com/api/v9"+path, content)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := t.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

func get(ctx context.Context, t *rest.Transport, path string) error {
	status, err := do(ctx, t, http.MethodGet, path, "")
	if err == nil && status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	return err
}

// flood sends n requests at once, over so many channels, and returns how long that took.
func flood(t *testing.T, rt *rest.Transport, n, channels int) time.Duration {
	t.Helper()
	start := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			path := fmt.Sprintf("/channels/%d/messages", i%channels+1)
			if status, err := do(t.Context(), rt, "POST", path, `{"content":"hi"}`); err != nil || status != 200 {
				t.Errorf("send %d: status %d, %v", i, status, err)
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

func nonceOf(t *testing.T, body string) string {
	t.Helper()
	var m struct {
		Nonce   string `json:"nonce"`
		Enforce bool   `json:"enforce_nonce"`
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if m.Nonce != "" && !m.Enforce {
		t.Errorf("the nonce is not enforced in %s", body)
	}
	return m.Nonce
}
