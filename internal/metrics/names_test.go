package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/botwright/botwright/internal/metrics"
)

// A label that is not UTF-8 panics, on the goroutine that reads from Discord.
func TestCommandNamesThatAreNoLabels(t *testing.T) {
	m := metrics.New("discord", nil)
	received := time.Now().Add(-time.Hour) // given up at once
	for i, name := range []string{"fine", "caf\xc3", "\xff\xfe", strings.Repeat("x", 1000)} {
		d := `{"id":"10` + string(rune('0'+i)) + `","type":2,"data":{"name":"` + name + `"}}`
		m.Interaction([]byte(d), received)
	}
	want := `# HELP discord_interactions_total Interactions by what became of them: answered, refused by Discord (too late or invalid), or unanswered within 10 s.
# TYPE discord_interactions_total counter
discord_interactions_total{command="fine",outcome="answered",type="command"} 0
discord_interactions_total{command="fine",outcome="refused",type="command"} 0
discord_interactions_total{command="fine",outcome="unanswered",type="command"} 1
discord_interactions_total{command="other",outcome="answered",type="command"} 0
discord_interactions_total{command="other",outcome="refused",type="command"} 0
discord_interactions_total{command="other",outcome="unanswered",type="command"} 3
`
	err := testutil.CollectAndCompare(m, strings.NewReader(want), "discord_interactions_total")
	if err != nil {
		t.Error(err)
	}
}
