package alert_test

import (
	"testing"
	"time"

	"github.com/botwright/botwright/internal/alert"
	"github.com/botwright/botwright/internal/health"
)

func TestCombine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	notice := func(since time.Duration, shards ...int) health.Notice {
		down := health.Problem{Check: "gateway", Shards: shards, TotalShards: 3,
			Status: health.Unhealthy, Worst: health.Unhealthy, Message: "backoff", Since: at.Add(since)}
		budget := health.Problem{Check: "identify", Status: health.Degraded, Worst: health.Degraded,
			Message: "few left", Since: at}
		memory := health.Problem{Check: "memory", Status: health.Degraded, Worst: health.Degraded,
			Message: "90 %", Since: at}
		return health.Notice{Kind: health.Firing, Time: at.Add(since),
			Problems: []health.Problem{down, budget, memory}, Open: []health.Problem{down, budget, memory}}
	}
	var common []health.Notice
	for _, n := range []health.Notice{notice(0, 0, 4), notice(time.Second, 2, 5)} {
		shared, own := alert.Split(n, "identify")
		if len(own.Problems) != 1 || own.Problems[0].Check != "memory" || len(own.Open) != 3 {
			t.Errorf("its own: %v", own.Problems)
		}
		common = append(common, shared)
	}
	got := alert.Combine(common, 6)
	if got.Kind != health.Firing || !got.Time.Equal(at.Add(time.Second)) || len(got.Open) != 2 {
		t.Errorf("combined: %+v", got)
	}
	want := "gateway (4 of 6 shards: 0, 2, 4, 5) unhealthy: backoff; identify degraded: few left"
	if text := alert.Lines(got.Problems); text != want {
		t.Errorf("it says\n%s\nwant\n%s", text, want)
	}
	if !got.Problems[0].Since.Equal(at) {
		t.Errorf("since %v", got.Problems[0].Since)
	}
}
