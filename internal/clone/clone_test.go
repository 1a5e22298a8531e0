package clone_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/clone"
)

func TestOfIsEqualAndShares(t *testing.T) {
	now := time.Now()
	m := &discordgo.Message{
		ID: "1", Author: &discordgo.User{ID: "2"}, EditedTimestamp: &now, Timestamp: now,
		Mentions:   []*discordgo.User{{ID: "3"}, nil},
		Embeds:     []*discordgo.MessageEmbed{{Title: "t", Fields: []*discordgo.MessageEmbedField{{Name: "f"}}}},
		Components: []discordgo.MessageComponent{&discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.Button{Label: "b"}}}},
		Member:     &discordgo.Member{Roles: []string{"r"}}, MentionRoles: []string{},
	}
	c := clone.Of(m)
	if !reflect.DeepEqual(m, c) {
		t.Fatalf("got %+v, want %+v", c, m)
	}
	want := clone.Of(m)
	c.Author.ID, c.Mentions[0].ID, c.Embeds[0].Fields[0].Name, c.Member.Roles[0] = "x", "x", "x", "x"
	*c.EditedTimestamp = time.Time{}
	c.Components[0].(*discordgo.ActionsRow).Components[0] = discordgo.Button{Label: "x"}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("a write to the copy changed the original: %+v", m)
	}
}

func TestOfNothing(t *testing.T) {
	if clone.Of[*discordgo.Message](nil) != nil || clone.Of[any](nil) != nil {
		t.Error("nil is not copied to nil")
	}
	in := map[string]map[string]*int{"a": {"b": new(int)}, "c": nil}
	out := clone.Of(in)
	*out["a"]["b"] = 1
	if *in["a"]["b"] != 0 || out["c"] != nil {
		t.Errorf("%v became %v", in, out)
	}
}

func BenchmarkOfMessage(b *testing.B) {
	m := &discordgo.Message{ID: "1", Author: &discordgo.User{ID: "2"}, Member: &discordgo.Member{Roles: []string{"r"}},
		Embeds: []*discordgo.MessageEmbed{}, Mentions: []*discordgo.User{}}
	b.ReportAllocs()
	for b.Loop() {
		clone.Of(m)
	}
}
