package discordtest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/botwright/botwright/discordtest"
)

// liveHeap returns what is reachable, in bytes.
func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestEndedConnectionsAreSmall is not parallel, because it looks at the heap.
func TestEndedConnectionsAreSmall(t *testing.T) {
	srv := start(t, discordtest.Config{})
	open := func(n int) {
		for range n {
			c := dial(t, srv, plain+"&compress=zlib-stream")
			if _, _, err := c.ws.ReadMessage(); err != nil {
				t.Fatal(err)
			}
			_ = c.ws.Close()
		}
		await(t, srv, func() bool { return len(srv.Connections()) == 0 })
	}
	open(1)
	before, n := liveHeap(), 60
	open(n)
	after := liveHeap()
	if got := (int64(after) - int64(before)) / int64(n); got > 64<<10 {
		t.Errorf("an ended connection takes %d KiB, want at most 64", got>>10)
	}
	for _, c := range srv.AllConnections() {
		c.Reset() // what is sent to a connection that has ended goes nowhere
		c.Reconnect()
		c.PauseWrites(true)
	}
}

func TestRequestBodiesAreBounded(t *testing.T) {
	srv := start(t, discordtest.Config{RecordLimit: 64}) // 64 KiB of bodies
	body := bytes.Repeat([]byte("x"), 20<<10)
	for i := range 9 {
		url := srv.URL + "/api/v10/gateway?n=" + fmt.Sprint(i)
		resp, err := direct.Post(url, "text/plain", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	size, got := 0, srv.Requests()
	for _, r := range got {
		size += len(r.Body)
	}
	last := got[len(got)-1]
	if size > 64<<10 || last.Query != "n=8" || last.Method != http.MethodPost || len(last.Body) != len(body) {
		t.Errorf("%d requests with %d bytes are recorded, the last is %s", len(got), size, last.Query)
	}
}
