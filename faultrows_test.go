package botwright_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// window is the time between two IDENTIFYs of a key that is asserted: Discord's 5 s, less what a
// busy machine may be late with the first.
const window = 4 * time.Second

// fast is a world in which the fake Discord leaves the spacing of IDENTIFYs to the bot.
var fast = discordtest.Config{HeartbeatInterval: heartbeat, IdentifyWindow: 1}

// connectionFaults are faults of the link and of the handshake.
func connectionFaults() []fault {
	return []fault{
		{
			id: "G1", inject: "op 7 amid events", bound: again,
			must: "resumes on the resume URL, with the same query",
			run: func(r *rig) {
				r.say(5)
				r.conn().Reconnect()
				r.say(5)
			},
			check: func(r *rig) {
				conns := r.srv.AllConnections()
				if len(conns) != 2 || !conns[1].OnResumeURL() || conns[1].Query().Encode() != conns[0].Query().Encode() {
					r.t.Errorf("%d connections, the last to %s?%s", len(conns), conns[len(conns)-1].Path(),
						conns[len(conns)-1].Query().Encode())
				}
			},
		}, {
			id: "G2a", inject: "op 7 in place of HELLO", bound: again, must: "connects again",
			prepare: func(r *rig) {
				r.connection(1, func(c *discordtest.Conn) { c.Reconnect() })
			},
		}, {
			id: "G2b", inject: "op 7 in place of READY", bound: identified, identifies: 2, cfg: fast,
			must: "connects again and identifies when it may",
			prepare: func(r *rig) {
				r.first(1, 2, func(c *discordtest.Conn) { c.Reconnect() })
			},
		}, {
			id: "G2c", inject: "op 7 in place of RESUMED", bound: again, must: "resumes again",
			run: func(r *rig) {
				r.first(1, 6, func(c *discordtest.Conn) { c.Reconnect() })
				r.conn().Reset()
				r.say(5)
			},
		}, {
			id: "G3", inject: "op 11 before READY", bound: again, must: "ignores it",
			prepare: func(r *rig) {
				r.srv.OnFrame(func(c *discordtest.Conn, op int, _ json.RawMessage) bool {
					if op == 2 {
						c.SendOp(11, nil)
					}
					return false
				})
			},
		}, {
			id: "G4", inject: "op 1 before READY", bound: again,
			must: "answers at once with a heartbeat whose d is null; is ready with READY",
			prepare: func(r *rig) {
				beats := make(chan string, 100)
				r.srv.OnFrame(func(c *discordtest.Conn, op int, d json.RawMessage) bool {
					switch op {
					case 1:
						beats <- string(d)
					case 2:
						c.RequestHeartbeat()
					}
					return false
				})
				r.srv.OnDispatch(func(_ *discordtest.Conn, _ int64, eventType string, payload []byte) []byte {
					if eventType == "READY" {
						checkBeforeReady(r, <-beats)
					}
					return payload
				})
			},
		}, {
			id: "G5", inject: "op 9 (false) in answer to RESUME", bound: identified, identifies: 2, cfg: fast,
			must: "drops the session, waits 1 to 5 s, identifies when it may",
			run: func(r *rig) {
				old := r.conn().SessionID()
				r.srv.DropSessions()
				r.conn().Reset()
				r.awaitNewSession(old)
			},
		}, {
			id: "G6", inject: "op 9 (true) amid events", bound: again, must: "resumes on a new connection",
			run: func(r *rig) {
				r.conn().InvalidSession(true)
				r.say(5)
			},
		}, {
			id: "G7", inject: "op 9 in answer to each of the first 2 IDENTIFYs", bound: 2 * identified, identifies: 3,
			must: "identifies once per 5 s at most", cfg: fast,
			prepare: func(r *rig) {
				r.first(2, 2, func(c *discordtest.Conn) { c.InvalidSession(false) })
			},
			check: func(r *rig) { checkSpacing(r, 1) },
		}, {
			id: "G8", inject: "4 shards, max_concurrency 1", bound: 2 * identified, identifies: 4,
			must: "identifies one shard per 5 s, in order, and is never refused",
			cfg:  discordtest.Config{Guilds: 4, Shards: 4, IdentifyWindow: window},
			run:  func(r *rig) { r.say(5) },
			check: func(r *rig) {
				checkSpacing(r, 1)
				for i, id := range r.srv.Identifies() {
					if !id.Accepted || id.ShardID != i {
						r.t.Errorf("identify %d: shard %d, accepted %t", i, id.ShardID, id.Accepted)
					}
				}
			},
		}, {
			id: "G9", inject: "no HELLO", bound: again, must: "gives up at the deadline (30 s; 1 s here) and connects again",
			opts:    []botwright.Option{botwright.WithHelloTimeout(time.Second)},
			prepare: func(r *rig) { r.connection(1, func(*discordtest.Conn) {}) },
		}, {
			id: "G10", inject: "READY comes late", bound: again, must: "status and session answer meanwhile",
			prepare: func(r *rig) {
				r.srv.OnDispatch(func(_ *discordtest.Conn, _ int64, eventType string, payload []byte) []byte {
					if eventType == "READY" {
						checkBeforeReady(r, "null")
						r.bot.Session().RLock()
						defer r.bot.Session().RUnlock()
					}
					return payload
				})
			},
		}, {
			id: "G11", inject: "heartbeats are not acknowledged", bound: 2*heartbeat + again, cfg: fast,
			must: "closes with 4000 after 2 intervals at most, and resumes",
			run: func(r *rig) {
				r.conn().HoldACKs(true)
				r.await(func() bool { return len(r.srv.Closes()) == 1 })
				if code := r.srv.Closes()[0].Code; code != 4000 {
					r.t.Errorf("closed with %d, want 4000", code)
				}
			},
		}, {
			id: "G12", inject: "half-open link: nothing comes, nothing arrives", bound: 2*heartbeat + again, cfg: fast,
			must: "notices within 2 intervals, and resumes",
			run: func(r *rig) {
				dead := r.conn()
				dead.PauseReads(true)
				dead.PauseWrites(true)
				r.say(5)
				r.await(func() bool { return len(r.srv.AllConnections()) == 2 })
				dead.PauseReads(false)
				dead.PauseWrites(false)
			},
		}, {
			id: "G13", inject: "Discord stops reading", bound: 2*heartbeat + again, cfg: fast,
			must: "notices within 2 intervals, and resumes; no write blocks",
			run: func(r *rig) {
				deaf := r.conn()
				deaf.PauseReads(true)
				for range 100 {
					if err := r.bot.Session().UpdateGameStatus(0, "x"); err != nil {
						r.t.Error(err)
					}
				}
				r.await(func() bool { return len(r.srv.AllConnections()) == 2 })
				deaf.PauseReads(false)
			},
		}, {
			id: "G14a", inject: "TCP reset", bound: again, must: "resumes",
			run: func(r *rig) {
				r.say(5)
				r.conn().Reset()
				r.say(5)
			},
		}, {
			id: "G14b", inject: "TCP reset amid a frame", bound: again, must: "resumes",
			run: func(r *rig) {
				r.say(5)
				r.conn().ResetMidFrame()
				r.say(5)
			},
		}, {
			id: "G17", inject: "HELLO with an interval of 0", bound: again, must: "connects again",
			run: func(r *rig) {
				r.connection(2, func(c *discordtest.Conn) { c.Hello(0) })
				r.conn().Reset()
			},
		}, {
			id: "G27", inject: "connections are refused for a while", bound: again + 10*time.Second,
			must: "tries again and again, with jitter, after 30 s at most; resumes",
			run: func(r *rig) {
				r.srv.Refuse(true)
				r.conn().Reset()
				r.say(5)
				r.awaitLog("gateway connection ", 3)
				r.srv.Refuse(false)
			},
		}, {
			id: "G28", inject: "REST is down and the resume URL dead", bound: again + 10*time.Second,
			must: "resumes on the gateway URL it remembers",
			run: func(r *rig) {
				restore := r.srv.FailREST(func(*http.Request) *discordtest.RESTFault { return discordtest.BadGateway() })
				r.srv.RefuseResume(true)
				r.conn().Reset()
				r.say(5)
				r.await(func() bool { return len(r.srv.Resumes()) == 1 })
				restore()
			},
			check: func(r *rig) {
				if c := r.srv.AllConnections()[1]; c.OnResumeURL() || !c.Resumed() {
					r.t.Errorf("connection to %s, resumed %t", c.Path(), c.Resumed())
				}
			},
		}, {
			id: "G29", inject: "the bot is stopped while it waits to connect again", stops: true,
			must: "stops at once and stays away",
			run: func(r *rig) {
				r.srv.Refuse(true)
				r.conn().Reset()
				r.awaitLog("gateway connection ", 2)
			},
			check: func(r *rig) {
				if st := r.bot.Shards()[0].State; st != botwright.ShardClosed {
					r.t.Errorf("the shard is %s", st)
				}
			},
		}, {
			id: "G30", inject: "TCP reset while a heartbeat is due", bound: again, must: "connects once",
			run: func(r *rig) {
				r.conn().RequestHeartbeat()
				r.conn().Reset()
			},
			check: func(r *rig) {
				if n := len(r.srv.AllConnections()); n != 2 {
					r.t.Errorf("%d connections, want 2", n)
				}
			},
		}, {
			id: "G41a", inject: "TCP reset amid the guilds that follow READY", bound: again,
			must: "resumes; every guild comes once",
			cfg:  discordtest.Config{Guilds: 150, Members: 2},
			prepare: func(r *rig) {
				ready, created := r.handle("READY"), r.handle("GUILD_CREATE")
				var n atomic.Int32
				r.srv.OnDispatch(func(c *discordtest.Conn, _ int64, eventType string, payload []byte) []byte {
					if eventType == "GUILD_CREATE" && n.Add(1) == 100 {
						<-ready
						c.Reset()
					}
					return payload
				})
				r.t.Cleanup(func() {
					if len(created) != 150 {
						r.t.Errorf("%d guilds came, want 150", len(created))
					}
				})
			},
		},
	}
}

