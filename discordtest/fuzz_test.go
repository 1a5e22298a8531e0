package discordtest_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/discordtest"
)

// Whatever a client sends, the server answers the heartbeat after it or has closed the connection.
func FuzzClientFrame(f *testing.F) {
	for _, seed := range []string{
		`{"op":1,"d":null}`, `{"op":2,"d":{}}`, `{"op":3,"d":{"activities":[{"name":"x"}]}}`, `{"op":4,"d":{"guild_id":"1"}}`,
		`{"op":6,"d":{"seq":-1}}`, `{"op":8,"d":{"guild_id":["1"]}}`, `{"op":31,"d":{"guild_ids":null}}`, `null`, `{`, ``, `{"op":1e9}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		srv := start(t, discordtest.Config{Guilds: 1, Members: 1, Channels: 1})
		c := login(t, srv, 0)
		if err := c.ws.WriteMessage(websocket.TextMessage, msg); err != nil {
			t.Fatal(err)
		}
		_ = c.ws.WriteMessage(websocket.TextMessage, []byte(`{"op":1}`))
		for {
			_, reply, err := c.ws.ReadMessage()
			if websocket.IsUnexpectedCloseError(err) {
				if websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
					t.Fatalf("%q: the connection broke", msg)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(reply, []byte(`"op":11`)) {
				return
			}
		}
	})
}

// Whatever a message looks like, it is accepted or refused with a reason.
func FuzzMessageBody(f *testing.F) {
	for _, seed := range []string{
		`{"content":"x"}`, `{"embed":{"title":"x"}}`, `{"embeds":[{"fields":[{}]}]}`, `{"components":7}`, `{"nonce":{},"content":"x"}`,
		`{"message_reference":{"message_id":"1"}}`, `{"content":"<@1> <@&2> @everyone","allowed_mentions":{}}`, `[]`, `null`, `{`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		srv := start(t, discordtest.Config{Guilds: 1, Members: 1, Channels: 1, NoRateLimits: true})
		url := srv.URL + "/api/v10/channels/" + srv.Guilds()[0].Channels[0].ID + "/messages"
		req := must(http.NewRequestWithContext(deadline(t), "POST", url, bytes.NewReader(body)))
		req.Header.Set("Authorization", "Bot "+srv.Token)
		if r := do(t, req); r.status != 200 && r.status != 400 {
			t.Errorf("%q: status %d", body, r.status)
		}
	})
}
