package botwright_test

import (
	"context"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// A message of the size that Discord sends.
const messageData = `{"type":0,"tts":false,"timestamp":"2026-01-01T00:00:00.000000+00:00","pinned":false,` +
	`"nonce":"1","mentions":[],"mention_roles":[],"mention_everyone":false,"member":{"roles":["1","2"],` +
	`"mute":false,"joined_at":"2026-01-01T00:00:00.000000+00:00","deaf":false},"id":"1234567890123456789",` +
	`"flags":0,"embeds":[],"edited_timestamp":null,"content":"hello there, how are you","components":[],` +
	`"channel_id":"2234567890123456789","author":{"username":"someone","id":"3234567890123456789"},` +
	`"attachments":[],"guild_id":"4234567890123456789"}`

// TestReadPathAllocations holds what the goroutine that reads allocates for an event: nothing if
// nobody wants it; the copy, the Event and its ids if somebody does. Discarding handlers keep
// what happens behind the queue out of the count.
func TestReadPathAllocations(t *testing.T) {
	for _, tt := range []struct {
		name, eventType string
		want            float64
	}{{"unwanted", "MESSAGE_UPDATE", 0}, {"wanted", "MESSAGE_CREATE", 3}} {
		t.Run(tt.name, func(t *testing.T) {
			read := botwright.NewReader(tt.eventType, messageData, readPathBot(t))
			if n := testing.AllocsPerRun(1000, read); n > tt.want {
				t.Errorf("%v allocations, want at most %v", n, tt.want)
			}
		})
	}
}

func readPathBot(tb testing.TB) *botwright.Bot {
	tb.Helper()
	bot, err := botwright.New(someToken)
	if err != nil {
		tb.Fatal(err)
	}
	botwright.On(bot, func(context.Context, *discordgo.Session, *discordgo.MessageCreate) error {
		return nil
	}, botwright.Filter(func(*botwright.Event) bool { return false }))
	return bot
}

// BenchmarkReadPath is what one frame costs from the moment it has been decompressed until the
// goroutine that reads is done with it.
func BenchmarkReadPath(b *testing.B) {
	for _, bm := range []struct{ name, eventType string }{
		{"unwanted", "MESSAGE_UPDATE"}, {"wanted", "MESSAGE_CREATE"}, {"presence", "PRESENCE_UPDATE"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			read := botwright.NewReader(bm.eventType, messageData, readPathBot(b))
			b.ReportAllocs()
			b.SetBytes(int64(len(messageData)))
			for b.Loop() {
				read()
			}
		})
	}
}
