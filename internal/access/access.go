// Package access decides who may ask an HTTP server for operators.
//
// A request passes three checks in this order:
//
//  1. It does not come from a web page of somebody else. Browsers say so in Sec-Fetch-Site, for
//     every method; for those that change something an Origin is looked at, too.
//  2. Without a token it names this machine as its host. A web page can have a browser ask a
//     server on the browser's own machine, by a name that the page's owner has pointed there; it
//     cannot hide the name.
//  3. With a token it has the token.
//
// Probes pass the second check: they say "ok" and no more, to a kubelet that asks for an address.
// With Guard.OpenProbes they pass the third.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// LogEvery is the time between two log entries about wrong tokens.
const LogEvery = time.Minute

// A Guard lets requests through to a handler. Do not change its fields once it is used.
type Guard struct {
	Token      string // "": no token is asked for
	Probes     []string
	OpenProbes bool
	Failed     func() // called for each wrong token; nil: nobody is told
	Logger     *slog.Logger

	mu     sync.Mutex // guards what follows
	logged time.Time
	quiet  int // wrong tokens since then
}

// Wrap returns next behind the guard.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	var crossOrigin http.CrossOriginProtection
	next = crossOrigin.Handler(next)
	if g.Token == "" {
		next = g.sameHost(next)
	} else {
		next = g.authorize(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			http.Error(w, "another site has sent the browser here: enter the address yourself",
				http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *Guard) sameHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !Loopback(host) && !g.probe(r) {
			http.Error(w, "ask for localhost, or set a token", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Loopback reports whether a host is this machine by its name or address alone.
func Loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func (g *Guard) authorize(next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(g.Token)) // sums are of one length: nothing leaks by time
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, given := tokenOf(r)
		got := sha256.Sum256([]byte(token))
		right := subtle.ConstantTimeCompare(got[:], want[:]) == 1
		if right || (g.OpenProbes && g.probe(r)) {
			next.ServeHTTP(w, r)
			return
		}
		if given { // a browser asks without one first
			g.failed(r)
		}
		w.Header().Add("WWW-Authenticate", `Bearer realm="botwright"`)
		w.Header().Add("WWW-Authenticate", `Basic realm="botwright: the password is the token"`)
		http.Error(w, "a token is required", http.StatusUnauthorized)
	})
}

// tokenOf returns the token in a request, and whether there is one.
func tokenOf(r *http.Request) (token string, given bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	header := r.Header.Get("Authorization")
	token, _ = strings.CutPrefix(header, "Bearer ")
	return token, header != ""
}

// probe reports whether a request is one that shows nothing but "ok".
func (g *Guard) probe(r *http.Request) bool {
	return r.URL.RawQuery == "" && slices.Contains(g.Probes, r.URL.Path)
}

// failed notes a wrong token. The first one is logged at once, those of the next minute together.
func (g *Guard) failed(r *http.Request) {
	if g.Failed != nil {
		g.Failed()
	}
	now := time.Now()
	g.mu.Lock()
	g.quiet++
	n := g.quiet
	due := g.logged.IsZero() || now.Sub(g.logged) >= LogEvery
	if due {
		g.logged, g.quiet = now, 0
	}
	g.mu.Unlock()
	if due && g.Logger != nil {
		g.Logger.Warn("wrong token for the admin server", "by", r.RemoteAddr, "times", n)
	}
}
