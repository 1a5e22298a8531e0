package discordtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

func TestMessageContentIntent(t *testing.T) {
	srv := start(t, discordtest.Config{MaxConcurrency: 2})
	const base = discordgo.IntentGuildMessages | discordgo.IntentDirectMessages
	with := login(t, srv, base|discordgo.IntentMessageContent)
	srv.Advance(5 * time.Second)
	without := login(t, srv, base)
	g := srv.Guilds()[0]
	mention := "hello <@" + srv.Bot().ID + ">"
	say(t, srv, 0, "secret")
	say(t, srv, 0, mention)
	if _, err := srv.DirectMessage(g.Members[0].User.ID, "private"); err != nil {
		t.Fatal(err)
	}
	rest(t, srv, "POST", "/channels/"+g.Channels[0].ID+"/messages", map[string]string{"content": "own"}).want(200, 0)
	for i, want := range []struct{ with, without string }{
		{"secret", ""}, {mention, mention}, {"private", "private"}, {"own", "own"},
	} {
		var a, b discordgo.Message
		with.decode(with.event("MESSAGE_CREATE").D, &a)
		without.decode(without.event("MESSAGE_CREATE").D, &b)
		if a.Content != want.with || b.Content != want.without {
			t.Errorf("message %d: %q and %q, want %q and %q", i, a.Content, b.Content, want.with, want.without)
		}
	}
}

func TestDirectMessagesGoToShardZero(t *testing.T) {
	srv := start(t, discordtest.Config{MaxConcurrency: 2})
	zero := login(t, srv, discordgo.IntentDirectMessages|discordgo.IntentDirectMessageTyping, 0, 2)
	one := login(t, srv, discordgo.IntentsAll, 1, 2)
	one.event("GUILD_CREATE")
	user := srv.Guilds()[0].Members[0].User.ID
	m, err := srv.DirectMessage(user, "hi")
	if err != nil {
		t.Fatal(err)
	}
	if f := zero.event("MESSAGE_CREATE"); strings.Contains(string(f.D), "guild_id") {
		t.Errorf("a DM has a guild: %s", f.D)
	}
	if err := srv.Type(m.ChannelID, user); err != nil {
		t.Fatal(err)
	}
	zero.event("TYPING_START")
	if err := srv.DispatchShard(1, "MARK", nil); err != nil {
		t.Fatal(err)
	}
	one.event("MARK")
	var dm discordgo.Channel
	rest(t, srv, "POST", "/users/@me/channels", map[string]string{"recipient_id": user}).want(200, 0).into(&dm)
	if dm.ID != m.ChannelID {
		t.Errorf("the DM is channel %s, want %s", dm.ID, m.ChannelID)
	}
	rest(t, srv, "POST", "/users/@me/channels", map[string]string{"recipient_id": srv.Bot().ID}).want(400, 50033)
}

func TestTraffic(t *testing.T) {
	srv := start(t, discordtest.Config{})
	g := srv.Guilds()[0]
	c := loginAll(t, srv)
	channel, user := g.Channels[0].ID, g.Members[0].User.ID
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	m := say(t, srv, 0, "hi")
	c.event("MESSAGE_CREATE")
	check(srv.Type(channel, user))
	c.event("TYPING_START")
	check(srv.React(channel, m.ID, user, "👍"))
	check(srv.React(channel, m.ID, user, "👍")) // changes nothing
	c.event("MESSAGE_REACTION_ADD")
	check(srv.React(channel, m.ID, user, "blob:123"))
	c.event("MESSAGE_REACTION_ADD")
	check(srv.Unreact(channel, m.ID, user, "👍"))
	c.event("MESSAGE_REACTION_REMOVE")
	if r := srv.Messages(channel)[0].Reactions; len(r) != 1 || r[0].Emoji.Name != "blob" || r[0].Count != 1 || r[0].Me {
		t.Errorf("reactions %+v", r)
	}
	_, err := srv.EditMessage(channel, m.ID, "edited")
	check(err)
	c.event("MESSAGE_UPDATE")
	check(srv.DeleteMessage(channel, m.ID))
	c.event("MESSAGE_DELETE")
	check(srv.SetPresence(g.ID, user, "dnd", "Chess"))
	var p discordgo.PresenceUpdate
	c.decode(c.event("PRESENCE_UPDATE").D, &p)
	if p.Status != "dnd" || p.User.ID != user || p.Activities[0].Name != "Chess" || p.GuildID != g.ID {
		t.Errorf("presence %+v", p)
	}
	check(srv.JoinVoice(g.ID, g.VoiceChannels[0].ID, user))
	c.event("VOICE_STATE_UPDATE")
	check(srv.JoinVoice(g.ID, "", user))
	c.event("VOICE_STATE_UPDATE")
	added, err := srv.AddMember(g.ID)
	check(err)
	c.event("GUILD_MEMBER_ADD")
	nick := "Nick"
	_, err = srv.UpdateMember(g.ID, added.User.ID, discordtest.MemberEdit{Nick: &nick, Roles: []string{g.Roles[1].ID}})
	check(err)
	var u discordgo.Member
	c.decode(c.event("GUILD_MEMBER_UPDATE").D, &u)
	if u.Nick != nick || len(u.Roles) != 1 {
		t.Errorf("member %+v", u)
	}
	check(srv.RemoveMember(g.ID, added.User.ID))
	c.event("GUILD_MEMBER_REMOVE")
	ch, err := srv.AddChannel(g.ID, "new")
	check(err)
	c.event("CHANNEL_CREATE")
	check(srv.RemoveChannel(ch.ID))
	c.event("CHANNEL_DELETE")
	joined := srv.AddGuild("", 3)
	c.event("GUILD_CREATE")
	if len(joined.Members) != 3 || len(srv.Guilds()) != 4 {
		t.Errorf("joined %+v", joined)
	}
}

