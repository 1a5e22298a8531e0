package state_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/state"
)

const self = "1"

// A world is a State and the Keeper that keeps it.
type world struct {
	t  testing.TB
	st *discordgo.State
	k  *state.Keeper
}

func newWorld(t testing.TB, p state.Policy, guilds ...string) *world {
	t.Helper()
	st := discordgo.NewState()
	w := &world{t, st, state.New(st, p)}
	list := ""
	for i, id := range guilds {
		if i > 0 {
			list += ","
		}
		list += `{"id":"` + id + `","unavailable":true}`
	}
	w.apply("READY", `{"v":10,"user":{"id":"`+self+`"},"session_id":"s","guilds":[`+list+`]}`)
	return w
}

func (w *world) apply(eventType, raw string) {
	w.t.Helper()
	if err := w.k.Apply(&state.Event{Type: eventType, Raw: []byte(raw)}); err != nil {
		w.t.Fatalf("%s: %v", eventType, err)
	}
}

// handled applies an event that a handler wants, and returns what it gets.
func (w *world) handled(eventType, raw string) any {
	w.t.Helper()
	v, err := events.Decode(eventType, []byte(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.k.Apply(&state.Event{Type: eventType, Raw: []byte(raw),
		Payload: func() (any, error) { return v, nil }})
	if err != nil {
		w.t.Fatalf("%s: %v", eventType, err)
	}
	return v
}

func member(id string) string {
	return `{"user":{"id":"` + id + `","username":"u` + id + `"},"roles":["11"],` +
		`"joined_at":"2026-01-01T00:00:00+00:00","deaf":false,"mute":false}`
}

// guildJSON returns a GUILD_CREATE with a channel 20, a voice channel 21, a thread 22, roles, and
// the bot and others as members, of whom the first is the owner.
func guildJSON(id string, others ...string) string {
	members := member(self)
	for _, m := range others {
		members += "," + member(m)
	}
	owner := "2"
	if len(others) > 0 {
		owner = others[0]
	}
	n := func(channel string) string { return id + channel }
	return `{"id":"` + id + `","name":"g","owner_id":"` + owner + `","member_count":` +
		strconv.Itoa(len(others)+1) + `,"roles":[{"id":"` + id + `","name":"@everyone","permissions":"1024","position":0},` +
		`{"id":"11","name":"r","permissions":"2048","position":1}],"emojis":[{"id":"30","name":"e"}],"stickers":[],` +
		`"members":[` + members + `],"presences":[{"user":{"id":"2"},"status":"online","activities":[]}],` +
		`"channels":[{"id":"` + n("20") + `","type":0,"name":"c","permission_overwrites":[]},{"id":"` + n("21") + `","type":2,"name":"v"}],` +
		`"threads":[{"id":"` + n("22") + `","type":11,"parent_id":"` + n("20") + `","name":"t","thread_metadata":{"archived":false}}],` +
		`"voice_states":[{"user_id":"3","channel_id":"` + n("21") + `"}],"features":[]}`
}

func minimal() state.Policy {
	return state.Policy{Guilds: true, Channels: true, Threads: true, Roles: true,
		KeepOverLimit: func(m state.Member) bool { return m.Self }}
}

func (w *world) members(guildID string) []string {
	w.t.Helper()
	g, err := w.st.Guild(guildID)
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, m := range g.Members {
		ids = append(ids, m.User.ID)
		if byID, err := w.st.Member(guildID, m.User.ID); err != nil || byID != m {
			w.t.Errorf("member %s: %p by id, %p in the list, %v", m.User.ID, byID, m, err)
		}
	}
	slices.Sort(ids)
	return ids
}

func (w *world) wantMembers(want ...string) {
	w.t.Helper()
	if got := w.members("5"); !slices.Equal(got, want) {
		w.t.Errorf("members %v, want %v", got, want)
	}
}

func TestMinimalKeepsWhatPermissionsNeed(t *testing.T) {
	w := newWorld(t, minimal(), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2", "3"))
	w.wantMembers(self)
	if p, err := w.st.UserChannelPermissions(self, "520"); err != nil || p != 1024|2048 {
		t.Errorf("permissions %d, %v", p, err)
	}
	m := &discordgo.Message{ChannelID: "520", Author: &discordgo.User{ID: "9"}, Member: &discordgo.Member{Roles: []string{"11"}}}
	if p, err := w.st.MessagePermissions(m); err != nil || p != 1024|2048 {
		t.Errorf("permissions of a message's author %d, %v", p, err)
	}
	want := state.Sizes{Guilds: 1, Channels: 2, Threads: 1, Roles: 2, Members: 1}
	if got := w.k.Sizes(); got != want {
		t.Errorf("holds %+v, want %+v", got, want)
	}
	w.apply("GUILD_MEMBER_UPDATE", `{"guild_id":"5","user":{"id":"`+self+`"},"roles":[]}`)
	if p, _ := w.st.UserChannelPermissions(self, "520"); p != 1024 {
		t.Errorf("permissions without the role %d", p)
	}
	w.apply("GUILD_MEMBER_UPDATE", `{"guild_id":"5","user":{"id":"2"},"roles":[]}`)
	w.apply("GUILD_MEMBER_ADD", `{"guild_id":"5","user":{"id":"4"},"roles":[]}`)
	w.wantMembers(self)
	if g, _ := w.st.Guild("5"); g.MemberCount != 4 {
		t.Errorf("member count %d, want 4", g.MemberCount)
	}
	for _, unwanted := range []string{"PRESENCE_UPDATE", "MESSAGE_CREATE", "VOICE_STATE_UPDATE", "TYPING_START"} {
		if w.k.Wants([]byte(unwanted)) {
			t.Errorf("wants %s", unwanted)
		}
	}
}

func TestMembersPerGuild(t *testing.T) {
	p := full(0)
	p.MembersPerGuild = 3
	p.KeepOverLimit = func(m state.Member) bool { return m.Self || m.Owner || m.Voice }
	w := newWorld(t, p, "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2", "3", "4", "6"))
	w.wantMembers(self, "2", "3") // in the order in which they came; all of them stay anyway
	join := func(id string) { w.apply("GUILD_MEMBER_ADD", `{"guild_id":"5",`+member(id)[1:]) }
	join("7")
	w.wantMembers(self, "2", "3")
	w.apply("VOICE_STATE_UPDATE", `{"guild_id":"5","user_id":"3","channel_id":null,"session_id":"s","member":`+member("3")+`}`)
	join("8")
	w.wantMembers(self, "2", "8") // 3 has left the voice channel
	w.apply("VOICE_STATE_UPDATE", `{"guild_id":"5","user_id":"4","channel_id":"521","session_id":"s","member":`+member("4")+`}`)
	w.wantMembers(self, "2", "4", "8")
	w.apply("VOICE_STATE_UPDATE", `{"guild_id":"5","user_id":"4","channel_id":null,"session_id":"s","member":`+member("4")+`}`)
	w.wantMembers(self, "2", "8")
	w.apply("GUILD_MEMBERS_CHUNK", `{"guild_id":"5","chunk_index":0,"chunk_count":1,"members":[`+member("9")+`,`+member("2")+`]}`)
	w.wantMembers(self, "2", "8") // a chunk drives nobody out
	if _, evicted, _ := w.k.Evictions(); evicted != 2 {
		t.Errorf("evicted %d, want 2", evicted)
	}
}

func TestKeepDecidesBeforeDecoding(t *testing.T) {
	decoded := 0
	p := minimal()
	p.MembersPerGuild = state.NoLimit
	p.Keep = func(m state.Member) bool {
		if m.Owner {
			decoded++
			return m.Decoded().User.Username == "u2" && m.GuildID == "5"
		}
		return m.Voice
	}
	w := newWorld(t, p, "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2", "3", "4"))
	w.wantMembers(self, "2", "3")
	if decoded == 0 {
		t.Error("the owner was not decoded")
	}
	w.apply("GUILD_MEMBER_ADD", `{"guild_id":"5",`+member("7")[1:])
	w.wantMembers(self, "2", "3")
}

func TestReadyPurges(t *testing.T) {
	w := newWorld(t, full(5), "5", "6", "7")
	w.apply("GUILD_CREATE", guildJSON("5", "2"))
	w.apply("GUILD_CREATE", guildJSON("6", "2"))
	w.apply("READY", `{"v":10,"user":{"id":"1"},"session_id":"t","guilds":[{"id":"6","unavailable":true},{"id":"8","unavailable":true}]}`)
	ids := w.k.GuildIDs()
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"6", "8"}) {
		t.Errorf("guilds %v, want 6 and 8", ids)
	}
	if _, err := w.st.Channel("520"); err == nil {
		t.Error("a channel of a purged guild is there")
	}
	if g, err := w.st.Guild("6"); err != nil || len(g.Members) != 2 || !g.Unavailable {
		t.Errorf("a listed guild lost what was known of it: %+v, %v", g, err)
	}
	w.apply("GUILD_CREATE", guildJSON("6", "4"))
	if got := w.members("6"); !slices.Equal(got, []string{self, "4"}) {
		t.Errorf("members after the guild came again: %v", got)
	}
}

