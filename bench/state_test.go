package bench_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/disgoorg/disgo"
	"github.com/disgoorg/disgo/bot"
	dcache "github.com/disgoorg/disgo/cache"
	"github.com/disgoorg/disgo/discord"
	dgateway "github.com/disgoorg/disgo/gateway"

	"github.com/botwright/botwright/internal/state"
)

// The world whose size in memory is measured.
const (
	stateGuilds  = 1000
	stateMembers = 100
	self         = "100000000000000001"
)

// guildCreate returns the GUILD_CREATE of a guild as Discord writes it: 100 members with two roles
// each, half of them online, 30 channels with two overwrites, 20 roles, 2 threads.
func guildCreate(n int) []byte {
	guild := fmt.Sprint(200000000000000000 + n*10_000)
	id := func(i int) string { return fmt.Sprint(200000000000000000 + n*10_000 + i) }
	list := func(count int, item func(int) string) string {
		items := make([]string, count)
		for i := range items {
			items[i] = item(i)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	user := func(i int) string {
		if i == 0 {
			return self
		}
		return fmt.Sprint(300000000000000000 + n*1000 + i)
	}
	roles := list(20, func(i int) string {
		role := id(i)
		return `{"id":"` + role + `","name":"role ` + role[14:] + `","color":3447003,"hoist":true,"position":` + fmt.Sprint(i) +
			`,"permissions":"1071698660929","managed":false,"mentionable":false,"flags":0,"icon":null,"unicode_emoji":null}`
	})
	members := list(stateMembers, func(i int) string {
		return `{"user":{"id":"` + user(i) + `","username":"some_user_` + user(i)[12:] + `","global_name":"Some User ` + user(i)[12:] +
			`","avatar":"0123456789abcdef0123456789` + user(i)[12:] + `","discriminator":"0","public_flags":64,"bot":` + fmt.Sprint(i == 0) +
			`},"roles":["` + id(1+i%19) + `","` + id(1+(i+7)%19) + `"],"nick":null,"avatar":null,"joined_at":"2021-05-01T12:00:00.000000+00:00",` +
			`"premium_since":null,"deaf":false,"mute":false,"flags":0,"pending":false,"communication_disabled_until":null}`
	})
	presences := list(stateMembers/2, func(i int) string {
		return `{"user":{"id":"` + user(i) + `"},"status":"online","client_status":{"desktop":"online"},"activities":[{"id":"custom",` +
			`"name":"Custom Status","type":4,"state":"hello there","created_at":1650000000000}]}`
	})
	channels := list(30, func(i int) string {
		return `{"id":"` + id(100+i) + `","type":0,"name":"channel-` + id(100 + i)[14:] + `","topic":"What this channel is about, in some words.",` +
			`"position":` + fmt.Sprint(i) + `,"parent_id":"` + id(100) + `","nsfw":false,"rate_limit_per_user":0,"flags":0,"last_message_id":"` +
			id(1000+i) + `","permission_overwrites":[{"id":"` + guild + `","type":0,"allow":"1024","deny":"2048"},{"id":"` + id(3) +
			`","type":0,"allow":"2048","deny":"0"}]}`
	})
	threads := list(2, func(i int) string {
		return `{"id":"` + id(200+i) + `","guild_id":"` + guild + `","parent_id":"` + id(101) + `","type":11,"name":"a thread","owner_id":"` + user(1) +
			`","message_count":5,"member_count":3,"thread_metadata":{"archived":false,"auto_archive_duration":1440,` +
			`"archive_timestamp":"2024-05-01T12:00:00.000000+00:00","locked":false}}`
	})
	return []byte(`{"id":"` + guild + `","name":"Guild ` + guild[14:] + `","icon":"0123456789abcdef0123456789abcdef","owner_id":"` + user(1) +
		`","member_count":100,"large":false,"unavailable":false,"joined_at":"2021-05-01T12:00:00.000000+00:00","features":["COMMUNITY","NEWS"],` +
		`"afk_timeout":300,"verification_level":1,"preferred_locale":"en-US","roles":` + roles + `,"emojis":[],"stickers":[],"members":` + members +
		`,"presences":` + presences + `,"channels":` + channels + `,"threads":` + threads + `,"voice_states":[],"stage_instances":[],"guild_scheduled_events":[]}`)
}

const ready = `{"v":10,"user":{"id":"` + self + `"},"session_id":"s","guilds":[]}`

// BenchmarkStateHeap measures what 1,000 guilds of 100 members take of the heap.
func BenchmarkStateHeap(b *testing.B) {
	for _, bm := range []struct {
		impl  string
		build func(testing.TB) any
	}{
		{"discordgo", buildDiscordgo},
		{"StateFull", func(t testing.TB) any { return buildState(t, fullPolicy) }},
		{"StateMinimal", func(t testing.TB) any { return buildState(t, minimalPolicy) }},
		{"StateNone", func(t testing.TB) any { return buildState(t, state.Policy{}) }},
		{"disgo-all", func(t testing.TB) any { return buildDisgo(t, dcache.WithCaches(dcache.FlagsAll)) }},
		{"disgo-minimal", func(t testing.TB) any {
			return buildDisgo(t, dcache.WithCaches(dcache.FlagGuilds|dcache.FlagChannels|dcache.FlagRoles|dcache.FlagMembers),
				dcache.WithMemberCachePolicy(func(m discord.Member) bool { return m.User.ID.String() == self }))
		}},
	} {
		b.Run("impl="+bm.impl, func(b *testing.B) {
			for b.Loop() {
				before := heapInUse()
				kept := bm.build(b)
				b.ReportMetric(float64(heapInUse()-before)/(1<<20), "MiB")
				runtime.KeepAlive(kept)
			}
		})
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The policies of the presets of the same name.
var (
	minimalPolicy = state.Policy{Guilds: true, Channels: true, Threads: true, Roles: true,
		KeepOverLimit: func(m state.Member) bool { return m.Self }}
	fullPolicy = state.Policy{Guilds: true, Channels: true, Threads: true, ThreadMembers: true, Roles: true, Emojis: true,
		Stickers: true, VoiceStates: true, Presences: true, MembersPerGuild: state.NoLimit,
		KeepOverLimit: func(m state.Member) bool { return m.Self }}
)

func buildState(t testing.TB, p state.Policy) any {
	st := discordgo.NewState()
	k := state.New(st, p)
	apply := func(eventType string, raw []byte) {
		if err := k.Apply(&state.Event{Type: eventType, Raw: raw}); err != nil {
			t.Fatal(err)
		}
	}
	apply("READY", []byte(ready))
	for n := range stateGuilds {
		apply("GUILD_CREATE", guildCreate(n))
	}
	return []any{st, k}
}

func buildDiscordgo(t testing.TB) any {
	st := discordgo.NewState()
	feeder := &discordgo.Session{StateEnabled: true}
	for n := range stateGuilds {
		var g discordgo.GuildCreate
		if err := json.Unmarshal(guildCreate(n), &g); err != nil {
			t.Fatal(err)
		}
		for _, m := range g.Members {
			m.GuildID = g.ID // as discordgo does before it calls State
		}
		for _, c := range g.Channels {
			c.GuildID = g.ID
		}
		if err := st.OnInterface(feeder, &g); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func buildDisgo(t testing.TB, opts ...dcache.ConfigOpt) any {
	client, err := disgo.New("MTAwMDAwMDAwMDAwMDAwMDAx.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789", bot.WithCacheConfigOpts(opts...))
	if err != nil {
		t.Fatal(err)
	}
	for n := range stateGuilds {
		var g dgateway.EventGuildCreate
		if err := json.Unmarshal(guildCreate(n), &g); err != nil {
			t.Fatal(err)
		}
		client.EventManager.HandleGatewayEvent(firstShard{}, dgateway.EventTypeGuildCreate, n, g)
	}
	return client
}

// firstShard is a gateway that is only asked which shard it is.
type firstShard struct{ dgateway.Gateway }

func (firstShard) ShardID() int { return 0 }
