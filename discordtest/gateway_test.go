package discordtest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/discordtest"
)

func TestHandshake(t *testing.T) {
	srv := start(t, discordtest.Config{Guilds: 4, Members: 2, Channels: 1})
	guilds := srv.Guilds()
	if err := srv.SetUnavailable(guilds[3].ID, true); err != nil {
		t.Fatal(err)
	}
	c := connect(t, srv, plain)
	c.identify(srv.Token, discordgo.IntentGuilds, 1, 2)
	f := c.event("READY")
	if f.S != 1 {
		t.Errorf("READY has sequence %d, want 1", f.S)
	}
	var ready struct {
		Version   int    `json:"v"`
		SessionID string `json:"session_id"`
		URL       string `json:"resume_gateway_url"`
		Shard     [2]int `json:"shard"`
		User      struct{ ID string }
		Guilds    []struct {
			ID          string
			Unavailable bool
		}
	}
	c.decode(f.D, &ready)
	if ready.Version != 10 || ready.SessionID == "" || ready.Shard != [2]int{1, 2} || ready.User.ID != srv.Bot().ID ||
		!strings.HasSuffix(ready.URL, "/resume") {
		t.Errorf("READY is %+v", ready)
	}
	if len(ready.Guilds) != 2 || ready.Guilds[0].ID != guilds[1].ID || !ready.Guilds[0].Unavailable {
		t.Fatalf("READY of shard 1 of 2 lists %+v, want guilds 1 and 3", ready.Guilds)
	}
	f = c.event("GUILD_CREATE")
	var created discordgo.Guild
	c.decode(f.D, &created)
	if created.ID != guilds[1].ID || created.MemberCount != 3 || len(created.Members) != 1 || len(created.Channels) != 2 {
		t.Errorf("GUILD_CREATE without presences: %d members of %d, %d channels", len(created.Members), created.MemberCount,
			len(created.Channels))
	}
	f = c.event("GUILD_DELETE")
	if want := fmt.Sprintf(`{"id":%q,"unavailable":true}`, guilds[3].ID); string(f.D) != want {
		t.Errorf("guild in outage: %s, want %s", f.D, want)
	}
	if err := srv.SetUnavailable(guilds[3].ID, false); err != nil {
		t.Fatal(err)
	}
	c.event("GUILD_CREATE")
	if err := srv.RemoveGuild(guilds[3].ID); err != nil {
		t.Fatal(err)
	}
	if f = c.event("GUILD_DELETE"); strings.Contains(string(f.D), "unavailable") {
		t.Errorf("leaving a guild: %s, want no field unavailable", f.D)
	}
	id := srv.Identifies()
	if len(id) != 1 || !id[0].Accepted || id[0].ShardID != 1 || id[0].ShardCount != 2 ||
		id[0].Intents != discordgo.IntentGuilds || id[0].Properties["browser"] != "test" {
		t.Errorf("identifies: %+v", id)
	}
}

func TestWithoutGuildsIntentThereIsNoGuildCreate(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, discordgo.IntentGuildMessages)
	say(t, srv, 0, "hello")
	c.event("MESSAGE_CREATE")
}

// say lets the first member of a guild write in its first channel.
func say(t *testing.T, srv *discordtest.Server, guild int, content string) *discordgo.Message {
	t.Helper()
	g := srv.Guilds()[guild]
	m, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, content)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGuildsSpreadEvenly(t *testing.T) {
	srv := start(t, discordtest.Config{Guilds: 48, Members: 1, Channels: 1})
	for _, count := range []int{1, 2, 3, 5, 7, 16} {
		for i, g := range srv.Guilds() {
			var id uint64
			if _, err := fmt.Sscan(g.ID, &id); err != nil {
				t.Fatal(err)
			}
			if got := int((id >> 22) % uint64(count)); got != i%count {
				t.Fatalf("guild %d is on shard %d of %d, want %d", i, got, count, i%count)
			}
		}
	}
}

