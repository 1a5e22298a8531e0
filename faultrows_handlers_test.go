package botwright_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// junkTypes are event types whose payload discordgo follows into pointers.
var junkTypes = []string{
	"GUILD_CREATE", "GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE", "PRESENCE_UPDATE", "GUILD_ROLE_CREATE",
	"CHANNEL_CREATE", "CHANNEL_DELETE", "VOICE_STATE_UPDATE", "GUILD_BAN_ADD", "MESSAGE_REACTION_ADD",
}

// handleTyped registers a typed handler for one of junkTypes.
func handleTyped(r *rig, eventType string) {
	switch eventType {
	case "GUILD_CREATE":
		discard[discordgo.GuildCreate](r)
	case "GUILD_MEMBER_ADD":
		discard[discordgo.GuildMemberAdd](r)
	case "GUILD_MEMBER_UPDATE":
		discard[discordgo.GuildMemberUpdate](r)
	case "PRESENCE_UPDATE":
		discard[discordgo.PresenceUpdate](r)
	case "GUILD_ROLE_CREATE":
		discard[discordgo.GuildRoleCreate](r)
	case "CHANNEL_CREATE":
		discard[discordgo.ChannelCreate](r)
	case "CHANNEL_DELETE":
		discard[discordgo.ChannelDelete](r)
	case "VOICE_STATE_UPDATE":
		discard[discordgo.VoiceStateUpdate](r)
	case "GUILD_BAN_ADD":
		discard[discordgo.GuildBanAdd](r)
	case "MESSAGE_REACTION_ADD":
		discard[discordgo.MessageReactionAdd](r)
	}
}

func discard[E botwright.GatewayEvent](r *rig) {
	botwright.On(r.bot, func(context.Context, *discordgo.Session, *E) error { return nil })
}

