package state_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/state"
)

// record is one event of a recorded session.
type record struct {
	T string          `json:"t"`
	D json.RawMessage `json:"d"`
}

func recorded(t *testing.T) []record {
	t.Helper()
	b, err := os.ReadFile("testdata/session.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var list []record
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// TestReplay applies a recorded session to a full State and to discordgo's own, and compares the
// two after each event, but for what discordgo gets wrong; see view.
func TestReplay(t *testing.T) {
	st, reference := discordgo.NewState(), discordgo.NewState()
	k := state.New(st, full(10))
	reference.MaxMessageCount = 10
	feeder := &discordgo.Session{StateEnabled: true}
	compared := 0
	for i, r := range recorded(t) {
		if err := k.Apply(&state.Event{Type: r.T, Raw: r.D}); err != nil {
			t.Fatalf("event %d, %s: %v", i, r.T, err)
		}
		v, err := events.Decode(r.T, r.D)
		if err != nil {
			t.Fatal(err)
		}
		_ = reference.OnInterface(feeder, v)
		got, want := view(st), view(reference)
		for key, w := range want {
			if g := got[key]; g != w {
				t.Errorf("after event %d, %s: %s\n  got  %s\n  want %s", i, r.T, key, g, w)
			}
			compared++
		}
		for key, g := range got {
			if _, ok := want[key]; !ok {
				t.Errorf("after event %d, %s: %s is not in discordgo's State: %s", i, r.T, key, g)
			}
		}
		if t.Failed() {
			return
		}
	}
	if compared < 500 {
		t.Errorf("only %d objects were compared", compared)
	}
}

// view returns what a State holds, by the kind and id of each object. It leaves out what
// discordgo's State gets wrong or has by chance: guilds in an outage, which it drops; the order of
// lists; presences of those who are offline; members that it makes of presences; the user of a
// presence and the member of a voice state; the time of joining, which GUILD_UPDATE makes it
// forget; stage instances, which it does not follow.
func view(st *discordgo.State) map[string]string {
	objects := make(map[string]string)
	put := func(kind, id string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		objects[kind+" "+id] = string(b)
	}
	for _, g := range st.Guilds {
		if g.Unavailable {
			continue
		}
		plain := *g
		plain.JoinedAt, plain.Large, plain.StageInstances = time.Time{}, false, nil
		plain.Roles, plain.Emojis, plain.Stickers, plain.Members = nil, nil, nil, nil
		plain.Presences, plain.Channels, plain.Threads, plain.VoiceStates = nil, nil, nil, nil
		put("guild", g.ID, plain)
		for _, r := range g.Roles {
			put("role", r.ID, r)
		}
		for _, e := range g.Emojis {
			put("emoji", e.ID, e)
		}
		for _, s := range g.Stickers {
			put("sticker", s.ID, s)
		}
		for _, m := range g.Members {
			if !m.JoinedAt.IsZero() {
				byID, err := st.Member(g.ID, m.User.ID)
				put("member", m.User.ID+" of "+g.ID, []any{m, byID, err})
			}
		}
		for _, list := range [][]*discordgo.Channel{g.Channels, g.Threads} {
			for _, c := range list {
				byID, err := st.Channel(c.ID)
				put("channel", c.ID, []any{c, byID, c.Messages, err})
			}
		}
		for _, v := range g.VoiceStates {
			state := *v
			state.Member = nil
			put("voice", v.UserID, state)
		}
		for _, p := range g.Presences {
			if p.Status != discordgo.StatusOffline {
				presence := *p
				presence.User = nil
				put("presence", p.User.ID, presence)
			}
		}
		put("members of", g.ID, g.MemberCount)
	}
	return objects
}

// full is the policy that keeps everything.
func full(messages int) state.Policy {
	return state.Policy{
		Guilds: true, Channels: true, Threads: true, ThreadMembers: true, Roles: true,
		Emojis: true, Stickers: true, VoiceStates: true, Presences: true,
		MembersPerGuild: state.NoLimit, MessagesPerChannel: messages,
		KeepOverLimit: func(m state.Member) bool { return m.Self },
	}
}
