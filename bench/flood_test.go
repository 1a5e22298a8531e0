//go:build unix

package bench_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"
)

// floodEnv makes of this test binary a gateway that sends events as fast as it can. It is a process
// of its own, so that what it costs is not counted.
const floodEnv = "BOTWRIGHT_BENCH_FLOOD"

func TestMain(m *testing.M) {
	if os.Getenv(floodEnv) != "" {
		srv := httptest.NewServer(newFlood())
		fmt.Println(srv.URL)
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent has gone
		return
	}
	os.Exit(m.Run())
}

// startFlood starts the gateway and returns the base URL of its API.
func startFlood(b *testing.B) string {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), exe)
	cmd.Env, cmd.Stderr = append(os.Environ(), floodEnv+"=1"), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// A flood is a gateway for one client at a time. GET /flood?n=1000 lets it send that many events, and
// a ban behind them, which nothing else in the mix is.
type flood struct {
	bodies [][2]string // type and d, in the order in which they are sent
	orders chan int
}

// ban is the payload of the event that ends a flood.
const ban = `{"guild_id":"1234567890123456789","user":{"id":"1234567890123456789","username":"x"}}`

func newFlood() *flood { return &flood{bodies: eventMix(4096), orders: make(chan int)} }

func (f *flood) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/ws/" || r.URL.Path == "/ws":
		f.serveGateway(w, r)
	case r.URL.Path == "/flood":
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		f.orders <- n
	default: // GET /gateway and /gateway/bot
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"url": "ws://" + r.Host + "/ws", "shards": 1, "session_start_limit": map[string]int{
				"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}})
	}
}