func TestTrafficErrors(t *testing.T) {
	srv := start(t, discordtest.Config{})
	a, b := srv.Guilds()[0], srv.Guilds()[1]
	stranger := b.Members[0].User.ID
	say := func(channel, user, content string) error { _, err := srv.Say(channel, user, content); return err }
	guild := func(id string) error { _, err := srv.Guild(id); return err }
	for name, tc := range map[string]struct{ got, want error }{
		"channel":  {say("1", stranger, "x"), discordtest.ErrUnknownChannel},
		"user":     {say(a.Channels[0].ID, "1", "x"), discordtest.ErrUnknownUser},
		"stranger": {say(a.Channels[0].ID, stranger, "x"), discordtest.ErrUnknownMember},
		"message":  {srv.DeleteMessage(a.Channels[0].ID, "1"), discordtest.ErrUnknownMessage},
		"guild":    {guild("1"), discordtest.ErrUnknownGuild},
		"typing":   {srv.Type(a.Channels[0].ID, stranger), discordtest.ErrUnknownMember},
		"voice":    {srv.JoinVoice(a.ID, "1", a.Members[0].User.ID), discordtest.ErrUnknownChannel},
		"presence": {srv.SetPresence(a.ID, stranger, "online", ""), discordtest.ErrUnknownMember},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
		}
	}
	if err := say(a.Channels[0].ID, a.Members[0].User.ID, strings.Repeat("x", 2001)); err == nil {
		t.Error("a message of 2001 characters was accepted")
	}
	if err := srv.SetPresence(a.ID, a.Members[0].User.ID, "away", ""); err == nil {
		t.Error("status away was accepted")
	}
}

func TestChat(t *testing.T) {
	srv := start(t, discordtest.Config{})
	c := loginAll(t, srv)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Chat(ctx, discordtest.ChatConfig{Rate: 5000, Seed: 7}) }()
	kinds := map[string]int{}
	for range 500 {
		kinds[c.read().T]++
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"MESSAGE_CREATE", "PRESENCE_UPDATE", "TYPING_START", "GUILD_MEMBER_UPDATE", "MESSAGE_REACTION_ADD",
	} {
		if kinds[want] < 5 {
			t.Errorf("%d of 500 events are %s", kinds[want], want)
		}
	}
}

func TestWorld(t *testing.T) {
	srv := start(t, discordtest.Config{Guilds: 20, Members: 60, Channels: 15})
	names, ids := map[string]bool{}, map[string]bool{}
	for _, g := range srv.Guilds() {
		if len(g.Members) != 60 || len(g.Channels) != 15 || len(g.VoiceChannels) != 1 || g.OwnerID != g.Members[0].User.ID {
			t.Fatalf("guild %s: %d members, %d channels", g.Name, len(g.Members), len(g.Channels))
		}
		ids[g.ID] = true
		for _, m := range g.Members {
			names[m.User.Username] = true
			ids[m.User.ID] = true
		}
		for _, c := range g.Channels {
			ids[c.ID] = true
		}
	}
	if len(names) != 1200 || len(ids) != 20+1200+300 {
		t.Errorf("%d names and %d ids are not all different", len(names), len(ids))
	}
	if parts := strings.Split(srv.Token, "."); len(parts) != 3 {
		t.Errorf("the token has %d parts", len(parts))
	}
}

