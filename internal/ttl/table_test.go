package ttl_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/botwright/botwright/internal/ttl"
)

// TestTableAgreesWithMap runs a table beside a map and a slice in order of use. Few hash values
// make long runs of collisions that wrap around the index.
func TestTableAgreesWithMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table ttl.Table
		values := map[int]int{}
		var order []int
		hashes := rapid.SampledFrom([]uint32{1, 3, 1 << 31, 1<<32 - 1}).Draw(t, "hash mask")
		hash := func(key int) uint32 { return (uint32(key) * 2654435761) & hashes }
		key := rapid.IntRange(0, 120)
		next := 0
		set := func(k int) {
			next++
			table.Set(hash(k), k, next)
			values[k] = next
			order = append(slices.DeleteFunc(order, func(o int) bool { return o == k }), k)
		}
		remove := func(k int) {
			table.Remove(hash(k), k)
			delete(values, k)
			order = slices.DeleteFunc(order, func(o int) bool { return o == k })
		}
		t.Repeat(map[string]func(*rapid.T){
			"set":    func(t *rapid.T) { set(key.Draw(t, "key")) },
			"remove": func(t *rapid.T) { remove(key.Draw(t, "key")) },
			"set many": func(t *rapid.T) {
				for k := range key.Draw(t, "to") {
					set(k)
				}
			},
			"remove many": func(t *rapid.T) {
				for k := range key.Draw(t, "to") {
					remove(k)
				}
			},
			"compact": func(*rapid.T) { table.Compact() },
			"": func(t *rapid.T) {
				if table.Len() != len(values) {
					t.Fatalf("Len = %d, want %d", table.Len(), len(values))
				}
				for k := range 121 {
					got, ok := table.Find(hash(k), k)
					want, held := values[k]
					if got != want || ok != held {
						t.Fatalf("Find(%d) = %d, %t, want %d, %t", k, got, ok, want, held)
					}
				}
				if got := table.Keys(); !slices.Equal(got, order) {
					t.Fatalf("order of use %v, want %v", got, order)
				}
			},
		})
	})
}
