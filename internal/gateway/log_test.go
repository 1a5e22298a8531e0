package gateway_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/testkit"
)

// lines returns level and message of what was logged.
func linesOf(t *testing.T, log *testkit.Log) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(log.String()) {
		var l struct{ Level, Msg, After string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if after, err := time.ParseDuration(l.After); l.After != "" && (err != nil || after < 0) {
			t.Errorf("%q is no duration with a unit", l.After)
		}
		lines = append(lines, l.Level+" "+l.Msg)
	}
	return lines
}

// Ten minutes without a network are one line, and the recovery is one.
func TestOneLinePerLoss(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		var log testkit.Log
		r := start(t, f, func(c *gateway.Config) { c.Logger = log.JSON() })
		p := r.identify("a")
		f.refuse("", errors.New("network is down"))
		p.reset()
		time.Sleep(10 * time.Minute)
		f.refuse("", nil)
		p = r.resume("a", 1)
		p.dispatch(2, "RESUMED", "{}")
		r.wantEvents("RESUMED")
		p.send(`{"op":7,"d":null}`)
		p = r.resume("a", 2)
		p.dispatch(3, "RESUMED", "{}")
		r.wantEvents("RESUMED")
		r.wantState(gateway.Ready)
		want := []string{"INFO shard ready", "WARN gateway connection lost", "INFO shard resumed",
			"INFO gateway connection lost", "INFO shard resumed"}
		if got := linesOf(t, &log); !slices.Equal(got, want) {
			t.Errorf("the log says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if n := r.shard.Status().Losses; n != 2 {
			t.Errorf("%d losses, want 2", n)
		}
	})
}