func TestConfigErrors(t *testing.T) {
	_, err := discordtest.New(discordtest.Config{Guilds: -1, HeartbeatInterval: -1})
	if err == nil || !strings.Contains(err.Error(), "Guilds") || !strings.Contains(err.Error(), "HeartbeatInterval") {
		t.Errorf("error %v, want both fields named", err)
	}
	if _, err := discordtest.New(discordtest.Config{Addr: "256.0.0.1:0"}); err == nil {
		t.Error("an impossible address was accepted")
	}
}

func TestWaitSaysWhatItSaw(t *testing.T) {
	srv := start(t, discordtest.Config{})
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("enough")
	cancel(cause)
	err := srv.Wait(ctx, func() bool { return false })
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "0 identifies") {
		t.Errorf("error %v", err)
	}
}

func TestPresencesAndVoiceInGuildCreate(t *testing.T) {
	srv := start(t, discordtest.Config{Guilds: 1})
	g := srv.Guilds()[0]
	for _, m := range g.Members[:4] {
		if err := srv.SetPresence(g.ID, m.User.ID, "idle", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := srv.JoinVoice(g.ID, g.VoiceChannels[0].ID, g.Members[9].User.ID); err != nil {
		t.Fatal(err)
	}
	var full, bare discordgo.Guild
	c := login(t, srv, discordgo.IntentsAll)
	c.decode(c.event("GUILD_CREATE").D, &full)
	if len(full.Members) != 11 || len(full.Presences) != 4 || len(full.VoiceStates) != 1 {
		t.Errorf("%d members, %d presences, %d voice states", len(full.Members), len(full.Presences),
			len(full.VoiceStates))
	}
	c.send(8, map[string]any{"guild_id": g.ID, "query": "", "limit": 0, "presences": true})
	var chunk struct{ Presences []discordgo.Presence }
	c.decode(c.event("GUILD_MEMBERS_CHUNK").D, &chunk)
	if len(chunk.Presences) != 4 {
		t.Errorf("%d presences in the chunk", len(chunk.Presences))
	}
	srv.Advance(5 * time.Second)
	c = login(t, srv, discordgo.IntentGuilds)
	c.decode(c.event("GUILD_CREATE").D, &bare)
	if len(bare.Members) != 2 || len(bare.Presences) != 0 {
		t.Errorf("without GUILD_PRESENCES: %d members, want the bot and who is in voice", len(bare.Members))
	}
}

func TestMessageLimit(t *testing.T) {
	srv := start(t, discordtest.Config{MessageLimit: 3})
	for _, content := range []string{"a", "b", "c", "d", "e"} {
		say(t, srv, 0, content)
	}
	got := srv.Messages(srv.Guilds()[0].Channels[0].ID)
	if len(got) != 3 || got[0].Content != "c" || got[2].Content != "e" {
		t.Errorf("%d messages from %q, want the last three", len(got), got[0].Content)
	}
}

func TestOptions(t *testing.T) {
	srv := start(t, discordtest.Config{})
	g := srv.Guilds()[0]
	c := login(t, srv, 0)
	in := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "all",
		discordtest.Option("int", 7), discordtest.Option("float", 1.5), discordtest.Option("bool", true),
		discordtest.Option("string", "s"), discordtest.Option("user", g.Members[1].User),
		discordtest.Option("channel", g.Channels[1]), discordtest.Option("role", g.Roles[1]))
	if in.Err() != nil {
		t.Fatal(in.Err())
	}
	var i discordgo.InteractionCreate
	c.decode(c.event("INTERACTION_CREATE").D, &i)
	data := i.ApplicationCommandData()
	if data.Options[0].IntValue() != 7 || data.Options[1].FloatValue() != 1.5 || !data.Options[2].BoolValue() ||
		data.Options[3].StringValue() != "s" {
		t.Errorf("options %+v", data.Options)
	}
	if r := data.Resolved; r.Users[g.Members[1].User.ID] == nil || r.Members[g.Members[1].User.ID] == nil ||
		r.Channels[g.Channels[1].ID] == nil || r.Roles[g.Roles[1].ID] == nil {
		t.Errorf("resolved %+v", data.Resolved)
	}
	defer func() {
		if recover() == nil {
			t.Error("an option of an impossible type was accepted")
		}
	}()
	discordtest.Option("x", struct{}{})
}