// checkBeforeReady checks what a shard does before READY has come.
func checkBeforeReady(r *rig, beat string) {
	if beat != "null" {
		r.t.Errorf("heartbeat %s before any event", beat)
	}
	if st := r.bot.Shards()[0].State; st != botwright.ShardIdentifying {
		r.t.Errorf("the shard is %s before READY", st)
	}
}

// checkSpacing checks that IDENTIFYs of one key were 5 s apart.
func checkSpacing(r *rig, maxConcurrency int) {
	r.t.Helper()
	last := make(map[int]time.Time)
	for _, c := range commands(r.srv, 2) {
		var identify struct {
			Shard []int `json:"shard"`
		}
		if err := json.Unmarshal(c.D, &identify); err != nil {
			r.t.Fatal(err)
		}
		key := identify.Shard[0] % maxConcurrency
		if before, ok := last[key]; ok && c.Time.Sub(before) < window {
			r.t.Errorf("IDENTIFYs of one key %v apart", c.Time.Sub(before))
		}
		last[key] = c.Time
	}
}

// closeFaults are the close codes.
func closeFaults() []fault {
	var list []fault
	for _, code := range []int{1000, 1001, 4000, 4002, 4008, 4999, 3000} {
		list = append(list, fault{
			id: fmt.Sprint("V5-", code), inject: fmt.Sprintf("close code %d", code), bound: again, must: "resumes",
			run: func(r *rig) {
				r.conn().Close(code, "")
				r.say(5)
			},
		})
	}
	for _, code := range []int{4001, 4003, 4005, 4007, 4009} {
		list = append(list, fault{
			id: fmt.Sprint("V5-", code), inject: fmt.Sprintf("close code %d", code), bound: identified, identifies: 2,
			must: "drops the session and identifies, without trying to RESUME", cfg: fast,
			run: func(r *rig) {
				old := r.conn().SessionID()
				r.conn().Close(code, "")
				r.awaitNewSession(old)
			},
			check: func(r *rig) {
				if n := len(r.srv.Resumes()); n != 0 {
					r.t.Errorf("%d resumes", n)
				}
			},
		})
	}
	for _, code := range []int{4004, 4010, 4011, 4012, 4013, 4014} {
		list = append(list, fault{
			id: fmt.Sprint("G23-", code), inject: fmt.Sprintf("close code %d in answer to IDENTIFY", code), fatal: code,
			must: "Run returns a ShardError that says what to do; nothing is tried again",
			prepare: func(r *rig) {
				r.first(1, 2, func(c *discordtest.Conn) { c.Close(code, "") })
			},
		})
	}
	return append(list, fault{
		id: "G24", inject: "close code 4004 amid events", fatal: 4004, must: "the same",
		run: func(r *rig) { r.conn().Close(4004, "") },
	}, fault{
		id: "G25", inject: "ready, then close code 4002, 4 times over", bound: identified,
		must: "waits longer each time; spends no IDENTIFY",
		run: func(r *rig) {
			for n := range 4 {
				r.await(func() bool { return len(r.srv.Resumes()) == n && r.srv.Conn(0) != nil })
				r.conn().Close(4002, "")
				r.say(3)
				r.awaitLog("gateway connection ", n+1)
			}
		},
	})
}