func (f *flood) serveGateway(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	out := newFrames(ws, r.URL.Query().Get("compress") == "zstd-stream")
	out.send([]byte(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}`))
	if _, _, err := ws.ReadMessage(); err != nil { // IDENTIFY
		return
	}
	out.send([]byte(`{"t":"READY","s":1,"op":0,"d":{"v":10,"session_id":"0123456789abcdef",` +
		`"resume_gateway_url":"ws://` + r.Host + `/ws","shard":[0,1],"guilds":[],"private_channels":[],` +
		`"user":{"id":"80351110224678912","username":"bench","discriminator":"0","bot":true},` +
		`"application":{"id":"80351110224678912","flags":0}}}`))
	gone := make(chan struct{})
	go func() { // heartbeats go unanswered: no benchmark lasts that long
		defer close(gone)
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	}()
	var frame []byte
	for seq := 2; ; {
		select {
		case <-gone:
			return
		case n := <-f.orders:
			for i := range n + 1 {
				body := f.bodies[seq%len(f.bodies)]
				if i == n {
					body = [2]string{"GUILD_BAN_ADD", ban}
				}
				frame = fmt.Appendf(frame[:0], `{"t":%q,"s":%d,"op":0,"d":%s}`, body[0], seq, body[1])
				out.write(frame)
				seq++
			}
			out.flush()
		}
	}
}

// frames writes websocket messages, many to one write on the socket.
type frames struct {
	out        *bufio.Writer
	compressed bytes.Buffer
	zstd       *zstd.Encoder // nil: plain
}

func newFrames(ws *websocket.Conn, compress bool) *frames {
	f := &frames{out: bufio.NewWriterSize(ws.NetConn(), 64<<10)}
	if compress {
		f.zstd, _ = zstd.NewWriter(&f.compressed, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	}
	return f
}

func (f *frames) send(payload []byte) { f.write(payload); f.flush() }

func (f *frames) flush() { _ = f.out.Flush() }

func (f *frames) write(payload []byte) {
	kind := byte(0x81) // a whole text message
	if f.zstd != nil {
		f.compressed.Reset()
		_, _ = f.zstd.Write(payload)
		_ = f.zstd.Flush()
		kind, payload = 0x82, f.compressed.Bytes()
	}
	head := []byte{kind, byte(len(payload))}
	switch {
	case len(payload) > 0xffff:
		head = binary.BigEndian.AppendUint64([]byte{kind, 127}, uint64(len(payload)))
	case len(payload) > 125:
		head = binary.BigEndian.AppendUint16([]byte{kind, 126}, uint16(len(payload)))
	}
	_, _ = f.out.Write(head)
	_, _ = f.out.Write(payload)
}

// eventMix invents n events in the proportions of a busy bot: 40 % messages, 25 % presences, 20 %
// typing, 10 % member updates, 5 % slash commands.
func eventMix(n int) [][2]string {
	rnd := rand.New(rand.NewPCG(1, 2))
	id := func() string { return strconv.FormatUint(1_100_000_000_000_000_000+rnd.Uint64N(1<<56), 10) }
	words := func(n int) string { return strings.Repeat("lorem ipsum ", n) }
	roles := func() string { return fmt.Sprintf(`[%q,%q,%q]`, id(), id(), id()) }
	user := func() string {
		return fmt.Sprintf(`{"id":%q,"username":"someone%d","discriminator":"0","global_name":"Some One",`+
			`"avatar":"8342729096ea3675442027381ff50dfe","bot":false,"public_flags":64}`, id(), rnd.IntN(1000))
	}
	member := func() string {
		return fmt.Sprintf(`"roles":%s,"nick":"nick %d","avatar":null,"joined_at":"2024-03-01T12:00:00.000000+00:00",`+
			`"premium_since":null,"deaf":false,"mute":false,"flags":0,"pending":false,`+
			`"communication_disabled_until":null`, roles(), rnd.IntN(1000))
	}
	kinds := []struct {
		percent int
		name    string
		body    func() string
	}{
		{40, "MESSAGE_CREATE", func() string {
			return fmt.Sprintf(`{"id":%q,"type":0,"channel_id":%q,"guild_id":%q,"author":%s,"member":{%s},"content":%q,`+
				`"timestamp":"2026-01-01T00:00:00.000000+00:00","edited_timestamp":null,"tts":false,"mention_everyone":false,`+
				`"mentions":[],"mention_roles":[],"attachments":[],"embeds":[{"type":"rich","title":"A title","description":%q,`+
				`"color":5814783,"fields":[{"name":"one","value":"1","inline":true}]}],"pinned":false,"flags":0,"components":[],`+
				`"nonce":%q}`, id(), id(), id(), user(), member(), words(2+rnd.IntN(20)), words(10), id())
		}},
		{25, "PRESENCE_UPDATE", func() string {
			return fmt.Sprintf(`{"user":{"id":%q},"guild_id":%q,"status":"online","activities":[{"id":"ec0b28a579ecb4bd","name":"a game",`+
				`"type":0,"created_at":1767225600000,"timestamps":{"start":1767225600000},"details":%q,"state":"in a match"}],`+
				`"client_status":{"desktop":"online"}}`, id(), id(), words(3))
		}},
		{20, "TYPING_START", func() string {
			return fmt.Sprintf(`{"channel_id":%q,"guild_id":%q,"user_id":%q,"timestamp":1767225600,"member":{"user":%s,%s}}`,
				id(), id(), id(), user(), member())
		}},
		{10, "GUILD_MEMBER_UPDATE", func() string {
			return fmt.Sprintf(`{"guild_id":%q,"user":%s,%s}`, id(), user(), member())
		}},
		{5, "INTERACTION_CREATE", func() string {
			return fmt.Sprintf(`{"id":%q,"application_id":%q,"type":2,"token":%q,"version":1,"channel_id":%q,"guild_id":%q,`+
				`"member":{"user":%s,%s,"permissions":"562949953421311"},"locale":"en-GB","guild_locale":"en-US",`+
				`"app_permissions":"562949953421311","entitlements":[],"authorizing_integration_owners":{},"context":0,`+
				`"attachment_size_limit":10485760,"data":{"id":%q,"name":"roll","type":1,"options":[{"name":"sides","type":4,"value":20},`+
				`{"name":"note","type":3,"value":%q}]}}`,
				id(), id(), words(16), id(), id(), user(), member(), id(), words(20))
		}},
	}
	var events [][2]string
	for _, k := range kinds {
		for range n * k.percent / 100 {
			events = append(events, [2]string{k.name, k.body()})
		}
	}
	rnd.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}
