package profile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/profile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStats(t *testing.T) {
	ops := profile.NewOperations(10)
	op := ops.Get("work")
	op.Begin()
	op.Begin()
	op.Begin()
	op.End(2*time.Second, 100, false)
	op.Slow()
	op.End(time.Second, 50, true)
	got := ops.Snapshot()
	if len(got) != 1 {
		t.Fatalf("%d operations, want 1", len(got))
	}
	s := got[0]
	if s.Name != "work" || s.Running != 1 || s.Count != 2 || s.Errors != 1 || s.Slow != 1 ||
		s.Total != 3*time.Second || s.Max != 2*time.Second || s.AllocatedBytes != 150 {
		t.Errorf("%+v", s)
	}
	if s.P50 < time.Second || s.P50 > 1070*time.Millisecond || s.P99 != 2*time.Second {
		t.Errorf("p50 %v, p99 %v", s.P50, s.P99)
	}
}

// TestPercentiles compares with what sorting says, over durations from nanoseconds to days.
func TestPercentiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, limit := range []time.Duration{
		20, 1000, time.Millisecond, time.Second, time.Hour, 100 * time.Hour,
	} {
		op := profile.NewOperations(2).Get("x")
		all := make([]time.Duration, 1+r.IntN(2000))
		for i := range all {
			all[i] = time.Duration(r.Int64N(int64(limit)))
			op.Begin()
			op.End(all[i], 0, false)
		}
		slices.Sort(all)
		s := op.Stats()
		for percent, got := range map[int]time.Duration{50: s.P50, 95: s.P95, 99: s.P99} {
			exact := all[(len(all)*percent+99)/100-1]
			most := exact + exact/15 + time.Microsecond + 24
			if exact > time.Hour {
				most = s.Max
			}
			if got < exact || got > most {
				t.Errorf("p%d of %d durations below %v is %v, want %v to %v",
					percent, len(all), limit, got, exact, most)
			}
		}
		if s.Max != all[len(all)-1] || s.Running != 0 || s.Count != uint64(len(all)) {
			t.Errorf("%+v", s)
		}
	}
}

func TestNamesAreBounded(t *testing.T) {
	ops := profile.NewOperations(4)
	for i := range 1000 {
		op := ops.Get(fmt.Sprint("op", i))
		op.Begin()
		op.End(time.Second, 0, false)
	}
	var names []string
	var count uint64
	for _, s := range ops.Snapshot() {
		names = append(names, s.Name)
		count += s.Count
	}
	if want := []string{"op0", "op1", "op2", profile.Other}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if count != 1000 {
		t.Errorf("%d calls, want 1000", count)
	}
	if ops.Get("op1").Stats().Count != 1 {
		t.Error("a known name was lost")
	}
}

func TestEmptyOperation(t *testing.T) {
	if s := profile.NewOperations(2).Get("x").Stats(); s != (profile.Stats{Name: "x"}) {
		t.Errorf("%+v", s)
	}
}
