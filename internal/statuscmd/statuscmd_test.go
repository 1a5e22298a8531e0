package statuscmd_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/statuscmd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sent records what a session sends to Discord, which takes all of it.
type sent struct{ bodies []string }

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.bodies = append(s.bodies, string(body))
	}
	w := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r}
	answer := `{"id":"1000005022336000"}` // made 1197 ms after the interaction
	w.Body = io.NopCloser(strings.NewReader(answer))
	return w, nil
}

// content returns the text of the last message, and the buttons below it.
func (s *sent) content(t *testing.T) (text, all string) {
	t.Helper()
	all = s.bodies[len(s.bodies)-1]
	var m struct {
		Content string `json:"content"`
		Data    struct {
			Content string `json:"content"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(all), &m); err != nil {
		t.Fatal(err)
	}
	return m.Content + m.Data.Content, all
}

func session(t *testing.T, shard int) (*discordgo.Session, *sent) {
	t.Helper()
	s, err := discordgo.New("Bot x")
	if err != nil {
		t.Fatal(err)
	}
	out := &sent{}
	s.Client = &http.Client{Transport: out}
	s.ShardID, s.ShardCount = shard, 45
	return s, out
}

func shards() []gateway.Status {
	all := make([]gateway.Status, 45)
	for i := range all {
		all[i] = gateway.Status{ShardID: i, State: gateway.Ready, Guilds: 2, Since: time.Now().Add(-90 * time.Second),
			AverageLatency: 41 * time.Millisecond, Latency: 40 * time.Millisecond}
	}
	all[44] = gateway.Status{ShardID: 44, State: gateway.Backoff, Since: time.Now().Add(-26 * time.Hour)}
	return all
}

func interaction(customID string) *discordgo.InteractionCreate {
	i := &discordgo.Interaction{ID: "1000000000000000", AppID: "1", Token: "t"}
	if customID != "" {
		i.Type = discordgo.InteractionMessageComponent
		i.Data = discordgo.MessageComponentInteractionData{CustomID: customID}
	}
	return &discordgo.InteractionCreate{Interaction: i}
}

// The list begins with the page of the shard that is asked on, and the buttons lead to the others.
func TestList(t *testing.T) {
	c := statuscmd.Commands{Shards: shards}
	s, out := session(t, 22)
	if err := c.List(t.Context(), s, interaction("")); err != nil {
		t.Fatal(err)
	}
	text, all := out.content(t)
	for _, want := range []string{">    22  ready         41ms        2  1m30s", "44 of 45 ready, 88 servers", "     39  ready"} {
		if !strings.Contains(text, want) {
			t.Errorf("the list lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "   19  ready") || len(text) > 2000 {
		t.Errorf("more than a page:\n%s", text)
	}
	for _, want := range []string{statuscmd.Button + "0", statuscmd.Button + "2"} {
		if !strings.Contains(all, want) {
			t.Errorf("no button %s: %s", want, all)
		}
	}
	for button, want := range map[string]string{"2": "44  backoff          –        0  1d2h", "99": "44  backoff", "-1": "     0  ready"} {
		if err := c.TurnPage(t.Context(), s, interaction(statuscmd.Button+button)); err != nil {
			t.Fatal(err)
		}
		if text, _ := out.content(t); !strings.Contains(text, want) {
			t.Errorf("page %s lacks %q:\n%s", button, want, text)
		}
	}
	if err := c.TurnPage(t.Context(), s, interaction(statuscmd.Button+"x")); err == nil {
		t.Error("a button of somebody else was turned")
	}
}

func TestPing(t *testing.T) {
	s, out := session(t, 3)
	if err := (statuscmd.Commands{Shards: shards}).Ping(t.Context(), s, interaction("")); err != nil {
		t.Fatal(err)
	}
	text, _ := out.content(t)
	if !strings.HasPrefix(text, "**Pong** from shard 3 of 45\nHeartbeat 40ms · round trip 1197ms · API call ") {
		t.Errorf("%q", text)
	}
	s.ShardID = 44
	if err := (statuscmd.Commands{Shards: shards}).Ping(t.Context(), s, interaction("")); err != nil {
		t.Fatal(err)
	}
	if text, _ := out.content(t); !strings.Contains(text, "Heartbeat not known yet") {
		t.Errorf("%q", text)
	}
}