// handlerFaults are handlers that misbehave, and events that do not fit their handlers.
func handlerFaults() []fault {
	return []fault{
		{
			id: "G19", inject: "a message whose id is a number", bound: again,
			must: "its typed handler does not see it, the error handler gets a DecodeError",
			prepare: func(r *rig) {
				botwright.On(r.bot, func(_ context.Context, _ *discordgo.Session, e *discordgo.MessageUpdate) error {
					r.t.Errorf("handled %+v", e.Message)
					return nil
				})
			},
			run: func(r *rig) {
				c := r.channels[0]
				r.dispatch(c.GuildID, "MESSAGE_UPDATE", fmt.Sprintf(`{"id":7,"channel_id":%q,"guild_id":%q}`, c.ID, c.GuildID))
				_ = waitFor[*botwright.DecodeError](r.t, r.errs)
			},
		}, {
			id: "G20", inject: "a message with a component that discordgo does not know", bound: again,
			must: "its typed handler gets the message without that component",
			run: func(r *rig) {
				seen := make(chan *discordgo.MessageUpdate, 1)
				botwright.On(r.bot, func(_ context.Context, _ *discordgo.Session, e *discordgo.MessageUpdate) error {
					seen <- e
					return nil
				})
				c := r.channels[0]
				r.dispatch(c.GuildID, "MESSAGE_UPDATE", fmt.Sprintf(`{"id":"9","channel_id":%q,"guild_id":%q,`+
					`"author":{"id":"5","username":"u"},"content":"hi","components":[{"type":99}]}`, c.ID, c.GuildID))
				if e := receive(r.t, seen); e.Content != "hi" || e.Author == nil || len(e.Components) != 0 {
					r.t.Errorf("handled %+v", e.Message)
				}
			},
		}, {
			id: "G31", inject: "a handler panics at every message", bound: again,
			must: "other handlers run, the error handler gets a PanicError each",
			prepare: func(r *rig) {
				r.bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error { panic("oh") })
			},
			run: func(r *rig) { r.say(5) },
			check: func(r *rig) {
				if n := len(r.errs.all()); n != r.last {
					r.t.Errorf("%d errors of %d messages", n, r.last)
				}
				_ = waitFor[*botwright.PanicError](r.t, r.errs)
			},
		}, {
			id: "G32", inject: "a handler blocks", bound: again,
			must: "other channels go on; Timeout ends its context, with ErrHandlerTimeout",
			prepare: func(r *rig) {
				r.bot.Handle("TYPING_START", func(ctx context.Context, _ *botwright.Event) error {
					<-ctx.Done()
					return context.Cause(ctx)
				}, botwright.Timeout(100*time.Millisecond))
			},
			run: func(r *rig) {
				c := r.channels[0]
				r.dispatch(c.GuildID, "TYPING_START", fmt.Sprintf(`{"channel_id":%q,"guild_id":%q}`, c.ID, c.GuildID))
				r.say(5)
			},
			check: func(r *rig) {
				if len(r.errs.all()) != 1 || !errors.Is(r.errs.all()[0], botwright.ErrHandlerTimeout) {
					r.t.Errorf("errors %v", r.errs.all())
				}
			},
		}, {
			id: "G33", inject: "a handler of the discordgo session blocks, with SyncEvents", bound: again,
			must: "events go on; so does the connection",
			opts: []botwright.Option{
				botwright.WithSessionEvents("TYPING_START"),
				botwright.WithSessionConfig(func(s *discordgo.Session) { s.SyncEvents = true }),
			},
			run: func(r *rig) {
				stuck, release := make(chan bool), make(chan bool)
				r.bot.Session().AddHandler(func(*discordgo.Session, *discordgo.TypingStart) {
					stuck <- true
					<-release
				})
				c := r.channels[0]
				r.dispatch(c.GuildID, "TYPING_START", fmt.Sprintf(`{"channel_id":%q,"guild_id":%q,"user_id":"5","timestamp":7}`, c.ID, c.GuildID))
				receive(r.t, stuck)
				r.say(5)
				r.awaitHeard()
				close(release)
			},
		}, {
			id: "G34", inject: "a handler registers another", bound: again, must: "the next event reaches both",
			run: func(r *rig) {
				var once sync.Once
				events := make(chan *botwright.Event, 100)
				r.bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error {
					once.Do(func() {
						r.bot.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
							events <- e
							return nil
						})
					})
					return nil
				})
				r.say(1)
				r.awaitHeard()
				r.say(1)
				receive(r.t, events)
			},
		}, {
			id: "G35", inject: "5,000 messages of 100 guilds while handlers are stuck, with room for 64", bound: identified,
			must: "holds 64, leaves the rest to Discord, handles all of them",
			opts: []botwright.Option{botwright.WithQueue(botwright.QueueConfig{MaxEvents: 64})},
			run: func(r *rig) {
				release, stuck := make(chan bool), make(chan bool, 1<<13)
				r.bot.Handle("MESSAGE_CREATE", func(context.Context, *botwright.Event) error {
					stuck <- true
					<-release
					return nil
				})
				// None has more than its share, which would be dropped.
				r.sayAs(5000, func(*discordgo.Channel) string { return fmt.Sprint(700 + r.last%100) })
				receive(r.t, stuck)
				if st := r.bot.Queue(); st.Events > 64 {
					r.t.Errorf("%d events are held", st.Events)
				}
				close(release)
			},
			check: func(r *rig) {
				if st := r.bot.Queue(); st.Blocked == 0 {
					r.t.Errorf("reading never stopped: %+v", st)
				}
			},
		}, {
			id: "G36", inject: "2,000 messages in 6 channels at once", bound: identified, must: "handles each channel's in order",
			run: func(r *rig) { r.say(2000) },
		},
	}
}

