package gateway_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

func TestResumeGoesToTheResumeURLWithTheSameQuery(t *testing.T) {
	for _, c := range []gateway.Compression{gateway.Plain, gateway.Zlib, gateway.Zstd} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f, func(cfg *gateway.Config) { cfg.Compression = c })
			p := r.identify("a")
			first := p.query.Encode()
			p.send(`{"op":7,"d":null}`)
			if code := p.ended(); code != 4000 {
				t.Errorf("closed with %d, want 4000", code)
			}
			p = r.resume("a", 1)
			if p.host != "resume.fake.test" || p.query.Encode() != first {
				t.Errorf("resumed at %s?%s, want resume.fake.test?%s", p.host, p.query.Encode(), first)
			}
		})
	}
}

func TestResumeURLThatCannotBeDialled(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		f.refuse("resume.fake.test", errors.New("connection refused"))
		p.reset()
		p = r.resume("a", 1)
		if p.host != "gateway.fake.test" {
			t.Errorf("resumed at %s", p.host)
		}
		p.dispatch(2, "RESUMED", `{}`)
		r.wantEvents("RESUMED")
		want := []string{"gateway.fake.test", "resume.fake.test", "gateway.fake.test"}
		if got := r.dialled(); !slices.Equal(got, want) {
			t.Errorf("dialled %q, want %q", got, want)
		}
		if _, n := r.counts(); n != 1 {
			t.Errorf("%d IDENTIFYs, want 1", n)
		}
	})
}

func TestReadyWithoutAUsableResumeURL(t *testing.T) {
	for _, u := range []string{``, `http://resume.fake.test`, `::`, `wss:`} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			p := r.accept()
			p.hello()
			p.expect(2)
			p.dispatch(1, "READY", fmt.Sprintf(`{"session_id":"a","resume_gateway_url":%q}`, u))
			r.wantEvents("READY")
			p.send(`{"op":7}`)
			if p = r.resume("a", 1); p.host != "gateway.fake.test" {
				t.Errorf("resume URL %q: resumed at %s", u, p.host)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		for i := 2; i <= 5; i++ {
			p.dispatch(i, "MESSAGE_CREATE", `{}`)
		}
		p.reset()
		r.wantEvents("MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_CREATE")
		p = r.resume("a", 5)
		for i := 4; i <= 9; i++ { // 4 and 5 are known
			p.dispatch(i, "MESSAGE_CREATE", `{}`)
		}
		p.dispatch(10, "RESUMED", `{}`)
		p.dispatch(11, "MESSAGE_CREATE", `{}`)
		p.dispatch(11, "MESSAGE_CREATE", `{}`)
		p.dispatch(12, "MESSAGE_CREATE", `{}`)
		for i := 6; i <= 12; i++ {
			got, want := r.event(), event{"MESSAGE_CREATE", `{}`, int64(i), i < 10}
			if i == 10 {
				want.Type = "RESUMED"
			}
			if got != want {
				t.Errorf("event %+v, want %+v", got, want)
			}
		}
		r.noEvents()
		st := r.shard.Status()
		if st.Duplicates != 3 || st.Sequence != 12 || st.Resumes != 1 || st.Identifies != 1 {
			t.Errorf("status %+v", st)
		}
	})
}

func TestResumeFromConfig(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, func(c *gateway.Config) {
			c.Session = gateway.Session{
				ID: "old", Seq: 41, ResumeURL: resumeURL, Guilds: []string{"5", "x", "3"},
			}
		})
		p := r.resume("old", 41)
		if p.host != "resume.fake.test" {
			t.Errorf("resumed at %s", p.host)
		}
		if st := r.shard.Status(); st.Guilds != 2 {
			t.Errorf("%d guilds, want 2", st.Guilds)
		}
		p.dispatch(42, "RESUMED", `{}`)
		r.wantEvents("RESUMED")
		if got := r.shard.Resumable(); got.Seq != 42 || !slices.Equal(got.Guilds, []string{"3", "5"}) {
			t.Errorf("session %+v", got)
		}
	})
}

func TestSequenceWithoutASessionIsIgnored(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f, func(c *gateway.Config) { c.Session.Seq = 1000 })
		r.identify("a")
	})
}

func TestSessionKeepsReadyWithoutItsGuilds(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		r.identify("a", "10", "9")
		s := r.shard.Resumable()
		want := `{"guilds":[],"resume_gateway_url":"ws://resume.fake.test/","session_id":"a",` +
			`"user":{"id":"1"},"v":10}`
		if string(s.Ready) != want {
			t.Errorf("READY kept as %s, want %s", s.Ready, want)
		}
		if !slices.Equal(s.Guilds, []string{"9", "10"}) {
			t.Errorf("guilds %q", s.Guilds)
		}
	})
}

// A session whose RESUME never brings anything is given up.
func TestResumesThatComeToNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		r.identify("a").reset()
		for range 5 {
			r.resume("a", 1).reset()
		}
		f.kill("a")
		p := r.identify("b")
		if p.host != "gateway.fake.test" {
			t.Errorf("identified at %s", p.host)
		}
	})
}

// One that brings events is on its way, however often it breaks off.
func TestResumesThatBringSomething(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		r.identify("a").reset()
		for i := 1; i <= 20; i++ {
			p := r.resume("a", i)
			p.dispatch(i+1, "MESSAGE_CREATE", `{}`)
			p.reset()
			r.wantEvents("MESSAGE_CREATE")
		}
	})
}

func TestRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		r.shard.Restart()
		asked := time.Now()
		if code := p.ended(); code != 4000 {
			t.Errorf("closed with %d, want 4000", code)
		}
		p = r.resume("a", 1)
		if d := p.since.Sub(asked); d != 0 {
			t.Errorf("resumed after %v", d)
		}
		// In back-off it ends the wait.
		f.refuse("", errors.New("network is down"))
		p.reset()
		time.Sleep(10 * time.Minute)
		for r.shard.Status().State != gateway.Backoff {
			time.Sleep(time.Second)
		}
		f.refuse("", nil)
		r.shard.Restart()
		asked = time.Now()
		if p = r.resume("a", 1); p.since.Sub(asked) != 0 {
			t.Errorf("resumed after %v", p.since.Sub(asked))
		}
	})
}

// A process that goes on after a pause must not take the session of the shard's next owner.
func TestLoginNeedsTheShard(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		var owned atomic.Bool
		owned.Store(true)
		r := start(t, f, func(c *gateway.Config) { c.Owned = owned.Load })
		p := r.identify("a")
		owned.Store(false)
		p.reset()
		for range 3 {
			p = r.accept()
			p.hello()
			p.ended()
			select {
			case m := <-p.in:
				t.Errorf("the client sent op %d", m.Op)
			default:
			}
		}
		owned.Store(true)
		r.resume("a", 1)
	})
}
