package state_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/state"
)

// journaled is a State with a Journal, and what is stored of it.
type journaled struct {
	t      testing.TB
	policy state.Policy
	st     *discordgo.State
	k      *state.Keeper
	j      *state.Journal
	packer *state.Packer

	session string
	seq     int64
	parts   [][]byte
	upto    int64
	count   int
}

func newJournaled(t testing.TB, policy state.Policy) *journaled {
	x := &journaled{t: t, policy: policy, packer: &state.Packer{}}
	x.start()
	return x
}

func (x *journaled) start() {
	x.st = discordgo.NewState()
	x.k = state.New(x.st, x.policy)
	x.j = state.NewJournal(x.packer, x.policy)
	x.k.Record(x.j)
}

func (x *journaled) apply(eventType string, raw []byte) {
	x.t.Helper()
	x.seq++
	if eventType == "READY" {
		var ready struct {
			SessionID string `json:"session_id"`
		}
		if err := json.Unmarshal(raw, &ready); err != nil {
			x.t.Fatal(err)
		}
		x.session, x.seq = ready.SessionID, 1
	}
	if err := x.k.Apply(&state.Event{Type: eventType, Seq: x.seq, Raw: raw}); err != nil {
		x.t.Fatalf("event %d, %s: %v", x.seq, eventType, err)
	}
}

// save stores what is new, if the store works.
func (x *journaled) save(works bool) {
	part, replace, ok := x.j.Cut(x.session, x.seq)
	if ok {
		if works && replace {
			x.parts = nil
		}
		if works {
			x.parts = append(x.parts, part)
		}
		x.j.Stored(works)
	}
	x.upto, x.count = x.j.Position(x.session)
}

// kill lets another process go on with what is stored.
func (x *journaled) kill() {
	x.t.Helper()
	s, err := state.Read(x.parts, x.policy, x.session, x.upto, x.count, x.upto)
	if err != nil {
		x.t.Fatal(err)
	}
	if s.Upto != x.upto {
		x.t.Fatalf("State was stored up to %d and is found up to %d", x.upto, s.Upto)
	}
	x.start()
	if err := x.k.Restore(s); err != nil {
		x.t.Fatal(err)
	}
	x.seq = s.Upto
}

// TestJournal applies a recorded session in processes that are killed again and again, with a
// store that fails now and then, and compares State with one that was never stopped.
func TestJournal(t *testing.T) {
	t.Parallel()
	list := recorded(t)
	for name, policy := range map[string]state.Policy{
		"full": full(10), "minimal": minimal(), "nothing but guilds": {Guilds: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(5) {
				replayKilled(t, list, policy, rand.New(rand.NewPCG(seed, 1)))
			}
		})
	}
}

func replayKilled(t *testing.T, list []record, policy state.Policy, rnd *rand.Rand) {
	t.Helper()
	st := discordgo.NewState()
	k := state.New(st, policy)
	x := newJournaled(t, policy)
	sent := make(map[string]map[int64]record) // by session
	for i, r := range list {
		if err := k.Apply(&state.Event{Type: r.T, Raw: r.D}); err != nil {
			t.Fatal(err)
		}
		x.apply(r.T, r.D)
		if sent[x.session] == nil {
			sent[x.session] = make(map[int64]record)
		}
		sent[x.session][x.seq] = r
		switch rnd.IntN(12) {
		case 0:
			state.WantSnapshot(x.j)
		case 1:
			x.save(false)
		case 2, 3, 4:
			x.save(true)
		case 5:
			last := x.seq
			if x.save(true); x.count == 0 {
				continue
			}
			x.kill()
			for x.seq < last { // Discord sends it again
				again := sent[x.session][x.seq+1]
				x.apply(again.T, again.D)
			}
			compareStates(t, fmt.Sprintf("after event %d, %s, and a kill", i, r.T), st, x.st)
		}
		if t.Failed() {
			return
		}
	}
	compareStates(t, "at the end", st, x.st)
}

func compareStates(t *testing.T, when string, want, got *discordgo.State) {
	t.Helper()
	g, w := view(got), view(want)
	for key, text := range w {
		if plain(g[key]) != plain(text) {
			t.Errorf("%s: %s\n  got  %s\n  want %s", when, key, g[key], text)
		}
	}
	for key := range g {
		if _, ok := w[key]; !ok {
			t.Errorf("%s: %s should not be there", when, key)
		}
	}
}

// plain makes no difference between a list that is nil and one that is empty.
func plain(s string) string { return strings.ReplaceAll(s, ":[]", ":null") }

// manyGuilds returns the events with which a session of some guilds begins.
func manyGuilds(guilds int) (list []record) {
	var ready bytes.Buffer
	for i := range guilds {
		if i > 0 {
			ready.WriteByte(',')
		}
		fmt.Fprintf(&ready, `{"id":"%d","unavailable":true}`, guildID(i))
	}
	list = append(list, record{"READY", fmt.Appendf(nil,
		`{"session_id":"s","user":{"id":"1","username":"bot"},"guilds":[%s]}`, ready.Bytes())})
	for i := range guilds {
		list = append(list, record{"GUILD_CREATE", guildCreate(i)})
	}
	return list
}

