package events_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
	"github.com/botwright/botwright/internal/frame"
)

// TestFiltersSeeWhatTheDecoderSees compares what decides about an event before it is decoded with
// the decoded event, where names occur twice or have escapes in them.
func TestFiltersSeeWhatTheDecoderSees(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	decoded := 0
	for range 20_000 {
		var members []string
		author := func() string {
			var fields []string
			for range r.IntN(4) {
				fields = append(fields, pick(`"id":"7"`, `"id":"8"`, `"i\u0064":"9"`, `"bot":true`,
					`"\u0062ot":true`, `"bot":false`, `"bot":null`, `"bot" : true`))
			}
			return "{" + strings.Join(fields, ",") + "}"
		}
		for range 1 + r.IntN(6) {
			members = append(members, pick(`"author":`, `"\u0061uthor":`)+pick(author(), author(), "null"),
				pick(`"content":"a"`, `"c\u006fntent":"\u0021b"`, `"content":null`, `"content":"!c"`,
					`"guild_id":"1"`, `"guild_id":"2"`, `"channel_id":"3"`, `"channel_i\u0064":"4"`))
		}
		d := []byte(`{"id":"1",` + strings.Join(members, ",") + "}")
		payload, err := events.Decode("MESSAGE_CREATE", d)
		if err != nil {
			continue // no author, for one
		}
		decoded++
		m := payload.(*discordgo.MessageCreate)
		bot, _ := frame.Find(d, "author", "bot")
		raw, _ := frame.Find(d, "content")
		content, _ := frame.Text(raw)
		route := frame.RouteOf("MESSAGE_CREATE", d)
		got := []string{strconv.FormatBool(string(bot) == "true"), string(content), string(route.User),
			string(route.Guild), string(route.Channel)}
		want := []string{strconv.FormatBool(m.Author.Bot), m.Content, m.Author.ID, m.GuildID, m.ChannelID}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("%s\n got %q\nwant %q", d, got, want)
		}
	}
	if decoded < 1000 {
		t.Errorf("only %d events were decoded", decoded)
	}
}