// sessionFaults are what happens to the discordgo session.
func sessionFaults() []fault {
	return []fault{
		{
			id: "G37", inject: "op 7 while the session has 50 voice connections", bound: again, must: "resumes; the session is not touched",
			run: func(r *rig) {
				s := r.bot.Session()
				s.Lock()
				for n := range 50 {
					s.VoiceConnections[fmt.Sprint(n)] = &discordgo.VoiceConnection{}
				}
				s.Unlock()
				r.conn().Reconnect()
				r.say(5)
			},
		}, {
			id: "G38", inject: "ChannelVoiceJoinManual and UpdateGameStatus without a connection", bound: again + 10*time.Second,
			must: "both return, and go out when there is one",
			run: func(r *rig) {
				s, g := r.bot.Session(), r.guilds[0]
				r.srv.Refuse(true)
				r.conn().Reset()
				r.awaitLog("gateway connection ", 2)
				err := errors.Join(s.ChannelVoiceJoinManual(g.ID, g.Channels[len(g.Channels)-1].ID, false, false),
					s.UpdateGameStatus(0, "chess"))
				if err != nil {
					r.t.Error(err)
				}
				r.srv.Refuse(false)
				r.await(func() bool { return len(commands(r.srv, 3)) == 1 && len(commands(r.srv, 4)) == 1 })
			},
		}, {
			id: "G39", inject: "the session closes itself, as after a step of the wall clock", bound: again,
			must: "opens it again; the connection to Discord stays",
			run: func(r *rig) {
				if err := r.bot.Session().Close(); err != nil {
					r.t.Error(err)
				}
				r.awaitLog("opened again", 1)
				// discordgo may close the new connection once more, if the goroutine of the old one's
				// heartbeats comes late (heartbeat in wsapi.go).
				r.await(func() bool { return r.bot.Session().UpdateGameStatus(0, "chess") == nil })
				r.await(func() bool { return len(commands(r.srv, 3)) == 1 })
			},
			check: func(r *rig) {
				if n := len(r.srv.AllConnections()); n != 1 {
					r.t.Errorf("%d connections to Discord, want 1", n)
				}
			},
		}, {
			id: "G40", inject: "GUILD_DELETE with unavailable set, then GUILD_CREATE", bound: again,
			must: "counts the guild as unavailable, not as left",
			run: func(r *rig) {
				deleted, created := r.handle("GUILD_DELETE"), r.handle("GUILD_CREATE")
				id := r.guilds[1].ID
				if err := r.srv.SetUnavailable(id, true); err != nil {
					r.t.Fatal(err)
				}
				if e := receive(r.t, deleted); !strings.Contains(string(e.Raw()), `"unavailable":true`) {
					r.t.Errorf("GUILD_DELETE %s", e.Raw())
				}
				if st := r.bot.Shards()[0]; st.Guilds != 2 || st.UnavailableGuilds != 1 {
					r.t.Errorf("%d guilds, %d unavailable", st.Guilds, st.UnavailableGuilds)
				}
				if err := r.srv.SetUnavailable(id, false); err != nil {
					r.t.Fatal(err)
				}
				receive(r.t, created)
			},
			check: func(r *rig) {
				if st := r.bot.Shards()[0]; st.Guilds != 3 || st.UnavailableGuilds != 0 {
					r.t.Errorf("%d guilds, %d unavailable", st.Guilds, st.UnavailableGuilds)
				}
			},
		},
	}
}

