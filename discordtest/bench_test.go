package discordtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/discordtest"
)

// BenchmarkDispatch measures one event from Dispatch to a client that only reads.
func BenchmarkDispatch(b *testing.B) {
	srv, err := discordtest.New(discordtest.Config{Guilds: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http")+plain, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer ws.Close()
	err = ws.WriteJSON(map[string]any{"op": 2, "d": map[string]any{
		"token": srv.Token, "intents": discordgo.IntentGuildMessages,
	}})
	if err != nil {
		b.Fatal(err)
	}
	read := func(n int) {
		for range n {
			if _, _, err := ws.ReadMessage(); err != nil {
				b.Error(err)
				return
			}
		}
	}
	read(2) // HELLO, READY
	guild, payload := srv.Guilds()[0].ID, json.RawMessage(`"`+strings.Repeat("x", 900)+`"`)
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan struct{})
	go func() { defer close(done); read(b.N) }()
	for range b.N {
		if err := srv.Dispatch(guild, "MESSAGE_CREATE", payload); err != nil {
			b.Fatal(err)
		}
	}
	<-done
}