func TestIdentifyRefused(t *testing.T) {
	const all = discordgo.IntentsAll
	for name, tc := range map[string]struct {
		cfg     discordtest.Config
		path    string
		token   string
		intents discordgo.Intent
		shard   []int
		want    int
	}{
		"bad token":           {token: "x.y.z", intents: all, want: 4004},
		"shard out of range":  {intents: all, shard: []int{2, 2}, want: 4010},
		"shard malformed":     {intents: all, shard: []int{2}, want: 4010},
		"sharding required":   {cfg: discordtest.Config{MinShards: 4}, intents: all, shard: []int{0, 2}, want: 4011},
		"unknown intent":      {intents: 1 << 28, want: 4013},
		"disallowed intent":   {cfg: discordtest.Config{PrivilegedIntents: discordtest.NoPrivilegedIntents}, intents: all, want: 4014},
		"unsupported version": {path: "/gateway?v=99&encoding=json", want: 4012},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, tc.cfg)
			if tc.path != "" {
				if got := dial(t, srv, tc.path).closed(); got != tc.want {
					t.Errorf("closed with %d, want %d", got, tc.want)
				}
				return
			}
			c := connect(t, srv, plain)
			token := tc.token
			if token == "" {
				token = srv.Token
			}
			c.identify(token, tc.intents, tc.shard...)
			if got := c.closed(); got != tc.want {
				t.Errorf("closed with %d, want %d", got, tc.want)
			}
			if id := srv.Identifies(); len(id) != 1 || id[0].Accepted || id[0].CloseCode != tc.want {
				t.Errorf("recorded %+v", id)
			}
		})
	}
}

func TestMissingIntentsAreInvalid(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := connect(t, srv, plain)
	c.send(2, map[string]any{"token": srv.Token})
	if got := c.closed(); got != 4013 {
		t.Errorf("closed with %d, want 4013", got)
	}
}

func TestProtocolErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		identified bool
		send       string
		want       int
	}{
		"not JSON":              {send: "{", want: 4002},
		"no opcode":             {send: "{}", want: 4002},
		"too large":             {send: `{"op":1,"d":"` + strings.Repeat("x", 4096) + `"}`, want: 4002},
		"presence before login": {send: `{"op":3,"d":{}}`, want: 4003},
		"unknown opcode":        {identified: true, send: `{"op":99,"d":null}`, want: 4001},
		"second identify":       {identified: true, send: `{"op":2,"d":{}}`, want: 4005},
		"second resume":         {identified: true, send: `{"op":6,"d":{}}`, want: 4005},
		"bad presence":          {identified: true, send: `{"op":3,"d":[]}`, want: 4002},
		"bad voice state":       {identified: true, send: `{"op":4,"d":7}`, want: 4002},
		"bad member request":    {identified: true, send: `{"op":8,"d":{}}`, want: 4002},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, discordtest.Config{})
			c := connect(t, srv, plain)
			if tc.identified {
				c.identify(srv.Token, 0)
				c.ready()
			}
			if err := c.ws.WriteMessage(websocket.TextMessage, []byte(tc.send)); err != nil {
				t.Fatal(err)
			}
			if got := c.closed(); got != tc.want {
				t.Errorf("closed with %d, want %d", got, tc.want)
			}
		})
	}
}

func TestSendLimit(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, 0) // one frame
	for range 100 {
		c.send(3, map[string]any{"status": "online", "activities": []any{}})
	}
	await(t, srv, func() bool { return len(srv.Presences()) == 100 })
	srv.Advance(time.Minute)
	for range 121 {
		c.send(3, map[string]any{"status": "online", "activities": []any{}})
	}
	if got := c.closed(); got != 4008 {
		t.Errorf("closed with %d, want 4008", got)
	}
	if got := len(srv.Presences()); got != 220 {
		t.Errorf("%d presences were accepted, want 220", got)
	}
}

func TestIdentifyWindow(t *testing.T) {
	srv := start(t, discordtest.Config{Shards: 4, MaxConcurrency: 2})
	login(t, srv, 0, 0, 4)
	login(t, srv, 0, 1, 4)
	c := connect(t, srv, plain)
	c.identify(srv.Token, 0, 2, 4)
	if f := c.read(); f.Op != 9 || string(f.D) != "false" {
		t.Fatalf("got op %d %s, want op 9 false", f.Op, f.D)
	}
	srv.Advance(5 * time.Second)
	c.identify(srv.Token, 0, 2, 4)
	c.ready()
	if id := srv.Identifies(); len(id) != 4 || id[2].Accepted || id[2].CloseCode != 0 || id[2].Reason == "" {
		t.Errorf("identifies: %+v", id)
	}
}

