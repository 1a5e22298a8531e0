package botwright_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// What an idle shard costs, whatever window the server's encoder has; docs/sharding.md says so. The
// memory has the server's end of the connection in it.
func TestIdleShardCosts(t *testing.T) { //nolint:paralleltest // measures the whole process
	const (
		shards        = 64
		maxGoroutines = 4.5 // 4, and a part of the bot's own
		maxMemory     = 350 << 10
	)
	for _, window := range []int{128 << 10, 4 << 20} {
		t.Run(fmt.Sprintf("window of %d KiB", window>>10), func(t *testing.T) { //nolint:paralleltest // see above
			srv := newServer(t, discordtest.Config{MaxConcurrency: shards})
			dial := idleGateway(t, window)
			before := memory()
			goroutines := ownGoroutines()
			bot := newBot(t, srv, botwright.WithShards(shards), botwright.WithIntents(discordgo.IntentGuilds),
				botwright.WithDialer(&websocket.Dialer{NetDialContext: dial}))
			open(t, bot)
			more := float64(ownGoroutines()-goroutines) / shards
			each := (memory() - before) / shards
			t.Logf("per shard: %.1f goroutines, %d KiB", more, each>>10)
			if more > maxGoroutines {
				t.Errorf("%.1f goroutines per shard, want at most %.1f", more, maxGoroutines)
			}
			if each > maxMemory {
				t.Errorf("%d KiB per shard, want at most %d", each>>10, maxMemory>>10)
			}
			runtime.KeepAlive(bot)
		})
	}
}

// idleGateway returns what dials a gateway on which nothing happens after the first guild. It sends
// the same bytes over each connection, so it needs no encoder for them.
func idleGateway(
	t *testing.T, window int,
) func(ctx context.Context, network, addr string) (net.Conn, error) {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		t.Fatal(err)
	}
	compressed := func(payload string) []byte {
		out.Reset()
		if _, err := z.Write([]byte(payload)); err != nil {
			t.Fatal(err)
		}
		if err := z.Flush(); err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(out.Bytes())
	}
	var channels []string
	for i := range 100 {
		channels = append(channels, fmt.Sprintf(`{"id":"%d","type":0,"name":"channel %d"}`, i+1000, i))
	}
	hello := compressed(`{"op":10,"d":{"heartbeat_interval":41250}}`)
	welcome := [][]byte{
		compressed(`{"t":"READY","s":1,"op":0,"d":{"v":10,"session_id":"a","user":{"id":"1"},` +
			`"guilds":[{"id":"2","unavailable":true}],"application":{"id":"3"}}}`),
		compressed(`{"t":"GUILD_CREATE","s":2,"op":0,"d":{"id":"2","name":"guild","channels":[` +
			strings.Join(channels, ",") + `]}}`),
	}
	up := websocket.Upgrader{}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		_ = ws.WriteMessage(websocket.BinaryMessage, hello)
		for {
			_, b, err := ws.ReadMessage()
			if err != nil {
				return
			}
			if bytes.Contains(b, []byte(`"op":2`)) {
				for _, b := range welcome {
					_ = ws.WriteMessage(websocket.BinaryMessage, b)
				}
			}
		}
	}))
	t.Cleanup(gateway.Close)
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, gateway.Listener.Addr().String())
	}
}

// memory returns what live objects and stacks take.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse) //nolint:gosec // less than 2^63
}

// ownGoroutines counts the goroutines that are not the fake Discord's.
func ownGoroutines() int {
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		panic(fmt.Sprintf("write the goroutines: %v", err))
	}
	n := 0
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if !strings.Contains(stack, "discordtest.") && !strings.Contains(stack, "idleGateway") && !strings.Contains(stack, "net/http.(*Server)") {
			n++
		}
	}
	return n
}