// payloadFaults are payloads that are not what they should be.
func payloadFaults() []fault {
	return []fault{
		{
			id: "G15a", inject: "an event arrives cut short", bound: again, must: "resumes, and has it sent again",
			run: func(r *rig) {
				var cut atomic.Bool
				r.srv.OnDispatch(func(_ *discordtest.Conn, _ int64, eventType string, payload []byte) []byte {
					if eventType == "MESSAGE_CREATE" && cut.CompareAndSwap(false, true) {
						return payload[:len(payload)/2]
					}
					return payload
				})
				r.say(5)
			},
			check: func(r *rig) {
				if n := r.bot.Shards()[0].Malformed; n != 1 {
					r.t.Errorf("%d malformed frames were counted", n)
				}
			},
		}, {
			id: "G15b", inject: "an empty frame", bound: again, must: "resumes: it may have been an event",
			run: func(r *rig) { r.conn().SendRaw(nil) },
		}, {
			id: "G15c", inject: "half of a compressed message", bound: again, must: "resumes",
			run: func(r *rig) {
				r.conn().SendTruncated(bytes.Repeat([]byte(`{"op":11}`), 100))
				r.say(5)
			},
		}, {
			id: "G16", inject: "the frames `null`, `[]` and `7`", bound: again, must: "counts them; the connection stays",
			run: func(r *rig) {
				for _, odd := range []string{"null", "[]", "7"} {
					r.conn().SendRaw([]byte(odd))
				}
			},
			check: func(r *rig) {
				if n, m := r.bot.Shards()[0].Malformed, len(r.srv.AllConnections()); n != 3 || m != 1 {
					r.t.Errorf("%d malformed frames, %d connections", n, m)
				}
			},
		}, {
			id: "G18a", inject: "events whose data is null, of the wrong kind, or without what they are about", bound: again,
			must: "handlers do not see them, the error handler gets a DecodeError each",
			opts: []botwright.Option{botwright.WithSessionEvents(junkTypes...)},
			prepare: func(r *rig) {
				for _, eventType := range junkTypes {
					handleTyped(r, eventType)
				}
			},
			run: func(r *rig) {
				for _, eventType := range junkTypes {
					for _, junk := range []string{`null`, `[]`, `7`, `{"user":null}`} {
						if err := r.srv.DispatchShard(0, eventType, json.RawMessage(junk)); err != nil {
							r.t.Fatal(err)
						}
					}
				}
			},
			check: func(r *rig) {
				if n, want := len(r.errs.all()), 2*4*len(junkTypes); n != want {
					r.t.Errorf("%d errors, want %d: of the handler and of the session's", n, want)
				}
			},
		}, {
			id: "G18b", inject: "READY with a guild that is null", bound: again, must: "ignores it of it",
			prepare: func(r *rig) {
				r.srv.OnDispatch(func(_ *discordtest.Conn, _ int64, eventType string, payload []byte) []byte {
					if eventType == "READY" {
						return bytes.Replace(payload, []byte(`"guilds":[`), []byte(`"guilds":[null,`), 1)
					}
					return payload
				})
			},
		}, {
			id: "G21", inject: "an event of an unknown type", bound: again, must: "reaches its handler undecoded",
			prepare: func(r *rig) {
				seen := r.handle("SOMETHING_NEW")
				r.t.Cleanup(func() {
					if len(seen) != 1 {
						r.t.Errorf("it came %d times", len(seen))
					}
				})
			},
			run: func(r *rig) { r.dispatch(r.guilds[0].ID, "SOMETHING_NEW", `{"a":1}`) },
		}, {
			id: "G22", inject: "64 KB that inflate to 64 MB", bound: identified, must: "stops at the limit, and resumes",
			run: func(r *rig) {
				r.conn().SendBomb(64 << 20)
				r.say(5)
			},
		}, {
			id: "G41b", inject: "events come a second time", bound: again, must: "drops them by their sequence",
			run: func(r *rig) {
				frames := make(chan []byte, 100)
				remove := r.srv.OnDispatch(func(_ *discordtest.Conn, _ int64, _ string, payload []byte) []byte {
					frames <- slices.Clone(payload)
					return payload
				})
				r.say(5)
				r.awaitHeard()
				remove()
				for range 5 {
					r.conn().SendRaw(<-frames)
				}
			},
		},
	}
}
