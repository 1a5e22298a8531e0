package alert_test

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/health"
)

func TestLog(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	since := time.Unix(0, 0).UTC()
	down := health.Problem{Check: "gateway", Status: health.Unhealthy, Shards: []int{3, 4, 5, 9}, TotalShards: 16,
		Message: "backoff", Since: since, Duration: 90 * time.Second}
	slow := health.Problem{Check: "rest", Status: health.Degraded, Flapping: true, Message: "slow", Since: since}
	alert.Log(t.Context(), log, health.Notice{Kind: health.Firing, Problems: []health.Problem{down, slow}})
	alert.Log(t.Context(), log, health.Notice{Kind: health.Resolved, Problems: []health.Problem{down}})
	want := `level=ERROR msg="health alert" kind=firing check=gateway status=unhealthy shards="3–5, 9" total_shards=16 message=backoff since=1970-01-01T00:00:00.000Z
level=WARN msg="health alert" kind=firing check=rest status=degraded flapping=true message=slow since=1970-01-01T00:00:00.000Z
level=INFO msg="health alert" kind=resolved check=gateway status=unhealthy shards="3–5, 9" total_shards=16 after=1m30s
`
	if got := out.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
