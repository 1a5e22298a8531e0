package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// members asks for all members of a guild.
func members(t *testing.T, r *rig, guild, nonce string) {
	t.Helper()
	d := fmt.Appendf(nil, `{"guild_id":%q,"query":"","limit":0,"nonce":%q}`, guild, nonce)
	if err := r.shard.Send(8, d); err != nil {
		t.Fatal(err)
	}
}

// nonces returns those of the next n requests, and when they came.
func nonces(p *peer, n int) (names []string, at []time.Duration) {
	for range n {
		m := p.next()
		var d struct {
			Nonce string `json:"nonce"`
		}
		_ = json.Unmarshal(m.D, &d)
		names = append(names, d.Nonce)
		at = append(at, m.at.Sub(p.since).Round(time.Second))
	}
	return names, at
}

func TestMembersOfOneGuildAreSpaced(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		for _, n := range []string{"x1", "x2", "y1", "x3", "z1", "y2"} {
			members(t, r, n[:1], n)
		}
		if err := r.shard.Send(8, []byte(`{"guild_id":"x","user_ids":["1"],"nonce":"ids"}`)); err != nil {
			t.Fatal(err)
		}
		if err := r.shard.Send(8, []byte(`{"guild_id":"x","query":"a","limit":5,"nonce":"q"}`)); err != nil {
			t.Fatal(err)
		}
		got, at := nonces(p, 8)
		if want := []string{"x1", "y1", "z1", "ids", "q", "x2", "y2", "x3"}; !slices.Equal(got, want) {
			t.Errorf("requests %v, want %v", got, want)
		}
		s := time.Second
		if want := []time.Duration{0, 0, 0, 0, 0, 30 * s, 30 * s, 60 * s}; !slices.Equal(at, want) {
			t.Errorf("requests at %v, want %v", at, want)
		}
	})
}

func TestMembersRateLimited(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		members(t, r, "1", "first")
		p.expect(8)
		p.dispatch(2, "RATE_LIMITED", `{"opcode":8,"retry_after":12.5,`+
			`"meta":{"guild_id":"1","nonce":"first"}}`)
		r.wantEvents("RATE_LIMITED")
		// Not ours, or not one of all members.
		p.dispatch(3, "RATE_LIMITED", `{"opcode":8,"retry_after":1,"meta":{"guild_id":"2"}}`)
		p.dispatch(4, "RATE_LIMITED", `{"opcode":3,"retry_after":1,"meta":{"guild_id":"1"}}`)
		r.wantEvents("RATE_LIMITED", "RATE_LIMITED")
		members(t, r, "1", "second")
		got, at := nonces(p, 2)
		if want := []string{"first", "second"}; !slices.Equal(got, want) {
			t.Errorf("requests %v, want %v", got, want)
		}
		if at[0] != 13*time.Second || at[1] != 43*time.Second { // 12.5 and 42.5, rounded
			t.Errorf("requests at %v, want 12.5 s and 42.5 s", at)
		}
		synctest.Wait()
		if len(p.in) != 0 {
			t.Errorf("%d more requests", len(p.in))
		}
	})
}

// What was refused on one connection is asked for again on the next.
func TestMembersRateLimitedThenResumed(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		members(t, r, "1", "first")
		p.expect(8)
		p.dispatch(2, "RATE_LIMITED", `{"opcode":8,"retry_after":20,`+
			`"meta":{"guild_id":"1","nonce":"first"}}`)
		p.reset()
		p = r.resume("a", 2)
		p.dispatch(3, "RESUMED", `{}`)
		if d := p.expect(8); d["nonce"] != "first" {
			t.Errorf("request %v", d)
		}
	})
}

// A request that could not be written need not wait on the next connection.
func TestMembersThatCouldNotBeAskedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		p.deaf.Store(true)
		if err := r.shard.Send(4, []byte(`{}`)); err != nil { // is still read
			t.Fatal(err)
		}
		members(t, r, "1", "first")
		p = r.resume("a", 1)
		p.dispatch(2, "RESUMED", `{}`)
		if _, at := nonces(p, 1); at[0] != 0 {
			t.Errorf("asked again after %v", at[0])
		}
	})
}
