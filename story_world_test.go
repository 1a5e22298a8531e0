package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright"
)

// A storyWorld is a Discord in memory, small enough for a bubble of synctest: a gateway, an API, a
// webhook, and a disk for sessions. Each of them can be out of order.
type storyWorld struct {
	t     *testing.T
	conns chan net.Conn
	done  chan struct{}
	srv   http.Server

	mu       sync.Mutex // guards what follows
	offline  bool       // gateway and API
	deaf     bool       // the webhook
	diskFull bool
	refused  map[int]bool // shards that cannot connect
	live     map[int]*storyConn
	seq      map[int]int
	posts    []string
}

var errOffline = errors.New("network is unreachable")

func newStoryWorld(t *testing.T) *storyWorld {
	w := &storyWorld{t: t, conns: make(chan net.Conn), done: make(chan struct{}),
		refused: make(map[int]bool), live: make(map[int]*storyConn), seq: make(map[int]int)}
	w.srv = http.Server{Handler: w, ReadHeaderTimeout: time.Minute,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, storyShard{}, c.(*shardConn).shard)
		}}
	go func() { _ = w.srv.Serve(w) }()
	return w
}

// set changes the world.
func (w *storyWorld) set(change func(w *storyWorld)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

type storyShard struct{}

// A shardConn knows whose connection it is.
type shardConn struct {
	net.Conn
	shard int
}

// Accept, Close and Addr make the world a net.Listener.
func (w *storyWorld) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *storyWorld) Close() error   { return nil }
func (w *storyWorld) Addr() net.Addr { return &net.UnixAddr{Name: "discord", Net: "memory"} }

func (w *storyWorld) stop() {
	close(w.done)
	_ = w.srv.Close()
}

func (w *storyWorld) dial(ctx context.Context, shard int) (net.Conn, error) {
	w.mu.Lock()
	down := w.offline || w.refused[shard]
	w.mu.Unlock()
	if down {
		return nil, errOffline
	}
	ours, theirs := net.Pipe()
	select {
	case w.conns <- &shardConn{theirs, shard}:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A storyConn is the world's end of a shard's connection.
type storyConn struct {
	mu sync.Mutex // one writer at a time
	ws *websocket.Conn
}

func (c *storyConn) send(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...))
}

// ServeHTTP plays the gateway.
func (w *storyWorld) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{}
	ws, err := up.Upgrade(rw, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	shard := r.Context().Value(storyShard{}).(int)
	c := &storyConn{ws: ws}
	w.set(func(w *storyWorld) { w.live[shard] = c })
	c.send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
	for {
		_, b, err := ws.ReadMessage()
		if err != nil {
			return
		}
		var m struct{ Op int }
		if json.Unmarshal(b, &m) != nil {
			return
		}
		switch m.Op {
		case 1:
			c.send(`{"op":11}`)
		case 2:
			w.set(func(w *storyWorld) { w.seq[shard] = 0 })
			w.dispatch(shard, "READY", `{"v":10,"user":{"id":"1","username":"bot"},"session_id":"s",`+
				`"resume_gateway_url":"ws://gateway.test/","guilds":[],"application":{"id":"1"}}`)
		case 6:
			w.dispatch(shard, "RESUMED", `{}`)
		}
	}
}

func (w *storyWorld) dispatch(shard int, event, d string) {
	w.mu.Lock()
	w.seq[shard]++
	c, seq := w.live[shard], w.seq[shard]
	w.mu.Unlock()
	c.send(`{"op":0,"t":%q,"s":%d,"d":%s}`, event, seq, d)
}

// cut breaks the connections of some shards.
func (w *storyWorld) cut(shards ...int) {
	for _, s := range shards {
		w.mu.Lock()
		c := w.live[s]
		w.mu.Unlock()
		_ = c.ws.NetConn().Close()
	}
}

// closeWith ends a shard's connection with a close code.
func (w *storyWorld) closeWith(shard, code int) {
	w.mu.Lock()
	c := w.live[shard]
	w.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""))
}

// api is the transport of the bot's calls, hook that of its alerts.
func (w *storyWorld) api(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.offline {
		return nil, errOffline
	}
	body := `{"id":"1","username":"bot"}`
	if strings.HasSuffix(r.URL.Path, "/gateway/bot") {
		body = `{"url":"ws://gateway.test/","shards":4,"session_start_limit":` +
			`{"total":1000,"remaining":900,"reset_after":86400000,"max_concurrency":4}}`
	}
	return storyAnswer(body), nil
}

func (w *storyWorld) hook(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf {
		return nil, errOffline
	}
	var m struct {
		Content string
		Embeds  []struct {
			Title, Description string
			Color              int
			Fields             []struct{ Name, Value string }
		}
	}
	if err := json.Unmarshal(b, &m); err != nil {
		w.t.Error(err)
	}
	e := m.Embeds[0]
	color := map[int]string{0xFF0000: "red", 0xFFBF00: "amber", 0x2ECC71: "green"}[e.Color]
	text := fmt.Sprintf("post  %-5s %s", color, e.Title)
	if m.Content != "" {
		text += " " + m.Content
	}
	for _, f := range e.Fields {
		text += "\n              " + f.Name + ": " + strings.ReplaceAll(f.Value, "\n", "; ")
	}
	if e.Description != "" {
		text += "\n              " + e.Description
	}
	w.posts = append(w.posts, roughly(text))
	return storyAnswer(`{"id":"1"}`), nil
}

func storyAnswer(body string) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body))}
}

// LoadSessions and SaveSessions make the world a SessionStore.
func (w *storyWorld) LoadSessions(context.Context, []int) ([]botwright.SavedSession, error) {
	return nil, nil
}

func (w *storyWorld) SaveSessions(context.Context, []botwright.SavedSession) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.diskFull {
		return errors.New("no space left on device")
	}
	return nil
}

var (
	discordTime = regexp.MustCompile(`<t:\d+:(\w)>`)
	clockTime   = regexp.MustCompile(`\d\d:\d\d(:\d\d)? UTC`)
	duration    = regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+(\.\d+)?s\b`)
	manyTimes   = regexp.MustCompile(`bad \d+ times`)
)

// roughly takes out of a text what chance decides: back-off is random.
func roughly(text string) string {
	text = discordTime.ReplaceAllString(text, "<$1>")
	text = clockTime.ReplaceAllString(text, "<time>")
	text = manyTimes.ReplaceAllString(text, "bad many times")
	return duration.ReplaceAllStringFunc(text, func(s string) string {
		d, err := time.ParseDuration(s)
		if err != nil || d < 5*time.Minute {
			return "moments"
		}
		return "about " + strings.TrimSuffix(d.Truncate(5*time.Minute).String(), "0s")
	})
}
