package events_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/events"
)

// A sample is one dispatch of the corpus in testdata/payloads: payloads in the form Discord sends
// them, fields that discordgo does not know included, with made-up IDs.
type sample struct {
	Type    string          `json:"t"`
	Name    string          `json:"name"`
	Payload json.RawMessage `json:"d"`
}

func corpus(tb testing.TB) []sample {
	tb.Helper()
	files, err := filepath.Glob("testdata/payloads/*.json")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no corpus: %v", err)
	}
	var all []sample
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		var samples []sample
		if err := json.Unmarshal(text, &samples); err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		all = append(all, samples...)
	}
	return all
}

// reference decodes like discordgo's wsapi.go and event.go, into a new struct of the same type.
func reference(like any, payload []byte) (any, error) {
	want := reflect.New(reflect.TypeOf(like).Elem()).Interface()
	if err := json.Unmarshal(payload, want); err != nil {
		return nil, err
	}
	var guilds []*discordgo.Guild
	switch e := want.(type) {
	case *discordgo.Ready:
		guilds = e.Guilds
	case *discordgo.GuildCreate:
		guilds = append(guilds, e.Guild)
	case *discordgo.GuildUpdate:
		guilds = append(guilds, e.Guild)
	}
	for _, g := range guilds {
		for _, c := range g.Channels {
			c.GuildID = g.ID
		}
		for _, m := range g.Members {
			m.GuildID = g.ID
		}
		for _, v := range g.VoiceStates {
			v.GuildID = g.ID
		}
	}
	return want, nil
}

func TestDecodeEqualsDiscordgo(t *testing.T) {
	for _, s := range corpus(t) {
		t.Run(s.Type+"/"+s.Name, func(t *testing.T) {
			got, err := events.Decode(s.Type, s.Payload)
			if err != nil {
				t.Fatal(err)
			}
			want, err := reference(got, s.Payload)
			if err != nil {
				t.Fatalf("encoding/json: %v", err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("Decode and discordgo differ:\n got %s\nwant %s", show(got), show(want))
			}
		})
	}
}

func TestCorpusCoversEveryType(t *testing.T) {
	covered := make(map[string]bool)
	for _, s := range corpus(t) {
		covered[s.Type] = true
	}
	for _, eventType := range events.Types() {
		if !covered[eventType] {
			t.Errorf("no payload of %s in testdata", eventType)
		}
	}
}

func TestDecodeSharesNoMemoryWithItsInput(t *testing.T) {
	for _, s := range corpus(t) {
		payload := slices.Clone(s.Payload)
		got, err := events.Decode(s.Type, payload)
		if err != nil {
			t.Fatalf("%s, %s: %v", s.Type, s.Name, err)
		}
		for i := range payload {
			payload[i] = 'x'
		}
		want, err := events.Decode(s.Type, s.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s, %s: the struct changed with the buffer", s.Type, s.Name)
		}
	}
}

func TestDecodeConcurrently(t *testing.T) {
	samples := corpus(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, s := range samples {
				if _, err := events.Decode(s.Type, s.Payload); err != nil {
					t.Errorf("%s, %s: %v", s.Type, s.Name, err)
				}
			}
		})
	}
	wg.Wait()
}

// show prints pointers by what they point at, which %v does not.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