// vectorFaults are the rest of what a gateway client has to get right.
func vectorFaults() []fault {
	return []fault{
		{
			id: "V1", inject: "one of three guilds is in an outage at READY", bound: again, must: "is ready, and counts it",
			prepare: func(r *rig) {
				if err := r.srv.SetUnavailable(r.guilds[2].ID, true); err != nil {
					r.t.Fatal(err)
				}
			},
			check: func(r *rig) {
				if st := r.bot.Shards()[0]; st.Guilds != 2 || st.UnavailableGuilds != 1 {
					r.t.Errorf("%d guilds, %d unavailable", st.Guilds, st.UnavailableGuilds)
				}
			},
		}, {
			id: "V6a", inject: "an ACK is late by up to 1.5 intervals, behind 500 guilds", bound: identified, cfg: discordtest.Config{
				Guilds: 500, Members: 1, Channels: 1, HeartbeatInterval: heartbeat},
			must: "waits for it: it cannot know what it has not read",
			prepare: func(r *rig) {
				r.srv.OnConnect(func(c *discordtest.Conn) bool {
					c.HoldACKs(true)
					return false
				})
				beats := 0
				r.srv.OnFrame(func(c *discordtest.Conn, op int, _ json.RawMessage) bool {
					if op != 1 {
						return false
					}
					if beats++; beats == 2 {
						c.HoldACKs(false)
					}
					return false
				})
				r.srv.OnDispatch(func(_ *discordtest.Conn, _ int64, eventType string, payload []byte) []byte {
					if eventType == "GUILD_CREATE" {
						<-time.After(2 * heartbeat / 500)
					}
					return payload
				})
			},
			check: func(r *rig) {
				if n := len(r.srv.AllConnections()); n != 1 {
					r.t.Errorf("%d connections, want 1", n)
				}
			},
		}, {
			id: "V6b", inject: "op 1, twice", bound: again, must: "answers both at once",
			run: func(r *rig) {
				before := len(r.srv.Heartbeats())
				for n := 1; n <= 2; n++ {
					r.conn().RequestHeartbeat()
					r.await(func() bool { return len(r.srv.Heartbeats()) >= before+n })
				}
			},
		}, {
			id: "V8a", inject: "17 shards, max_concurrency 16", bound: identified, identifies: 17,
			must: "identifies 16 at once and the last after 5 s",
			cfg:  discordtest.Config{Guilds: 17, Members: 1, Channels: 1, Shards: 17, MaxConcurrency: 16, IdentifyWindow: window},
			run:  func(r *rig) { r.say(17) },
			check: func(r *rig) {
				checkSpacing(r, 16)
				for _, id := range r.srv.Identifies() {
					if !id.Accepted {
						r.t.Errorf("shard %d was refused: %s", id.ShardID, id.Reason)
					}
				}
			},
		}, {
			id: "V8b", inject: "no IDENTIFY left at the start, reset after 2 s", bound: identified,
			must:    "says so in ShardStatus, the log and an IdentifyBudgetError; goes on after the reset",
			prepare: func(r *rig) { r.srv.SetSessionStarts(0, 2*time.Second) },
			opening: func(r *rig) { checkExhausted(r, 0) },
		}, {
			id: "V8c", inject: "the session is lost with 30 IDENTIFYs left of 1000, reset after 8 s", bound: identified,
			must: "the same: a twentieth is a reserve for starting", identifies: 2, cfg: fast,
			prepare: func(r *rig) { r.srv.SetSessionStarts(30, 8*time.Second) },
			run: func(r *rig) {
				old := r.conn().SessionID()
				r.srv.DropSessions()
				r.conn().Reset()
				checkExhausted(r, 29)
				r.awaitNewSession(old)
			},
		}, {
			id: "V9a", inject: "121 requests for members at once", bound: again, must: "sends 115 payloads a minute; the connection stays",
			run: func(r *rig) {
				for n := range 121 {
					err := r.bot.Session().RequestGuildMembersList(r.guilds[0].ID, []string{"1"}, 0, fmt.Sprint(n), false)
					if err != nil {
						r.t.Error(err)
					}
				}
				r.await(func() bool { return len(commands(r.srv, 8)) >= 100 })
			},
			check: func(r *rig) {
				if n, m := len(r.srv.Frames()), len(r.srv.AllConnections()); n > 120 || m != 1 {
					r.t.Errorf("%d payloads on %d connections", n, m)
				}
			},
		}, {
			id: "V9b", inject: "a presence of more than 4096 bytes", bound: again,
			must: "is not sent; the error handler gets a SendError with ErrPayloadTooLarge",
			run: func(r *rig) {
				if err := r.bot.Session().UpdateGameStatus(0, strings.Repeat("x", 4096)); err != nil {
					r.t.Error(err)
				}
				if err := waitFor[*botwright.SendError](r.t, r.errs); !errors.Is(err, botwright.ErrPayloadTooLarge) {
					r.t.Error(err)
				}
			},
			check: func(r *rig) {
				if n := len(r.srv.AllConnections()); n != 1 {
					r.t.Errorf("%d connections, want 1", n)
				}
			},
		}, {
			id: "V10", inject: "GET /gateway/bot answers 502 three times, then 429", bound: identified,
			must: "asks again, with jitter, and not before Retry-After",
			prepare: func(r *rig) {
				var n atomic.Int32
				r.srv.FailREST(func(*http.Request) *discordtest.RESTFault {
					switch i := n.Add(1); {
					case i <= 3:
						return discordtest.BadGateway()
					case i == 4:
						return discordtest.RateLimited(time.Second, "user")
					}
					return nil
				})
			},
		}, {
			id: "V11a", inject: "a guild removes the bot", bound: again, must: "counts it no more",
			run: func(r *rig) {
				deleted := r.handle("GUILD_DELETE")
				if err := r.srv.RemoveGuild(r.guilds[2].ID); err != nil {
					r.t.Fatal(err)
				}
				receive(r.t, deleted)
				r.channels = r.channels[:4]
			},
			check: func(r *rig) {
				if st := r.bot.Shards()[0]; st.Guilds != 2 || st.UnavailableGuilds != 0 {
					r.t.Errorf("%d guilds, %d unavailable", st.Guilds, st.UnavailableGuilds)
				}
			},
		}, {
			id: "V11b", inject: "a direct message, with 2 shards", bound: identified, identifies: 2,
			must: "comes on shard 0", cfg: discordtest.Config{Shards: 2, MaxConcurrency: 2},
			run: func(r *rig) {
				typed := r.handle("TYPING_START")
				r.dispatch("", "TYPING_START", `{"channel_id":"1","user_id":"2"}`)
				if e := receive(r.t, typed); e.ShardID != 0 || e.GuildID != "" {
					r.t.Errorf("shard %d, guild %q", e.ShardID, e.GuildID)
				}
			},
		}, {
			id: "V11c", inject: "RATE_LIMITED in answer to a request for members", bound: again,
			must: "asks again when it may",
			run: func(r *rig) {
				id := r.guilds[0].ID
				r.first(1, 8, func(*discordtest.Conn) {
					r.dispatch(id, "RATE_LIMITED", fmt.Sprintf(
						`{"opcode":8,"retry_after":0.1,"meta":{"guild_id":%q,"nonce":"n"}}`, id))
				})
				chunks := r.handle("GUILD_MEMBERS_CHUNK")
				if err := r.bot.Session().RequestGuildMembers(id, "", 0, "n", false); err != nil {
					r.t.Error(err)
				}
				receive(r.t, chunks)
			},
		},
	}
}

// checkExhausted checks that the bot says everywhere that it may not identify for now.
func checkExhausted(r *rig, remaining int) {
	told := waitFor[*botwright.IdentifyBudgetError](r.t, r.errs)
	if told.Remaining != remaining || told.ResetAt.IsZero() {
		r.t.Errorf("told %+v, want %d left", told, remaining)
	}
	st := r.bot.Shards()[0]
	var status *botwright.IdentifyBudgetError
	if st.State != botwright.ShardIdentifying || !errors.As(st.Err, &status) {
		r.t.Errorf("the shard is %s: %v", st.State, st.Err)
	}
	if r.log.count("identify budget is down to its reserve") != 1 {
		r.t.Error("the log does not say so")
	}
}
