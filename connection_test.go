package botwright_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// overTLS puts TLS with a CA of its own in front of a fake Discord.
func overTLS(t *testing.T, srv *discordtest.Server) *httptest.Server {
	t.Helper()
	target, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	var front *httptest.Server
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if !strings.Contains(r.Request.URL.Path, "/gateway/bot") {
				return nil
			}
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			b = bytes.ReplaceAll(b, []byte("ws://"+target.Host), []byte("wss://"+strings.TrimPrefix(front.URL, "https://")))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			r.Header.Del("Content-Length")
			return nil
		},
	}
	front = httptest.NewTLSServer(proxy)
	t.Cleanup(front.Close)
	return front
}

// The gateway is dialled as REST is, and a resume URL without TLS is not used.
func TestGatewayFollowsTheHTTPClient(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	front := overTLS(t, srv)
	client := front.Client() // trusts the CA
	var dialled atomic.Int32
	transport := client.Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialled.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	bot := newBot(t, srv, botwright.WithAPI(front.URL), botwright.WithHTTPClient(&http.Client{Transport: transport}))
	open(t, bot)
	if n := dialled.Load(); n < 2 {
		t.Errorf("DialContext was called %d times, want it for REST and for the gateway", n)
	}
	srv.Conn(0).Reset()
	await(t, srv, func() bool { return len(srv.Resumes()) == 1 })
	if c := srv.AllConnections()[1]; c.OnResumeURL() {
		t.Error("a resume URL without TLS was used")
	}
	transport.CloseIdleConnections()
}

func TestWithDialer(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{})
	var dialled atomic.Int32
	bot := newBot(t, srv, botwright.WithCompression(botwright.CompressionZlib), botwright.WithDialer(&websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}))
	open(t, bot)
	if n := dialled.Load(); n != 1 {
		t.Errorf("the dialer was used %d times, want once", n)
	}
	if got := srv.Conn(0).Query().Get("compress"); got != "zlib-stream" {
		t.Errorf("compress=%s", got)
	}
}

// A start that does not end says why, and does not promise an end.
func TestOpenDeadlineNamesTheCause(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 2, Shards: 2, MaxConcurrency: 2})
	srv.OnConnect(func(c *discordtest.Conn) bool {
		c.Close(4999, "no room")
		return true
	})
	log := newLogRecorder()
	bot := newBot(t, srv, botwright.WithShards(2), botwright.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	err := bot.Open(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Open: %v", err)
	}
	for _, want := range []string{"shard 0 is ", "shard 1 is ", "closed by Discord with code 4999: no room"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Open: %v, which does not say %q", err, want)
		}
	}
	if log.count(" s left") > 0 || log.count(`ready 0/2, shard 0: closed by Discord`) == 0 {
		t.Error("the log does not say what is in the way")
	}
}
