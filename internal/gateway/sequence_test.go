package gateway_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/botwright/botwright/internal/gateway"
)

// A sequence knows of the numbers near the highest exactly which have come.
func TestSequence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s gateway.Sequence
		start := rapid.Int64Range(0, 1000).Draw(t, "start")
		s.StartAt(start)
		come, high := map[int64]bool{}, start
		for range rapid.IntRange(1, 500).Draw(t, "n") {
			n := high + rapid.Int64Range(-300, 3).Draw(t, "step")
			if rapid.IntRange(0, 50).Draw(t, "jump") == 0 {
				n = high + rapid.Int64Range(1, 2000).Draw(t, "far")
			}
			if n < 0 {
				continue
			}
			want := n <= start || n <= high-gateway.Lookback || come[n]
			if s.Has(n) != want {
				t.Fatalf("has(%d) = %t behind %d", n, !want, high)
			}
			if want {
				continue
			}
			s.Add(n)
			come[n], high = true, max(high, n)
			low := max(start, high-gateway.Lookback)
			for low < high && come[low+1] {
				low++
			}
			if s.Low() != low {
				t.Fatalf("low %d, want %d, after %d", s.Low(), low, n)
			}
		}
	})
}

// Numbers that come late are taken, and a RESUME asks for those that are still missing.
func TestLateNumbers(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		for _, seq := range []int{2, 4, 3, 3, 4, 5, 7, 8} {
			p.dispatch(seq, "MESSAGE_CREATE", `{}`)
		}
		var got []int64
		for range 6 {
			got = append(got, r.event().Seq)
		}
		if want := []int64{2, 4, 3, 5, 7, 8}; !slices.Equal(got, want) {
			t.Errorf("took %v, want %v", got, want)
		}
		r.noEvents()
		if st := r.shard.Status(); st.Duplicates != 2 || st.Sequence != 8 {
			t.Errorf("status %+v", st)
		}
		p.reset()
		p = r.resume("a", 5)
		for seq := 6; seq <= 8; seq++ {
			p.dispatch(seq, "MESSAGE_CREATE", `{}`)
		}
		p.dispatch(9, "RESUMED", `{}`)
		if e := r.event(); e.Seq != 6 || !e.Replayed {
			t.Errorf("got %+v, want 6", e)
		}
		r.wantEvents("RESUMED")
		p.reset()
		r.resume("a", 9)
	})
}

// A server that counts from 0 is served like any other.
func TestReadyWithSequenceZero(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.accept()
		p.hello()
		p.expect(2)
		p.dispatch(0, "READY", `{"session_id":"a","guilds":[]}`)
		p.dispatch(1, "MESSAGE_CREATE", `{}`)
		r.wantEvents("READY", "MESSAGE_CREATE")
		p.reset()
		r.resume("a", 1)
	})
}
