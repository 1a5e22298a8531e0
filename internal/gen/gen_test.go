package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestGeneratedFilesAreCurrent(t *testing.T) {
	root, err := findModule("")
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Fatalf("generate returned %d files, want 3", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root.Dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what discordgo's source yields: run go generate", name)
		}
	}
}

func TestReadEventsFindsWhatDiscordSends(t *testing.T) {
	module, err := findModule(discordgoPath)
	if err != nil {
		t.Fatal(err)
	}
	events, err := readEvents(os.DirFS(module.Dir))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, e := range events {
		found[e.Name] = e.Struct
	}
	for name, want := range map[string]string{
		"MESSAGE_CREATE":        "MessageCreate",
		"PRESENCES_REPLACE":     "PresencesReplace",
		"STAGE_INSTANCE_UPDATE": "StageInstanceEventUpdate",
	} {
		if found[name] != want {
			t.Errorf("struct of %s = %q, want %q", name, found[name], want)
		}
	}
	for _, name := range []string{"__CONNECT__", "__EVENT__", "STAGE_INSTANCE_EVENT_UPDATE"} {
		if got, ok := found[name]; ok {
			t.Errorf("%s maps to %s, want it left out", name, got)
		}
	}
}

const (
	goodEvents = `package discordgo
type MessageCreate struct{ *Message }
type Connect struct{}
type StageInstanceEventCreate struct{}
type StageInstanceEventUpdate struct{}
type StageInstanceEventDelete struct{}
`
	goodHandlers = `package discordgo
const (
	messageCreateEventType = "MESSAGE_CREATE"
	connectEventType = "__CONNECT__"
	stageInstanceEventCreateEventType = "STAGE_INSTANCE_EVENT_CREATE"
	stageInstanceEventUpdateEventType = "STAGE_INSTANCE_EVENT_UPDATE"
	stageInstanceEventDeleteEventType = "STAGE_INSTANCE_EVENT_DELETE"
)
type messageCreateEventHandler func(*Session, *MessageCreate)
type connectEventHandler func(*Session, *Connect)
type stageInstanceEventCreateEventHandler func(*Session, *StageInstanceEventCreate)
type stageInstanceEventUpdateEventHandler func(*Session, *StageInstanceEventUpdate)
type stageInstanceEventDeleteEventHandler func(*Session, *StageInstanceEventDelete)
`
)

func TestReadEventsRefusesWhatItDoesNotUnderstand(t *testing.T) {
	const message = "messageCreateEventHandler func(*Session, *MessageCreate)"
	tests := []struct {
		name     string
		events   string
		handlers string
		want     string
	}{
		{"understood", goodEvents, goodHandlers, ""},
		{
			"a name without a handler", goodEvents,
			goodHandlers + "const soundEventType = \"SOUND\"\n", "event SOUND: no handler type",
		},
		{
			"a handler without a name", goodEvents + "type Sound struct{}\n",
			goodHandlers + "type soundEventHandler func(*Session, *Sound)\n", "no event name",
		},
		{
			"a struct without a handler", goodEvents + "type Sound struct{}\n",
			goodHandlers, "type Sound in events.go: no handler type",
		},
		{
			"a struct declared elsewhere",
			strings.Replace(goodEvents, "type MessageCreate struct{ *Message }\n", "", 1),
			goodHandlers, "no type MessageCreate in events.go",
		},
		{
			"a handler of another shape", goodEvents,
			strings.Replace(goodHandlers, message, "messageCreateEventHandler func(any)", 1),
			"unknown shape",
		},
		{
			"a handler of a value", goodEvents,
			strings.Replace(goodHandlers, "*MessageCreate", "MessageCreate", 1), "unknown shape",
		},
		{
			"another constant", goodEvents, goodHandlers + "const limit = 3\n",
			"not the name of an event",
		},
		{
			"a name that is not a literal", goodEvents,
			goodHandlers + "const soundEventType = \"a\" + \"b\"\n", "not a string literal",
		},
		{
			"a corrected name that is gone", goodEvents,
			strings.Replace(goodHandlers, "E_EVENT_DELETE", "E_DELETE", 1), "without its object",
		},
		{
			"a name declared twice", goodEvents,
			strings.Replace(goodHandlers, `"MESSAGE_CREATE"`, `"STAGE_INSTANCE_CREATE"`, 1),
			"declared twice",
		},
		{"no events", "package discordgo\n", "package discordgo\n", "no event name found"},
		{"not Go", "package", goodHandlers, "expected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readEvents(fstest.MapFS{
				"events.go":        {Data: []byte(tt.events)},
				"eventhandlers.go": {Data: []byte(tt.handlers)},
			})
			switch {
			case tt.want == "" && err != nil:
				t.Fatal(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Fatalf("error = %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestReadEventsNeedsBothFiles(t *testing.T) {
	_, err := readEvents(fstest.MapFS{"events.go": {Data: []byte(goodEvents)}})
	if err == nil {
		t.Fatal("readEvents accepted a source without eventhandlers.go")
	}
}