func TestSessionStartBudget(t *testing.T) {
	srv := start(t, discordtest.Config{SessionStarts: 5})
	srv.SetSessionStarts(1, time.Minute)
	login(t, srv, 0)
	srv.Advance(10 * time.Second)
	c := connect(t, srv, plain)
	c.identify(srv.Token, 0)
	if f := c.read(); f.Op != 9 {
		t.Fatalf("got op %d, want op 9", f.Op)
	}
	srv.Advance(time.Minute)
	c.identify(srv.Token, 0)
	c.ready()
	var got struct {
		Limit struct{ Total, Remaining int } `json:"session_start_limit"`
	}
	rest(t, srv, "GET", "/gateway/bot", nil).into(&got)
	if got.Limit.Total != 5 || got.Limit.Remaining != 4 {
		t.Errorf("budget is %+v, want 4 of 5", got.Limit)
	}
}

func TestHeartbeat(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := connect(t, srv, plain)
	c.send(1, nil)
	if f := c.read(); f.Op != 11 {
		t.Fatalf("got op %d, want op 11", f.Op)
	}
	conn := srv.Connections()[0]
	conn.HoldACKs(true)
	c.send(1, nil)
	c.send(1, nil)
	await(t, srv, func() bool { return len(srv.Heartbeats()) == 3 })
	conn.RequestHeartbeat()
	if f := c.read(); f.Op != 1 {
		t.Fatalf("got op %d, want op 1 and no ACK before it", f.Op)
	}
	conn.HoldACKs(false)
	for range 2 {
		if f := c.read(); f.Op != 11 {
			t.Fatalf("got op %d, want op 11", f.Op)
		}
	}
}

func TestSilentClientTimesOut(t *testing.T) {
	srv := start(t, discordtest.Config{HeartbeatInterval: 20 * time.Millisecond})
	c := login(t, srv, 0)
	if got := c.closed(); got != 4009 {
		t.Errorf("closed with %d, want 4009", got)
	}
	again := connect(t, srv, plain)
	again.resume(srv.Token, c)
	if f := again.read(); f.Op != 9 {
		t.Errorf("resume of a session that timed out: op %d, want op 9", f.Op)
	}
}