func guildID(i int) int { return 1_000_000_000_000_000_000 + i*1_000_003 }

// guildCreate is a guild with 20 roles, 30 channels with overwrites, and 50 members, with ids as
// little alike as Discord's.
func guildCreate(i int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(i), 7))
	id := func() uint64 { return 1_000_000_000_000_000_000 + rnd.Uint64N(1<<58) }
	var b bytes.Buffer
	roles := make([]uint64, 20)
	fmt.Fprintf(&b, `{"id":"%d","name":"guild %d","owner_id":"%d","member_count":50,"joined_at":"2024-01-02T03:04:05.678Z",`+
		`"features":["COMMUNITY","NEWS"],"large":false,"roles":[`, guildID(i), i, id())
	for r := range roles {
		roles[r] = id()
		fmt.Fprintf(&b, `%s{"id":"%d","name":"role %d","permissions":"%d","position":%d,"color":%d,"hoist":true,"mentionable":false,"managed":false}`,
			comma(r), roles[r], rnd.IntN(1000), rnd.Uint64N(1<<40), r, rnd.IntN(1<<24))
	}
	b.WriteString(`],"channels":[`)
	for c := range 30 {
		fmt.Fprintf(&b, `%s{"id":"%d","type":0,"name":"channel-%d","topic":"about %d","position":%d,"nsfw":false,"rate_limit_per_user":0,`+
			`"last_message_id":"%d","parent_id":null,"permission_overwrites":[`, comma(c), id(), rnd.IntN(1000), rnd.IntN(1000), c, id())
		for o := range rnd.IntN(4) {
			fmt.Fprintf(&b, `%s{"id":"%d","type":0,"allow":"%d","deny":"%d"}`, comma(o), roles[rnd.IntN(20)], rnd.Uint64N(1<<40), rnd.Uint64N(1<<40))
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`],"threads":[],"emojis":[],"stickers":[],"voice_states":[],"presences":[],"members":[`)
	for m := range 50 {
		user := id()
		if m == 7 {
			user = 1
		}
		fmt.Fprintf(&b, `%s{"user":{"id":"%d","username":"user%d","avatar":null},"roles":["%d"],"joined_at":"2024-01-02T03:04:05Z","deaf":false,"mute":false}`,
			comma(m), user, m, roles[rnd.IntN(20)])
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// TestJournalOfThousandGuilds holds what 1,000 guilds of the default policy take to 3 MB, both as
// they come and as a snapshot.
func TestJournalOfThousandGuilds(t *testing.T) {
	t.Parallel()
	x := newJournaled(t, minimal())
	for _, r := range manyGuilds(1000) {
		x.apply(r.T, r.D)
	}
	check := func(what string) {
		t.Helper()
		x.save(true)
		size := 0
		for _, p := range x.parts {
			size += len(p)
		}
		t.Logf("%s: %d bytes in %d parts", what, size, len(x.parts))
		if size > 3<<20 {
			t.Errorf("%s: 1,000 guilds take %d bytes", what, size)
		}
		want := x.k.Sizes()
		start := time.Now()
		x.kill()
		t.Logf("%s: restored in %v", what, time.Since(start))
		if got := x.k.Sizes(); got != want || got.Guilds != 1000 {
			t.Errorf("%s: restored %+v, want %+v", what, got, want)
		}
	}
	check("as they come")
	state.WantSnapshot(x.j)
	for i := range 300 {
		x.apply("CHANNEL_UPDATE", fmt.Appendf(nil, `{"id":"%d","type":0,"guild_id":"%d","name":"c%d"}`, 5+i, guildID(i), i))
	}
	check("snapshot")
}

func BenchmarkRestore(b *testing.B) {
	x := newJournaled(b, minimal())
	for _, r := range manyGuilds(1000) {
		x.apply(r.T, r.D)
	}
	x.save(true)
	for b.Loop() {
		s, err := state.Read(x.parts, x.policy, x.session, x.upto, x.count, x.upto)
		if err != nil {
			b.Fatal(err)
		}
		x.start()
		if err := x.k.Restore(s); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReadRefuses checks what of the stored parts is used.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	x := newJournaled(t, minimal())
	for _, r := range manyGuilds(2) {
		x.apply(r.T, r.D)
	}
	x.save(true)
	for i := range 2 {
		x.apply("CHANNEL_CREATE", fmt.Appendf(nil, `{"id":"%d","type":0,"guild_id":"%d","name":"c"}`, 5+i, guildID(0)))
		x.save(true)
	}
	x.seq += 4 // messages, say
	x.save(true)
	if x.count != 3 || x.upto != 9 {
		t.Fatalf("%d parts up to event %d", x.count, x.upto)
	}
	damaged := bytes.Clone(x.parts[2])
	damaged[len(damaged)/2] ^= 1
	tests := []struct {
		name    string
		parts   [][]byte
		policy  state.Policy
		session string
		handled int64
		upto    int64
		err     string
	}{
		{"all", x.parts, minimal(), "s", 9, 9, ""},
		{"handlers were behind", x.parts, minimal(), "s", 2, 9, ""},
		{"the last part did not get to the disk", x.parts[:2], minimal(), "s", 9, 4, ""},
		{"the last part is damaged", [][]byte{x.parts[0], x.parts[1], damaged}, minimal(), "s", 9, 4, ""},
		{"a part is missing", [][]byte{x.parts[0], x.parts[2]}, minimal(), "s", 9, 0, "missing"},
		{"the first part is missing", x.parts[1:], minimal(), "s", 9, 0, "missing"},
		{"the first part is damaged", [][]byte{damaged}, minimal(), "s", 9, 0, "damaged"},
		{"nothing", nil, minimal(), "s", 9, 0, "nothing is stored"},
		{"another session", x.parts, minimal(), "t", 9, 0, "another session"},
		{"another policy", x.parts, full(1), "s", 9, 0, "another policy"},
		{"too old", x.parts, minimal(), "s", 20_000, 0, "19991 events behind"},
	}
	for _, tt := range tests {
		s, err := state.Read(tt.parts, tt.policy, tt.session, x.upto, x.count, tt.handled)
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.err)
		case tt.err == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.err == "" && s.Upto != tt.upto:
			t.Errorf("%s: up to event %d, want %d", tt.name, s.Upto, tt.upto)
		}
	}
	// Behind a part that is damaged nothing would be found: a snapshot has to come first.
	s, err := state.Read([][]byte{x.parts[0], damaged}, x.policy, "s", x.upto, x.count, 0)
	if err != nil {
		t.Fatal(err)
	}
	x.start()
	if err := x.k.Restore(s); err != nil {
		t.Fatal(err)
	}
	x.seq = s.Upto
	x.apply("CHANNEL_CREATE", fmt.Appendf(nil, `{"id":"7","type":0,"guild_id":"%d","name":"c"}`, guildID(0)))
	if _, replace, ok := x.j.Cut("s", x.seq); !ok || !replace {
		t.Errorf("after a damaged part: something to store %t, all of it %t", ok, replace)
	}
}

// TestJournalIsBounded has a store fail while much happens: what waits is dropped, and a snapshot
// makes up for it.
func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	x := newJournaled(t, minimal())
	for _, r := range manyGuilds(3) {
		x.apply(r.T, r.D)
	}
	x.save(true)
	state.LimitDelta(x.j, 10_000)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 200 {
		x.apply("CHANNEL_CREATE", fmt.Appendf(nil, `{"id":"%d","type":0,"guild_id":"%d","name":"%d"}`,
			rnd.Uint64(), guildID(i%3), rnd.Uint64()))
		x.save(false)
	}
	if x.upto != 4 {
		t.Errorf("State counts as stored up to event %d", x.upto)
	}
	x.save(true)
	x.save(true) // a snapshot was written meanwhile
	st := x.st
	x.kill()
	compareStates(t, "after the store has failed", st, x.st)
}

