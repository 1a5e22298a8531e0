package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"
)

const everyone = `{"guild_id":"1","query":"","limit":0,"nonce":"n"}`

// What was written to a link that died is sent again once the session is resumed, in the order in
// which it was, if that does no harm; what Discord has acknowledged or answered is not.
func TestCommandsInFlight(t *testing.T) {
	type sent struct {
		op int
		d  string
	}
	presence, newer := sent{3, `{"status":"idle"}`}, sent{3, `{"status":"dnd"}`}
	members, voice, one := sent{8, everyone}, sent{4, `{"guild_id":"1"}`}, sent{8, `{"guild_id":"1","user_ids":["5"]}`}
	for name, tt := range map[string]struct {
		send   []sent
		amid   func(r *rig, p *peer) // before the loss
		after  []sent                // sent after it
		replay string                // the d of a GUILD_MEMBERS_CHUNK that is replayed
		want   []sent
	}{
		"at once":  {send: []sent{presence, members, voice, one}, want: []sent{presence, members, one}},
		"replaced": {send: []sent{presence}, after: []sent{newer}, want: []sent{newer}},
		"asked twice": {send: []sent{members}, after: []sent{members},
			want: []sent{members}},
		"acknowledged": {send: []sent{presence, members}, amid: func(*rig, *peer) { time.Sleep(2 * interval) }},
		"acknowledged, but not the last": {send: []sent{presence}, amid: func(r *rig, p *peer) {
			p.mute.Store(true)
			time.Sleep(interval) // the heartbeat behind it has no ACK
		}, want: []sent{presence}},
		"answered": {send: []sent{members}, amid: func(r *rig, p *peer) {
			p.dispatch(2, "GUILD_MEMBERS_CHUNK", `{"guild_id":"1","chunk_index":0,"nonce":"n"}`)
			r.wantEvents("GUILD_MEMBERS_CHUNK")
		}},
		"answered in the replay": {send: []sent{members, presence},
			replay: `{"guild_id":"1","chunk_index":0,"nonce":"n"}`, want: []sent{presence}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				r := start(t, f)
				p := r.identify("a")
				send := func(list []sent) {
					for _, c := range list {
						if err := r.shard.Send(c.op, []byte(c.d)); err != nil {
							t.Fatal(err)
						}
					}
				}
				send(tt.send)
				for _, c := range tt.send {
					p.expect(c.op)
				}
				if tt.amid != nil {
					tt.amid(r, p)
				}
				p.reset()
				p.ended()
				send(tt.after)
				p = r.accept()
				p.hello()
				p.expect(6)
				if tt.replay != "" {
					p.dispatch(2, "GUILD_MEMBERS_CHUNK", tt.replay)
				}
				p.dispatch(3, "RESUMED", `{}`)
				for _, want := range tt.want {
					if got := p.next(); got.Op != want.op || string(got.D) != want.d {
						t.Errorf("op %d with %s came again, want op %d with %s", got.Op, got.D, want.op, want.d)
					}
				}
				synctest.Wait()
				if len(p.in) > 0 {
					t.Errorf("and more: %+v", <-p.in)
				}
			})
		})
	}
}
