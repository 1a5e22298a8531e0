package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
)

// dial connects to the resume URL if there is a session and one to be trusted, else to the
// gateway's. A resume URL that cannot be dialled is forgotten: the session can be resumed from the
// other.
func (s *Shard) dial(ctx context.Context, session Session) (*websocket.Conn, error) {
	base, err := s.cfg.URL(ctx, s.renewURL && session.ResumeURL == "")
	if err != nil {
		return nil, fmt.Errorf("get the gateway's URL: %w", err)
	}
	if session.ResumeURL != "" && !trusted(session.ResumeURL, base) {
		s.log.Warn("the session's resume URL is outside the gateway's domain; not using it",
			"resume_url", session.ResumeURL, "gateway_url", base)
		s.forgetResumeURL()
		session.ResumeURL = ""
	}
	if session.ResumeURL != "" {
		base = session.ResumeURL
	} else {
		s.renewURL = false
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	u, err := s.connectURL(base)
	if err != nil {
		s.dialFailed(session)
		return nil, err
	}
	ws, err := s.upgrade(ctx, u)
	if err != nil {
		s.dialFailed(session)
		if errors.Is(err, errBadRequest) {
			s.fallBack(err)
		}
		return nil, fmt.Errorf("dial %s: %w", base, err)
	}
	return ws, nil
}

var errBadRequest = errors.New("HTTP status 400 Bad Request")

// upgrade dials and upgrades to a websocket. The dialer itself respects only ctx's deadline once it
// waits for the answer to the upgrade, so the end of ctx closes the socket under it.
func (s *Shard) upgrade(ctx context.Context, u string) (*websocket.Conn, error) {
	release := func() bool { return true }
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			release = context.AfterFunc(ctx, func() { _ = got.Conn.Close() })
		},
	})
	header := http.Header{"User-Agent": {"DiscordBot (https://github.com/botwright/botwright, 0)"}}
	ws, resp, err := s.cfg.Dialer.DialContext(ctx, u, header)
	released := release()
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && resp != nil && resp.StatusCode == http.StatusBadRequest:
		return nil, fmt.Errorf("%w: %w", err, errBadRequest)
	case err != nil && resp != nil:
		return nil, fmt.Errorf("%w: HTTP status %s", err, resp.Status)
	case err != nil:
		return nil, err
	case !released:
		_ = ws.Close()
		return nil, context.Cause(ctx)
	}
	return ws, nil
}

func (s *Shard) dialFailed(session Session) {
	if session.ResumeURL == "" {
		s.renewURL = true
		return
	}
	s.forgetResumeURL()
}

func (s *Shard) forgetResumeURL() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session.ResumeURL = ""
}

// trusted reports whether the bot's token may be sent to a resume URL, which comes from a file or
// from a READY: to the gateway's host or to one beside it in the same domain, and not without TLS
// where the gateway has it.
func trusted(resumeURL, gatewayURL string) bool {
	resume, err := url.Parse(resumeURL)
	if err != nil {
		return false
	}
	gateway, err := url.Parse(gatewayURL)
	if err != nil || resume.Scheme != "wss" && resume.Scheme != gateway.Scheme {
		return false
	}
	host, known := strings.ToLower(resume.Hostname()), strings.ToLower(gateway.Hostname())
	if host == known {
		return host != ""
	}
	if net.ParseIP(host) != nil || net.ParseIP(known) != nil {
		return false
	}
	_, parent, _ := strings.Cut(host, ".")
	_, domain, _ := strings.Cut(known, ".")
	return parent == domain && strings.Contains(domain, ".")
}

func (s *Shard) connectURL(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("parse the gateway's URL: %w", err)
	}
	if !slices.Contains([]string{"ws", "wss"}, u.Scheme) || u.Host == "" {
		return "", fmt.Errorf("the gateway's URL %q is not a websocket's", base)
	}
	q := u.Query()
	q.Set("v", Version)
	q.Set("encoding", "json")
	if c := s.compression.query(); c != "" {
		q.Set("compress", c)
	}
	u.RawQuery = q.Encode()
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), nil
}
