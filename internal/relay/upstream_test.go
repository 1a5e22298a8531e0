package relay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/relay"
	"github.com/botwright/botwright/internal/testkit"
)

func TestSessionCallsReachSend(t *testing.T) {
	t.Parallel()
	idle := 0
	tests := []struct {
		name string
		call func(*discordgo.Session) error
		op   int
		want []string
	}{{
		"UpdateGameStatus", func(s *discordgo.Session) error {
			return s.UpdateGameStatus(0, "<chess> & go")
		}, 3, []string{`{"since":null,"activities":[{"name":"<chess> & go","type":0}],` +
			`"status":"online","afk":false}`},
	}, {
		"UpdateGameStatus idle without a game", func(s *discordgo.Session) error {
			return s.UpdateGameStatus(5, "")
		}, 3, []string{`{"since":5,"activities":[],"status":"online","afk":false}`},
	}, {
		"UpdateListeningStatus", func(s *discordgo.Session) error {
			return s.UpdateListeningStatus("music")
		}, 3, []string{`{"since":null,"activities":[{"name":"music","type":2}],` +
			`"status":"online","afk":false}`},
	}, {
		"UpdateStreamingStatus", func(s *discordgo.Session) error {
			return s.UpdateStreamingStatus(0, "live", "https://example.com/?a=1&b=2")
		}, 3, []string{`{"since":null,"activities":[{"name":"live","type":1,` +
			`"url":"https://example.com/?a=1&b=2"}],"status":"online","afk":false}`},
	}, {
		"UpdateCustomStatus", func(s *discordgo.Session) error {
			return s.UpdateCustomStatus("resting")
		}, 3, []string{`{"since":null,"activities":[{"name":"Custom Status","state":"resting",` +
			`"type":4}],"status":"online","afk":false}`},
	}, {
		"UpdateStatusComplex", func(s *discordgo.Session) error {
			return s.UpdateStatusComplex(discordgo.UpdateStatusData{
				IdleSince: &idle, AFK: true, Status: "dnd",
				Activities: []*discordgo.Activity{{
					Name: "a", Type: discordgo.ActivityTypeCompeting, Details: "final",
					Emoji:      discordgo.Emoji{Name: "x", ID: "7", Animated: true, Available: true},
					Timestamps: discordgo.TimeStamps{StartTimestamp: 1700000000123},
					Party:      discordgo.Party{ID: "p", Size: []int{0, 5}},
				}},
			})
		}, 3, []string{`{"since":0,"activities":[{"details":"final",` +
			`"emoji":{"animated":true,"id":"7","name":"x"},"name":"a",` +
			`"party":{"id":"p","size":[0,5]},"timestamps":{"start":1700000000123},"type":5}],` +
			`"status":"dnd","afk":true}`},
	}, {
		"UpdateStatusComplex with nothing", func(s *discordgo.Session) error {
			return s.UpdateStatusComplex(discordgo.UpdateStatusData{})
		}, 3, []string{`{"since":null,"activities":[],"status":"online","afk":false}`},
	}, {
		"RequestGuildMembers", func(s *discordgo.Session) error {
			return s.RequestGuildMembers("10", "", 0, "n1", true)
		}, 8, []string{`{"guild_id":"10","limit":0,"nonce":"n1","presences":true,"query":""}`},
	}, {
		"RequestGuildMembersList", func(s *discordgo.Session) error {
			return s.RequestGuildMembersList("10", []string{"1", "2"}, 0, "", false)
		}, 8, []string{`{"guild_id":"10","limit":0,"presences":false,"user_ids":["1","2"]}`},
	}, {
		"RequestGuildMembersBatch", func(s *discordgo.Session) error {
			return s.RequestGuildMembersBatch([]string{"10", "11"}, "a", 5, "", false)
		}, 8, []string{
			`{"guild_id":"10","limit":5,"presences":false,"query":"a"}`,
			`{"guild_id":"11","limit":5,"presences":false,"query":"a"}`,
		},
	}, {
		"ChannelVoiceJoinManual", func(s *discordgo.Session) error {
			return s.ChannelVoiceJoinManual("10", "20", true, false)
		}, 4, []string{`{"guild_id":"10","channel_id":"20","self_mute":true,"self_deaf":false}`},
	}, {
		"ChannelVoiceJoinManual to leave", func(s *discordgo.Session) error {
			return s.ChannelVoiceJoinManual("10", "", false, false)
		}, 4, []string{`{"guild_id":"10","channel_id":null,"self_mute":false,"self_deaf":false}`},
	}, {
		"GatewayWriteStruct soundboard", func(s *discordgo.Session) error {
			return s.GatewayWriteStruct(map[string]any{
				"op": 31, "d": map[string]any{"guild_ids": []string{"1"}},
			})
		}, 31, []string{`{"guild_ids":["1"]}`},
	}, {
		"GatewayWriteStruct of an unknown op", func(s *discordgo.Session) error {
			return s.GatewayWriteStruct(json.RawMessage(`{"d": [1, 2], "op": 99}`))
		}, 99, []string{`[1,2]`},
	}, {
		"GatewayWriteStruct without d", func(s *discordgo.Session) error {
			return s.GatewayWriteStruct(json.RawMessage(`{"op": 43}`))
		}, 43, []string{`null`},
	}, {
		"GatewayWriteStruct with one guild", func(s *discordgo.Session) error {
			return s.GatewayWriteStruct(json.RawMessage(`{"op":8,"d":{"guild_id":"10","x":1}}`))
		}, 8, []string{`{"guild_id":"10","x":1}`},
	}}
	b := start(t, relay.Config{})
	for _, tt := range tests {
		if err := tt.call(b.session); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for _, want := range tt.want {
			got := testkit.Receive(t, b.sent, "frame of "+tt.name)
			if got.op != tt.op || got.d != want {
				t.Errorf("%s:\n got op %d %s\nwant op %d %s", tt.name, got.op, got.d, tt.op, want)
			}
		}
	}
	if len(b.sent) != 0 {
		t.Errorf("%d frames too many", len(b.sent))
	}
}

