package botwright_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botwright/botwright/discordtest"
)

// serverFaults are servers, or things in front of one, with ways of their own.
func serverFaults() []fault {
	return []fault{
		{
			id: "N1", inject: "sequence numbers come out of order", bound: again,
			must: "handles every event as it comes; drops none as a duplicate",
			run: func(r *rig) {
				r.srv.OnDispatch(swapNumbers)
				r.say(20)
			},
			check: func(r *rig) {
				st := r.bot.Shards()[0]
				if st.Duplicates != 0 || len(r.srv.AllConnections()) != 1 {
					r.t.Errorf("%d duplicates, %d connections", st.Duplicates, len(r.srv.AllConnections()))
				}
			},
		}, {
			id: "N2", inject: "every frame has members that nobody knows", bound: again, must: "ignores it",
			prepare: func(r *rig) {
				r.srv.OnDispatch(func(_ *discordtest.Conn, _ int64, _ string, payload []byte) []byte {
					return append(payload[:len(payload)-1], `,"x":{"d":[1]},"y":null}`...)
				})
			},
			check: func(r *rig) {
				st := r.bot.Shards()[0]
				if st.Malformed != 0 || len(r.srv.AllConnections()) != 1 {
					r.t.Errorf("%d malformed frames, %d connections", st.Malformed, len(r.srv.AllConnections()))
				}
			},
		}, {
			id: "N3", inject: "close code 1001 on all of 6 shards at once", bound: again, identifies: 6,
			must: "resumes them all; spends no IDENTIFY",
			cfg:  discordtest.Config{Guilds: 6, Shards: 6, MaxConcurrency: 6},
			run: func(r *rig) {
				for id := range 6 {
					r.srv.Conn(id).Close(1001, "CloudFlare WebSocket proxy restarting")
				}
				r.say(60)
			},
		}, {
			id: "N4", inject: "the link dies with a presence and a request for members in flight", bound: again,
			must: "resumes, and sends them again",
			run: func(r *rig) {
				cut := make(chan bool, 1)
				r.srv.OnFrame(func(c *discordtest.Conn, op int, _ json.RawMessage) bool {
					if op != 3 && op != 8 || c.Number() > 1 {
						return false
					}
					if op == 8 {
						cut <- true
						c.Reset()
					}
					return true
				})
				if err := r.bot.Session().UpdateGameStatus(0, "chess"); err != nil {
					r.t.Fatal(err)
				}
				n := 0
				for _, err := range r.bot.Members(testContext(r.t), r.guilds[0].ID) {
					if err != nil {
						r.t.Fatal(err)
					}
					n++
				}
				receive(r.t, cut)
				if n != len(r.guilds[0].Members)+1 { // the bot, too
					r.t.Errorf("%d members came", n)
				}
				r.await(func() bool { return len(r.srv.Presences()) > 0 })
			},
		}, {
			id: "N5", inject: "200 shards lose their sessions at once", bound: 4 * time.Minute, identifies: 400,
			must: "identifies them in turn, as fast as max_concurrency lets it, and is never refused",
			cfg:  discordtest.Config{Guilds: 200, Members: 1, Shards: 200, MaxConcurrency: 100, IdentifyWindow: window},
			run: func(r *rig) {
				old := make(map[int]string)
				for id := range 200 {
					old[id] = r.srv.Conn(id).SessionID()
				}
				r.srv.DropSessions()
				for id := range 200 {
					r.srv.Conn(id).Reset()
				}
				for id := range 200 {
					r.await(func() bool { c := r.srv.Conn(id); return c != nil && c.SessionID() != old[id] })
				}
			},
			check: func(r *rig) {
				checkSpacing(r, 100)
				for _, id := range r.srv.Identifies() {
					if !id.Accepted {
						r.t.Errorf("IDENTIFY of shard %d: %s", id.ShardID, id.Reason)
					}
				}
			},
		},
	}
}

// swapNumbers gives each two messages each other's sequence. The row writes them in pairs.
func swapNumbers(_ *discordtest.Conn, seq int64, eventType string, payload []byte) []byte {
	if eventType != "MESSAGE_CREATE" {
		return payload
	}
	message := bytes.SplitAfter(payload, []byte(`"content":"`))[1]
	var number int64
	if _, err := fmt.Sscan(string(message[:bytes.IndexByte(message, '"')]), &number); err != nil {
		return payload
	}
	other := seq - 1 + number%2*2
	return bytes.Replace(payload, fmt.Appendf(nil, `"s":%d`, seq), fmt.Appendf(nil, `"s":%d`, other), 1)
}