func TestOutageIsNoLeave(t *testing.T) {
	w := newWorld(t, full(5), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2"))
	d := w.handled("GUILD_DELETE", `{"id":"5","unavailable":true}`).(*discordgo.GuildDelete)
	if d.BeforeDelete == nil || d.BeforeDelete.Name != "g" {
		t.Errorf("BeforeDelete is %+v", d.BeforeDelete)
	}
	g, err := w.st.Guild("5")
	if err != nil || !g.Unavailable || len(g.Members) != 2 {
		t.Fatalf("in the outage: %+v, %v", g, err)
	}
	w.apply("GUILD_CREATE", guildJSON("5", "2"))
	if g, _ := w.st.Guild("5"); g.Unavailable {
		t.Error("still unavailable after the outage")
	}
	d = w.handled("GUILD_DELETE", `{"id":"5"}`).(*discordgo.GuildDelete)
	if d.BeforeDelete == nil || len(d.BeforeDelete.Members) != 2 || len(d.BeforeDelete.Channels) != 2 {
		t.Errorf("BeforeDelete of a leave is %+v", d.BeforeDelete)
	}
	if w.k.Sizes() != (state.Sizes{}) {
		t.Errorf("after the leave: %+v", w.k.Sizes())
	}
	for _, id := range []string{"520", "521", "522"} {
		if _, err := w.st.Channel(id); err == nil {
			t.Errorf("channel %s is there", id)
		}
	}
	if _, err := w.st.Member("5", "2"); err == nil {
		t.Error("a member is there")
	}
}

func TestBeforeAndNothingShared(t *testing.T) {
	w := newWorld(t, full(5), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2"))
	c := w.handled("CHANNEL_UPDATE", `{"id":"520","guild_id":"5","type":0,"name":"d","permission_overwrites":[{"id":"11","type":0,"allow":"1","deny":"2"}]}`).(*discordgo.ChannelUpdate)
	m := w.handled("GUILD_MEMBER_UPDATE", `{"guild_id":"5","user":{"id":"2","username":"new"},"roles":["11","12"]}`).(*discordgo.GuildMemberUpdate)
	v := w.handled("VOICE_STATE_UPDATE", `{"guild_id":"5","user_id":"3","channel_id":"520","session_id":"s"}`).(*discordgo.VoiceStateUpdate)
	th := w.handled("THREAD_UPDATE", `{"id":"522","guild_id":"5","type":11,"parent_id":"520","name":"u","thread_metadata":{"archived":true}}`).(*discordgo.ThreadUpdate)
	created := w.handled("MESSAGE_CREATE", message("40", "one")).(*discordgo.MessageCreate)
	mu := w.handled("MESSAGE_UPDATE", message("40", "two")).(*discordgo.MessageUpdate)
	part := w.handled("MESSAGE_UPDATE", `{"id":"40","channel_id":"520","guild_id":"5","embeds":[{"title":"x"}]}`).(*discordgo.MessageUpdate)
	if c.BeforeUpdate == nil || c.BeforeUpdate.Name != "c" || m.BeforeUpdate == nil || m.BeforeUpdate.User.Username != "u2" ||
		v.BeforeUpdate == nil || v.BeforeUpdate.ChannelID != "521" || th.BeforeUpdate == nil || th.BeforeUpdate.Name != "t" ||
		mu.BeforeUpdate == nil || mu.BeforeUpdate.Content != "one" || part.BeforeUpdate == nil || part.BeforeUpdate.Content != "two" {
		t.Fatalf("before: %+v %+v %+v %+v %+v %+v", c.BeforeUpdate, m.BeforeUpdate, v.BeforeUpdate, th.BeforeUpdate, mu.BeforeUpdate, part.BeforeUpdate)
	}
	stored, err := w.st.Message("520", "40")
	if err != nil || stored.Content != "two" || len(stored.Embeds) != 1 || stored.Author == nil {
		t.Errorf("stored message %+v, %v", stored, err)
	}
	text := func() string {
		b, err := json.Marshal([]any{w.st.Guilds, stored})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	before := text()
	for _, payload := range []any{c.Channel, c.BeforeUpdate, m.Member, m.BeforeUpdate, v.VoiceState, v.BeforeUpdate,
		th.Channel, th.BeforeUpdate, created.Message, mu.Message, mu.BeforeUpdate, part.Message, part.BeforeUpdate} {
		scribble(reflect.ValueOf(payload))
	}
	if after := text(); after != before {
		t.Errorf("State changed with the payloads of events:\n%s\n%s", before, after)
	}
	d := w.handled("MESSAGE_DELETE", `{"id":"40","channel_id":"520","guild_id":"5"}`).(*discordgo.MessageDelete)
	if d.BeforeDelete == nil || d.BeforeDelete.Content != "two" {
		t.Errorf("BeforeDelete %+v", d.BeforeDelete)
	}
	again := w.handled("MESSAGE_UPDATE", message("40", "late")).(*discordgo.MessageUpdate)
	if n := w.k.Sizes().Messages; n != 0 || again.BeforeUpdate != nil {
		t.Errorf("%d messages, before %v: an update of an unknown message is kept", n, again.BeforeUpdate)
	}
}

// scribble overwrites all strings that can be reached from a value.
func scribble(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			scribble(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			scribble(v.Index(i))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			scribble(field)
		}
	case reflect.String:
		if v.CanSet() {
			v.SetString("scribble")
		}
	}
}

func message(id, content string) string {
	return messageAt(id, content, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
}

func messageAt(id, content string, at time.Time) string {
	return `{"id":"` + id + `","channel_id":"520","guild_id":"5","content":"` + content +
		`","author":{"id":"2","username":"u"},"mentions":[{"id":"4"}],"timestamp":"` + at.Format(time.RFC3339) + `"}`
}

func TestMessagesPerChannel(t *testing.T) {
	w := newWorld(t, full(3), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2"))
	for i := range 5 {
		w.apply("MESSAGE_CREATE", message(strconv.Itoa(40+i), "x"))
	}
	c, _ := w.st.Channel("520")
	if len(c.Messages) != 3 || c.Messages[0].ID != "42" || c.Messages[2].ID != "44" {
		t.Errorf("%d messages from %s", len(c.Messages), c.Messages[0].ID)
	}
	w.apply("MESSAGE_DELETE_BULK", `{"ids":["42","44","1"],"channel_id":"520","guild_id":"5"}`)
	if len(c.Messages) != 1 || c.Messages[0].ID != "43" {
		t.Errorf("%d messages after a bulk delete", len(c.Messages))
	}
	w.apply("MESSAGE_CREATE", `{"id":"9","channel_id":"999","author":{"id":"2"}}`) // a direct message
	w.apply("CHANNEL_DELETE", `{"id":"520","guild_id":"5","type":0}`)
	if s := w.k.Sizes(); s.Threads != 0 || s.Channels != 1 || s.Messages != 0 {
		t.Errorf("after the channel went: %+v", s)
	}
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := full(100)
		p.MemberLifetime, p.MessageLifetime, p.ThreadLifetime = time.Hour, time.Minute, 2*time.Hour
		w := newWorld(t, p, "5")
		w.apply("GUILD_CREATE", guildJSON("5", "2", "3"))
		w.apply("MESSAGE_CREATE", messageAt("40", "old", time.Now()))
		w.apply("THREAD_UPDATE", `{"id":"522","guild_id":"5","type":11,"parent_id":"520","thread_metadata":{"archived":true,"archive_timestamp":"`+
			time.Now().Format(time.RFC3339)+`"}}`)
		time.Sleep(50 * time.Second)
		w.apply("MESSAGE_CREATE", messageAt("41", "new", time.Now()))
		time.Sleep(20 * time.Second)
		w.k.Sweep("5")
		if c, _ := w.st.Channel("520"); len(c.Messages) != 1 || c.Messages[0].ID != "41" {
			t.Errorf("%d messages after a minute", len(c.Messages))
		}
		time.Sleep(time.Hour - 2*time.Minute)
		w.apply("GUILD_MEMBER_UPDATE", `{"guild_id":"5",`+member("3")[1:])
		time.Sleep(5 * time.Minute)
		w.k.Sweep("5")
		w.wantMembers(self, "3")
		if w.k.Sizes().Threads != 1 {
			t.Error("the thread went too early")
		}
		time.Sleep(time.Hour)
		w.k.Sweep("5")
		if w.k.Sizes().Threads != 0 {
			t.Error("the archived thread stays")
		}
		w.wantMembers(self)
		if expired, _, _ := w.k.Evictions(); expired != 5 {
			t.Errorf("%d expired, want 2 messages, 2 members and a thread", expired)
		}
		w.k.Sweep("unknown")
	})
}

func TestShrink(t *testing.T) {
	w := newWorld(t, full(100), "5")
	var ids []string
	for i := range 99 {
		ids = append(ids, strconv.Itoa(100+i))
	}
	w.apply("GUILD_CREATE", guildJSON("5", ids...))
	for i := range 8 {
		w.apply("MESSAGE_CREATE", message(strconv.Itoa(40+i), "x"))
	}
	w.k.Shrink("5", 0.25)
	if s := w.k.Sizes(); s.Messages != 6 || s.Members != 75 || s.Channels != 2 {
		t.Errorf("after a quarter went: %+v", s)
	}
	w.members("5") // the list and the map agree
	w.k.Shrink("5", 1)
	w.wantMembers(self)
	if p, err := w.st.UserChannelPermissions(self, "520"); err != nil || p == 0 {
		t.Errorf("permissions after all: %d, %v", p, err)
	}
	if _, _, shrunk := w.k.Evictions(); shrunk != 8+99 {
		t.Errorf("%d shrunk", shrunk)
	}
	w.apply("GUILD_MEMBER_ADD", `{"guild_id":"5",`+member("7")[1:])
	w.wantMembers(self, "7")
}

func TestPresences(t *testing.T) {
	w := newWorld(t, full(0), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2", "3", "4"))
	set := func(id, status string) {
		w.apply("PRESENCE_UPDATE", `{"guild_id":"5","user":{"id":"`+id+`"},"status":"`+status+`","activities":[]}`)
	}
	for _, id := range []string{"3", "4", "9"} {
		set(id, "idle")
	}
	set("2", "dnd")
	set("3", "offline")
	w.apply("GUILD_MEMBER_UPDATE", `{"guild_id":"5","user":{"id":"4","username":"renamed"},"roles":[]}`)
	w.apply("GUILD_MEMBER_REMOVE", `{"guild_id":"5","user":{"id":"9"}}`)
	got := map[string]string{}
	g, _ := w.st.Guild("5")
	for _, p := range g.Presences {
		got[p.User.ID+" "+p.User.Username] = string(p.Status)
	}
	want := map[string]string{"2 u2": "dnd", "4 renamed": "idle"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("presences %v, want %v", got, want)
	}
}

func TestThreads(t *testing.T) {
	w := newWorld(t, full(0), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2"))
	thread := func(id, parent string) string {
		return `{"id":"` + id + `","guild_id":"5","type":11,"parent_id":"` + parent + `","name":"n","thread_metadata":{}}`
	}
	w.apply("THREAD_CREATE", thread("60", "521"))
	w.apply("THREAD_LIST_SYNC", `{"guild_id":"5","channel_ids":["520"],"threads":[`+thread("61", "520")+`],"members":[{"id":"61","user_id":"1"}]}`)
	g, _ := w.st.Guild("5")
	var ids []string
	for _, c := range g.Threads {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"60", "61"}) {
		t.Fatalf("threads %v", ids)
	}
	c, _ := w.st.Channel("61")
	if c.Member == nil || c.GuildID != "5" {
		t.Errorf("thread %+v", c)
	}
	w.apply("THREAD_MEMBERS_UPDATE", `{"id":"61","guild_id":"5","member_count":2,"added_members":[{"id":"61","user_id":"2"},{"id":"61","user_id":"3"}],"removed_member_ids":[]}`)
	w.apply("THREAD_MEMBERS_UPDATE", `{"id":"61","guild_id":"5","member_count":1,"removed_member_ids":["2","1"]}`)
	if len(c.Members) != 1 || c.Members[0].UserID != "3" || c.MemberCount != 1 || c.Member != nil {
		t.Errorf("members of the thread: %+v", c)
	}
	w.apply("THREAD_LIST_SYNC", `{"guild_id":"5","threads":[],"members":[]}`)
	if len(g.Threads) != 0 {
		t.Errorf("%d threads after a sync of all", len(g.Threads))
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestLeavesFreeMemory holds what is left of guilds against what they took.
func TestLeavesFreeMemory(t *testing.T) {
	w := newWorld(t, full(10))
	const guilds = 50
	var ids []string
	for i := range 500 {
		ids = append(ids, strconv.Itoa(1000+i))
	}
	start := heap()
	for i := range guilds {
		w.apply("GUILD_CREATE", guildJSON(strconv.Itoa(500_000+i), ids...))
	}
	taken := heap() - start
	for i := range guilds {
		w.apply("GUILD_DELETE", `{"id":"`+strconv.Itoa(500_000+i)+`"}`)
	}
	left := int64(heap()) - int64(start)
	if left > int64(taken)/20 {
		t.Errorf("%d of %d bytes are left", left, taken)
	}
	runtime.KeepAlive(w)
}

// TestReadersMayGoOn reads State in the ways that are safe while it moves. The race detector is
// the judge.
func TestReadersMayGoOn(t *testing.T) {
	w := newWorld(t, full(10), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2", "3", "4"))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	read := func(f func()) {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					f()
				}
			}
		})
	}
	read(func() { _, _ = w.st.UserChannelPermissions("2", "520") })
	read(func() {
		if m, err := w.st.Member("5", "3"); err == nil {
			_ = fmt.Sprint(m.User.Username, m.Roles, m.Nick)
		}
		if m, err := w.st.Message("520", "40"); err == nil {
			_ = fmt.Sprint(m.Content, m.Author.Username, len(m.Embeds))
		}
		_ = w.k.Sizes()
	})
	read(func() { _ = w.st.UserColor("2", "520"); _ = w.st.UserColor("3", "520") })
	read(func() {
		g, err := w.st.Guild("5")
		if err != nil {
			return
		}
		w.st.RLock()
		defer w.st.RUnlock()
		for _, m := range g.Members {
			_ = m.User.ID
		}
		for _, p := range g.Presences {
			_ = p.User.ID + string(p.Status)
		}
		for _, v := range g.VoiceStates {
			_ = v.ChannelID
		}
		for _, c := range g.Channels {
			_ = c.Name
		}
	})
	for i := range 300 {
		role := strconv.Itoa(i%3 + 11)
		for _, id := range []string{"2", "3"} {
			w.apply("GUILD_MEMBER_UPDATE", `{"guild_id":"5","user":{"id":"`+id+`","username":"u`+strconv.Itoa(i)+`"},"roles":["`+role+`"]}`)
			w.apply("PRESENCE_UPDATE", `{"guild_id":"5","user":{"id":"`+id+`"},"status":"`+[]string{"idle", "offline"}[i%2]+`","activities":[]}`)
		}
		w.apply("GUILD_MEMBER_ADD", `{"guild_id":"5",`+member(strconv.Itoa(1000 + i))[1:])
		w.apply("VOICE_STATE_UPDATE", `{"guild_id":"5","user_id":"3","channel_id":"`+[]string{"520", "521"}[i%2]+`","session_id":"s"}`)
		w.apply("MESSAGE_CREATE", message(strconv.Itoa(40+i), "x"))
		w.apply("MESSAGE_UPDATE", message(strconv.Itoa(40+i), strconv.Itoa(i)))
		w.apply("CHANNEL_CREATE", `{"id":"`+strconv.Itoa(7000+i)+`","guild_id":"5","type":0,"name":"x"}`)
		w.apply("CHANNEL_DELETE", `{"id":"`+strconv.Itoa(7000+i)+`","guild_id":"5","type":0}`)
	}
	close(stop)
	readers.Wait()
}

func TestBadPayloadsAreErrors(t *testing.T) {
	w := newWorld(t, full(5), "5")
	w.apply("GUILD_CREATE", guildJSON("5", "2"))
	before := w.k.Sizes()
	for _, bad := range []string{`null`, `[]`, `{}`, `{"guild_id":"5","user":{"id":"2"},"roles":7}`, `{"id":7}`} {
		for _, eventType := range []string{"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "GUILD_MEMBER_UPDATE", "CHANNEL_UPDATE",
			"MESSAGE_CREATE", "GUILD_MEMBERS_CHUNK", "PRESENCE_UPDATE", "VOICE_STATE_UPDATE"} {
			_ = w.k.Apply(&state.Event{Type: eventType, Raw: []byte(bad)}) // must not panic
		}
	}
	if after := w.k.Sizes(); after != before {
		t.Errorf("%+v became %+v", before, after)
	}
	if err := w.k.Apply(&state.Event{Type: "CHANNEL_UPDATE", Raw: []byte(`null`)}); err == nil {
		t.Error("no error for null")
	}
}