func TestBadFramesAreLoggedAndDropped(t *testing.T) {
	t.Parallel()
	var logs testkit.Log
	failed := make(chan int, 16)
	b := start(t, relay.Config{
		Logger: logs.Text(),
		Failed: func(op int, _ error) { failed <- op },
	})
	for _, call := range []func() error{
		func() error { return b.session.RequestGuildMembersBatch(nil, "", 0, "", false) },
		func() error { return b.session.RequestGuildMembers("", "", 0, "", false) },
		func() error { return b.session.GatewayWriteStruct([]int{1}) },
		func() error { return b.session.GatewayWriteStruct(nil) },
		func() error { return b.session.GatewayWriteStruct(map[string]any{"d": 1}) },
		func() error { return b.session.GatewayWriteStruct(map[string]any{"op": "3"}) },
		func() error { return b.session.GatewayWriteStruct(map[string]any{"op": 3, "d": []int{}}) },
		func() error { return b.session.GatewayWriteStruct(map[string]any{"op": 3}) },
		func() error { return b.session.GatewayWriteStruct(map[string]any{"op": 8, "d": 7}) },
		func() error { return b.session.GatewayWriteStruct(json.RawMessage(`"s3cret"`)) },
	} {
		if err := call(); err != nil {
			t.Error(err)
		}
	}
	if err := b.session.UpdateGameStatus(0, "good"); err != nil {
		t.Error(err)
	}
	if got := testkit.Receive(t, b.sent, "good frame"); !strings.Contains(got.d, "good") {
		t.Errorf("Send got %v", got)
	}
	if got := b.Stats().Refused; got != 10 {
		t.Errorf("Refused = %d, want 10", got)
	}
	for _, want := range []int{8, 8, 3, 3, 8} { // those of which the op is known
		if got := testkit.Receive(t, failed, "Failed"); got != want {
			t.Errorf("Failed got op %d, want %d", got, want)
		}
	}
	text := logs.String()
	if got := strings.Count(text, "level=ERROR"); got != 5 {
		t.Errorf("%d errors logged, want 5:\n%s", got, text)
	}
	if strings.Contains(text, "s3cret") {
		t.Errorf("a frame's content is in the log:\n%s", text)
	}
}

func TestSendFailuresAreContained(t *testing.T) {
	t.Parallel()
	var logs testkit.Log
	handled := make(chan struct{}, 3)
	b := start(t, relay.Config{
		Logger: logs.Text(),
		Send: func(op int, _ json.RawMessage) error {
			defer func() { handled <- struct{}{} }()
			switch op {
			case 31:
				return errors.New("limit reached")
			case 43:
				panic("broken")
			}
			return nil
		},
	})
	for _, op := range []int{31, 43, 4} {
		if err := b.session.GatewayWriteStruct(map[string]any{"op": op}); err != nil {
			t.Error(err)
		}
		testkit.Receive(t, handled, fmt.Sprintf("op %d", op))
	}
	b.Close() // and with it the reader, which counts after Send
	want := relay.Stats{Sent: 1, SendErrors: 2}
	if got := b.Stats(); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
	for _, text := range []string{"limit reached", "send panicked: broken"} {
		if !strings.Contains(logs.String(), text) {
			t.Errorf("the log has no %q:\n%s", text, logs.String())
		}
	}
}

func TestHandshakeFramesNeverReachSend(t *testing.T) {
	t.Parallel()
	b := start(t, relay.Config{})
	for _, op := range []int{1, 2, 6, 1, 2, 6, 4} {
		if err := b.session.GatewayWriteStruct(map[string]any{"op": op, "d": nil}); err != nil {
			t.Fatal(err)
		}
	}
	if got := testkit.Receive(t, b.sent, "frame"); got.op != 4 {
		t.Errorf("Send got op %d, want only 4", got.op)
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add([]byte(`{"op":3,"d":{"since":null,"activities":[{"name":"x","type":0}],"afk":false}}`))
	f.Add([]byte(`{"op":8,"d":{"guild_id":["10","11"],"query":"","limit":0}}`))
	f.Add([]byte(`{"d":{"guild_ids":["1"]},"op":31}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		op, frames, err := relay.Rewrite(message)
		if err != nil {
			return
		}
		if len(frames) == 0 {
			t.Error("no frame and no error")
		}
		for _, frame := range frames {
			checkRewritten(t, op, frame)
		}
	})
}

func checkRewritten(t *testing.T, op int, frame json.RawMessage) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, frame); err != nil {
		t.Fatalf("not JSON: %v", err)
	}
	if !bytes.Equal(compact.Bytes(), frame) {
		t.Errorf("not compact: %q", frame)
	}
	switch op {
	case 3:
		var d struct {
			Activities []struct {
				Name, Type any
				CreatedAt  any `json:"created_at"`
			}
			Status string
		}
		if err := json.Unmarshal(frame, &d); err != nil {
			t.Fatal(err)
		}
		if d.Activities == nil || d.Status == "" {
			t.Errorf("activities or status missing: %s", frame)
		}
		for _, a := range d.Activities {
			if a.Name == nil || a.Type == nil {
				t.Errorf("name or type missing: %s", frame)
			}
		}
	case 8:
		var d struct {
			GuildID string `json:"guild_id"`
		}
		if err := json.Unmarshal(frame, &d); err != nil || d.GuildID == "" {
			t.Errorf("guild_id is not one snowflake: %s", frame)
		}
	}
}