func FuzzPart(f *testing.F) {
	x := newJournaled(f, minimal())
	for _, r := range manyGuilds(1) {
		x.apply(r.T, r.D)
	}
	x.save(true)
	f.Add(x.parts[0])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := state.Read([][]byte{state.WithChecksum(b)}, minimal(), "s", 0, 1, 0)
		if err != nil {
			return
		}
		y := &journaled{t: t, policy: minimal(), packer: x.packer}
		y.start()
		_ = y.k.Restore(s)
	})
}

// TestGuildOfTheProgram keeps a guild up to date that the program has put into State itself, as
// bots on discordgo do when they do not find one.
func TestGuildOfTheProgram(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]state.Policy{"full": full(10), "minimal": minimal()} {
		st := discordgo.NewState()
		k := state.New(st, policy)
		err := st.GuildAdd(&discordgo.Guild{ID: "5", Members: []*discordgo.Member{},
			Presences: []*discordgo.Presence{{User: &discordgo.User{ID: "2"}, Status: "online"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []record{
			{"GUILD_MEMBER_ADD", []byte(`{"guild_id":"5","user":{"id":"2"},"roles":[]}`)},
			{"PRESENCE_UPDATE", []byte(`{"guild_id":"5","user":{"id":"2"},"status":"idle"}`)},
			{"GUILD_MEMBER_UPDATE", []byte(`{"guild_id":"5","user":{"id":"2"},"roles":[],"nick":"n"}`)},
			{"CHANNEL_CREATE", []byte(`{"guild_id":"5","id":"7","type":0}`)},
			{"GUILD_MEMBER_REMOVE", []byte(`{"guild_id":"5","user":{"id":"2"}}`)},
			{"GUILD_DELETE", []byte(`{"id":"5"}`)},
		} {
			if err := k.Apply(&state.Event{Type: r.T, Raw: r.D}); err != nil {
				t.Errorf("%s: %s: %v", name, r.T, err)
			}
		}
		if len(st.Guilds) > 0 {
			t.Errorf("%s: the guild is still there", name)
		}
	}
}
