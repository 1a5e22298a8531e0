package gateway_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// A moment is a point in the life of a connection at which something is done to it.
type moment struct {
	name    string
	session bool // there is one to resume
	reach   func(r *rig) *peer
}

var moments = []moment{
	{"instead of HELLO", false, func(r *rig) *peer { return r.accept() }},
	{"before READY", false, func(r *rig) *peer {
		p := r.accept()
		p.hello()
		p.expect(2)
		return p
	}},
	{"after READY", true, func(r *rig) *peer { return r.identify("a") }},
	{"instead of HELLO of a resume", true, func(r *rig) *peer {
		r.identify("a").reset()
		return r.accept()
	}},
	{"before RESUMED", true, func(r *rig) *peer {
		r.identify("a").reset()
		return r.resume("a", 1)
	}},
	{"after RESUMED", true, func(r *rig) *peer {
		r.identify("a").reset()
		p := r.resume("a", 1)
		p.dispatch(2, "RESUMED", `{}`)
		r.wantEvents("RESUMED")
		return p
	}},
}

// at runs a test at each moment.
func at(t *testing.T, test func(t *testing.T, r *rig, m moment, p *peer)) {
	for _, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				r := start(t, f)
				test(t, r, m, m.reach(r))
			})
		})
	}
}

// wantNext checks that the next connection resumes session a, or else identifies.
func (r *rig) wantNext(resumed bool) *peer {
	r.t.Helper()
	p := r.accept()
	p.hello()
	if resumed {
		p.wantResume("a", int(r.shard.Status().Sequence))
		return p
	}
	p.expect(2)
	if p.host != "gateway.fake.test" {
		r.t.Errorf("identified at %s", p.host)
	}
	return p
}

func TestReconnectAskedFor(t *testing.T) {
	at(t, func(t *testing.T, r *rig, m moment, p *peer) {
		asked := time.Now()
		p.send(`{"t":null,"s":null,"op":7,"d":null}`)
		if code := p.ended(); code != 4000 {
			t.Errorf("closed with %d, want 4000", code)
		}
		p = r.wantNext(m.session)
		if d := p.since.Sub(asked); d > 2*time.Second {
			t.Errorf("back after %v", d)
		}
	})
}

func TestInvalidSession(t *testing.T) {
	for _, resumable := range []bool{true, false} {
		t.Run(fmt.Sprint(resumable), func(t *testing.T) {
			at(t, func(t *testing.T, r *rig, m moment, p *peer) {
				asked := time.Now()
				p.send(`{"t":null,"s":null,"op":9,"d":%v}`, resumable)
				if code := p.ended(); code != 4000 {
					t.Errorf("closed with %d, want 4000", code)
				}
				resumed := resumable && m.session
				if !resumed {
					r.kill("a")
				}
				p = r.wantNext(resumed)
				d := p.since.Sub(asked)
				if !resumed && (d < time.Second || d > 6*time.Second) {
					t.Errorf("back after %v, want 1 to 5 s", d)
				}
			})
		})
	}
}

// Whatever d is, op 9 without a plain true means the worst.
func TestInvalidSessionWithoutD(t *testing.T) {
	for _, frame := range []string{
		`{"op":9}`, `{"op":9,"d":null}`, `{"op":9,"d":"true"}`, `{"op":9,"d":1}`, `{"op":9,"d":{}}`,
	} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			r.identify("a").send("%s", frame)
			f.kill("a")
			r.wantNext(false)
		})
	}
}

func TestCloseCodes(t *testing.T) {
	const resume, identify, stop = "resume", "identify", "stop"
	for _, c := range []struct {
		code int // 0 is a reset
		want string
	}{
		{0, resume}, {1000, resume}, {1001, resume}, {1002, resume}, {1011, resume},
		{1012, resume}, {3000, resume}, {4000, resume}, {4001, identify}, {4002, resume},
		{4003, identify}, {4004, stop}, {4005, identify}, {4006, resume}, {4007, identify},
		{4008, resume}, {4009, identify}, {4010, stop}, {4011, stop}, {4012, stop},
		{4013, stop}, {4014, stop}, {4999, resume},
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			at(t, func(t *testing.T, r *rig, m moment, p *peer) {
				if c.code == 0 {
					p.reset()
				} else {
					p.close(c.code)
				}
				switch c.want {
				case stop:
					<-r.done
					wantCloseError(t, r, c.code)
				case identify:
					r.kill("a")
					r.wantNext(false)
				case resume:
					r.wantNext(m.session)
				}
				if got := r.shard.Status().Disconnects[c.code]; got == 0 {
					t.Errorf("disconnect not counted: %v", r.shard.Status().Disconnects)
				}
			})
		})
	}
}

func wantCloseError(t *testing.T, r *rig, code int) {
	t.Helper()
	var ce *gateway.CloseError
	if !errors.As(r.err, &ce) || ce.Code != code || ce.Reason != "why" {
		t.Errorf("Run returned %v, want a CloseError with %d", r.err, code)
	}
	st := r.shard.Status()
	if st.State != gateway.Fatal || !errors.As(st.Err, &ce) {
		t.Errorf("state %v with %v", st.State, st.Err)
	}
	dialled := len(r.dialled())
	time.Sleep(time.Hour)
	if got := len(r.dialled()); got != dialled {
		t.Errorf("%d connections after a fatal close", got-dialled)
	}
}

// A peer that says why it closes and does not listen any more is understood all the same.
func TestCloseThatCannotBeAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fake) {
		r := start(t, f)
		p := r.identify("a")
		p.deaf.Store(true)
		for range 2 { // the first one is still read; the second stands in the way of the answer
			if err := r.shard.Send(4, []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		p.close(4014)
		<-r.done
		wantCloseError(t, r, 4014)
	})
}

// A close frame without a code, or with one that no close frame may carry, keeps the session.
func TestOddCloseFrames(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "code 999": "\x03\xe7", "code 5000": "\x13\x88", "one byte": "\x0f",
		"reason is no UTF-8": "\x0f\xa0\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fake) {
				r := start(t, f)
				p := r.identify("a")
				p.bytes("\x88" + string(rune(len(body))) + body)
				r.resume("a", 1)
			})
		})
	}
}

// bytes sends bytes past the websocket.
func (p *peer) bytes(b string) {
	p.out <- func() error {
		_, err := p.ws.NetConn().Write([]byte(b))
		return err
	}
}

// Text behind a close, op 7 or op 9 is no event any more.
func TestNothingIsTakenAfterTheEnd(t *testing.T) {
	for _, end := range []func(p *peer){
		func(p *peer) { p.send(`{"op":7}`) },
		func(p *peer) { p.send(`{"op":9,"d":true}`) },
		func(p *peer) { p.close(4000) },
	} {
		inBubble(t, func(t *testing.T, f *fake) {
			r := start(t, f)
			p := r.identify("a")
			end(p)
			p.dispatch(2, "MESSAGE_CREATE", `{}`)
			r.resume("a", 1)
			r.noEvents()
		})
	}
}
