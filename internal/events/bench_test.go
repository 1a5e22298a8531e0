package events_test

import (
	"testing"

	"github.com/botwright/botwright/internal/events"
)

// mix is the corpus in the proportions of a bot in many guilds: mostly messages, typing, presence
// and members, some interactions, hardly any guild. Payloads are compact, as Discord sends them.
func mix(b *testing.B) []sample {
	b.Helper()
	weights := map[string]int{
		"MESSAGE_CREATE": 6, "MESSAGE_UPDATE": 2, "TYPING_START": 20, "PRESENCE_UPDATE": 20,
		"GUILD_MEMBER_UPDATE": 8, "MESSAGE_REACTION_ADD": 6, "VOICE_STATE_UPDATE": 6,
		"INTERACTION_CREATE": 1, "GUILD_CREATE": 1,
	}
	var mixed []sample
	for _, s := range corpus(b) {
		s.Payload = compacted(b, s.Payload)
		for range weights[s.Type] {
			mixed = append(mixed, s)
		}
	}
	return mixed
}

func BenchmarkDecode(b *testing.B) {
	run(b, func(s sample) (any, error) { return events.Decode(s.Type, s.Payload) })
}

func BenchmarkEncodingJSON(b *testing.B) {
	like := make(map[string]any)
	for _, s := range corpus(b) {
		payload, err := events.Decode(s.Type, s.Payload)
		if err != nil {
			b.Fatal(err)
		}
		like[s.Type] = payload
	}
	run(b, func(s sample) (any, error) { return reference(like[s.Type], s.Payload) })
}

func run(b *testing.B, decode func(sample) (any, error)) {
	all := mix(b)
	byType := map[string][]sample{"mix": all}
	for _, s := range all {
		byType[s.Type] = append(byType[s.Type], s)
	}
	for _, name := range []string{
		"mix", "MESSAGE_CREATE", "TYPING_START", "PRESENCE_UPDATE", "GUILD_MEMBER_UPDATE",
		"INTERACTION_CREATE", "GUILD_CREATE",
	} {
		samples := byType[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := decode(samples[i%len(samples)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