func TestCompression(t *testing.T) {
	for _, compress := range []string{"zlib-stream", "zstd-stream"} {
		t.Run(compress, func(t *testing.T) {
			srv := start(t, discordtest.Config{Members: 50})
			c := dial(t, srv, "/gateway/?v=10&encoding=json&compress="+compress)
			dec := c.inflated(compress)
			var types []string
			next := func() {
				t.Helper()
				var f frame
				if err := dec.Decode(&f); err != nil {
					t.Fatal(err)
				}
				types = append(types, fmt.Sprintf("%d%s", f.Op, f.T))
			}
			next()
			c.identify(srv.Token, discordgo.IntentsAll)
			for range 4 {
				next()
			}
			say(t, srv, 0, strings.Repeat("long ", 300))
			next()
			if got, want := strings.Join(types, " "), "10 0READY 0GUILD_CREATE 0GUILD_CREATE 0GUILD_CREATE 0MESSAGE_CREATE"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestUnknownCompressionIsRefused(t *testing.T) {
	srv := start(t, discordtest.Config{})
	for _, query := range []string{"compress=lz4", "encoding=etf"} {
		_, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http")+"/gateway?"+query, nil)
		if err == nil || resp == nil || resp.StatusCode != 400 {
			t.Errorf("%s: %v, want status 400", query, err)
		}
	}
}

func TestPing(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := connect(t, srv, plain)
	pong := make(chan string, 1)
	c.ws.SetPongHandler(func(data string) error { pong <- data; return nil })
	if err := c.ws.WriteMessage(websocket.PingMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	c.send(1, nil)
	c.read()
	if got := <-pong; got != "x" {
		t.Errorf("pong %q, want x", got)
	}
}

func TestCommands(t *testing.T) {
	srv := start(t, discordtest.Config{Members: 2500})
	g := srv.Guilds()[0]
	c := login(t, srv, discordgo.IntentGuildMembers|discordgo.IntentGuildPresences|discordgo.IntentGuildVoiceStates)

	c.send(4, map[string]any{"guild_id": g.ID, "channel_id": g.VoiceChannels[0].ID})
	c.event("VOICE_STATE_UPDATE")
	c.event("VOICE_SERVER_UPDATE")
	c.send(31, map[string]any{"guild_ids": []string{g.ID}})
	c.event("SOUNDBOARD_SOUNDS")
	c.send(43, map[string]any{"guild_id": g.ID})

	var chunk struct {
		Members  []*discordgo.Member `json:"members"`
		Index    int                 `json:"chunk_index"`
		Count    int                 `json:"chunk_count"`
		Nonce    string              `json:"nonce"`
		NotFound []string            `json:"not_found"`
	}
	c.send(8, map[string]any{"guild_id": []string{g.ID}, "query": "", "limit": 0, "nonce": "n1"})
	total := 0
	for i := range 3 {
		c.decode(c.event("GUILD_MEMBERS_CHUNK").D, &chunk)
		if total += len(chunk.Members); chunk.Index != i || chunk.Count != 3 || chunk.Nonce != "n1" {
			t.Errorf("chunk %d: index %d of %d, nonce %q", i, chunk.Index, chunk.Count, chunk.Nonce)
		}
	}
	if total != 2501 {
		t.Errorf("%d members, want 2500 and the bot", total)
	}

	c.send(8, map[string]any{"guild_id": g.ID, "query": "", "limit": 0})
	var limited struct {
		Opcode     int     `json:"opcode"`
		RetryAfter float64 `json:"retry_after"`
	}
	c.decode(c.event("RATE_LIMITED").D, &limited)
	if limited.Opcode != 8 || limited.RetryAfter <= 0 || limited.RetryAfter > 30 {
		t.Errorf("RATE_LIMITED %+v", limited)
	}

	want := g.Members[7].User
	c.send(8, map[string]any{"guild_id": g.ID, "query": want.Username, "limit": 1})
	c.decode(c.event("GUILD_MEMBERS_CHUNK").D, &chunk)
	if len(chunk.Members) != 1 || chunk.Members[0].User.ID != want.ID {
		t.Errorf("query %q found %d members", want.Username, len(chunk.Members))
	}
	c.send(8, map[string]any{"guild_id": g.ID, "user_ids": []string{want.ID, "1"}, "limit": 0})
	c.decode(c.event("GUILD_MEMBERS_CHUNK").D, &chunk)
	if len(chunk.Members) != 1 || len(chunk.NotFound) != 1 || chunk.NotFound[0] != "1" {
		t.Errorf("user_ids found %d members, not %v", len(chunk.Members), chunk.NotFound)
	}
}

func TestDispatch(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := login(t, srv, discordgo.IntentGuildMessages, 1, 2)
	guilds := srv.Guilds()
	for _, e := range []struct{ guild, typ string }{
		{guilds[0].ID, "MESSAGE_CREATE"},      // another shard
		{guilds[1].ID, "PRESENCE_UPDATE"},     // no intent
		{"", "MESSAGE_CREATE"},                // shard 0
		{guilds[1].ID, "SOMETHING_NEW"},       // arrives
		{guilds[1].ID, "MESSAGE_DELETE_BULK"}, // arrives
	} {
		if err := srv.Dispatch(e.guild, e.typ, json.RawMessage(`{"x":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	if f := c.event("SOMETHING_NEW"); string(f.D) != `{"x":1}` || f.S != 2 {
		t.Errorf("got %s with sequence %d", f.D, f.S)
	}
	c.event("MESSAGE_DELETE_BULK")
	if err := srv.DispatchShard(1, "PRESENCE_UPDATE", map[string]int{"y": 2}); err != nil {
		t.Fatal(err)
	}
	if f := c.event("PRESENCE_UPDATE"); string(f.D) != `{"y":2}` {
		t.Errorf("got %s", f.D)
	}
	if err := srv.Dispatch("", "X", make(chan int)); err == nil {
		t.Error("a channel was marshalled")
	}
}
