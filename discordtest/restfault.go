package discordtest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

// A RESTFault is what happens to a REST request in place of its answer. The zero RESTFault does
// nothing.
type RESTFault struct {
	// Delay is waited before anything else. It ends early when the client gives up or the server
	// closes.
	Delay time.Duration
	// Status, Header and Body are the answer. With Status 0 the request is answered as usual, after
	// the delay.
	Status int
	Header http.Header
	Body   string
	// Reset cuts the connection with a TCP reset instead of an answer.
	Reset bool
	// Stall sends Status, Header and the first half of Body and then nothing, until the client
	// gives up.
	Stall bool
	// Apply carries the request out before it fails: the message is created, but the client never
	// learns of it.
	Apply bool
}

// FailREST adds a hook that is asked about every REST request before anything else, with the body
// readable and the path as the client sent it. The first fault that is not nil happens. Hooks run
// on the request's goroutine, in the order in which they were added; a hook may add others. Remove
// ends it.
func (s *Server) FailREST(fn func(*http.Request) *RESTFault) (remove func()) {
	return addHook(s, &s.faults.onREST, &restHook{fn})
}

// FailHandshake is [Server.FailREST] for the HTTP requests that open gateway connections. Only
// faults with a Status or Reset have an effect.
func (s *Server) FailHandshake(fn func(*http.Request) *RESTFault) (remove func()) {
	return addHook(s, &s.faults.onUpgrade, &restHook{fn})
}

// CloudflareBan is the answer of the proxy before Discord to an address that is banned: a 429 in
// HTML, without any rate-limit header.
func CloudflareBan() *RESTFault {
	return &RESTFault{
		Status: http.StatusTooManyRequests,
		Header: http.Header{"Content-Type": {"text/html"}, "Server": {"cloudflare"}},
		Body: "<!DOCTYPE html><html><head><title>Access denied</title></head>" +
			"<body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>",
	}
}

// RateLimited is a 429 as Discord sends it, of scope "user", "shared" or "global".
func RateLimited(retryAfter time.Duration, scope string) *RESTFault {
	f := &RESTFault{
		Status: http.StatusTooManyRequests,
		Header: http.Header{
			"Content-Type": {"application/json"}, "X-RateLimit-Scope": {scope},
			"Retry-After": {strconv.Itoa(int(math.Ceil(retryAfter.Seconds())))},
		},
		Body: fmt.Sprintf(`{"message":"You are being rate limited.","retry_after":%g,"global":%t}`,
			retryAfter.Seconds(), scope == "global"),
	}
	if scope == "global" {
		f.Header["X-RateLimit-Global"] = []string{"true"}
	}
	return f
}

// BadGateway is the 502 of the proxy before Discord, in HTML.
func BadGateway() *RESTFault {
	return &RESTFault{
		Status: http.StatusBadGateway,
		Header: http.Header{"Content-Type": {"text/html"}, "Server": {"cloudflare"}},
		Body: "<html><head><title>502 Bad Gateway</title></head>" +
			"<body><center><h1>502 Bad Gateway</h1></center></body></html>",
	}
}

// findFault asks the hooks about an exchange.
func (s *Server) findFault(x *exchange, hooks []*restHook) *RESTFault {
	for _, h := range hooks {
		r := x.req.Clone(x.req.Context())
		r.Body = io.NopCloser(bytes.NewReader(x.raw))
		if f := h.fn(r); f != nil {
			return f
		}
	}
	return nil
}

// serveFault lets a fault happen and returns the status that the client saw.
func (s *Server) serveFault(w http.ResponseWriter, x *exchange, f *RESTFault, err error) int {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-x.req.Context().Done():
			return 0
		case <-s.done:
			return 0
		}
	}
	if f.Apply || (f.Status == 0 && !f.Reset) {
		a := s.answer(x, err)
		if !f.Apply {
			a.write(w)
			return a.status
		}
	}
	if f.Reset {
		resetRequest(w)
		return 0
	}
	maps.Copy(w.Header(), f.Header)
	w.WriteHeader(max(f.Status, http.StatusOK))
	if !f.Stall {
		_, _ = io.WriteString(w, f.Body)
		return f.Status
	}
	_, _ = io.WriteString(w, f.Body[:len(f.Body)/2])
	_ = http.NewResponseController(w).Flush()
	select {
	case <-x.req.Context().Done():
	case <-s.done:
	}
	return f.Status
}
