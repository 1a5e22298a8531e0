package botwright_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// restartFaults are ends of the process, with a session store, and what happens to the store.
func restartFaults() []fault {
	disk := &fullDisk{saved: make(map[int]botwright.SavedSession)}
	return []fault{
		{
			id: "S1", inject: "kill -9 amid numbered messages, one of whose handlers runs all the time", bound: again,
			must: "the next process misses none, and handles twice none but those handled after the last save",
			proc: testKilledUnderTraffic,
		}, {
			id: "S2", inject: "SIGSTOP, messages and a TCP reset meanwhile, SIGCONT", bound: again,
			must: "resumes; handles every message once", proc: testStopped,
		}, {
			id: "S3", inject: "a deploy when Discord recommends 5 shards in place of 4, and then 3", bound: again, identifies: 4,
			must: "keeps the 4 sessions; handles every message once", proc: testRecommendationChanges,
		}, {
			id: "S4", inject: "the disk of the session store is full for a while", bound: again,
			must: "says so once, goes on, tries again every 5 s, says when it works again",
			opts: []botwright.Option{botwright.WithSessionStore(disk), botwright.WithSaveEvery(50 * time.Millisecond)},
			run: func(r *rig) {
				disk.full.Store(true)
				r.say(5)
				if err := waitFor[syscall.Errno](r.t, r.errs); !errors.Is(err, syscall.ENOSPC) {
					r.t.Error(err)
				}
				r.say(5)
				disk.await(r.t, 5)
				disk.full.Store(false)
				r.awaitLog("sessions are saved again", 1)
			},
			check: func(r *rig) {
				if n := len(r.errs.all()); n != 1 {
					r.t.Errorf("told %d errors: %v", n, r.errs.all())
				}
				if s := disk.saved[0]; s.Sequence == 0 {
					r.t.Error("nothing is saved")
				}
			},
		},
	}
}

// fullDisk is a store whose disk is full at times.
type fullDisk struct {
	full atomic.Bool

	mu     sync.Mutex
	saved  map[int]botwright.SavedSession
	failed int
}

func (d *fullDisk) LoadSessions(context.Context, []int) ([]botwright.SavedSession, error) {
	return nil, nil
}

func (d *fullDisk) SaveSessions(_ context.Context, sessions []botwright.SavedSession) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full.Load() {
		d.failed++
		return syscall.ENOSPC
	}
	for _, s := range sessions {
		d.saved[s.ShardID] = s
	}
	return nil
}

// await waits until as many attempts to save have failed.
func (d *fullDisk) await(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(testTime)
	for tick := time.Tick(10 * time.Millisecond); ; {
		d.mu.Lock()
		failed := d.failed
		d.mu.Unlock()
		if failed >= n {
			return
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("%d attempts to save", failed)
		}
	}
}

// testKilledUnderTraffic kills a bot that has a handler that runs for longer than several saves.
func testKilledUnderTraffic(t *testing.T) {
	srv := newServer(t, discordtest.Config{Guilds: 3})
	path := sessionFile(t)
	c := startChild(t, srv, path)
	await(t, srv, func() bool { return srv.Conn(0) != nil && srv.Conn(0).Sequence() > 0 })
	first := srv.Conn(0).Sequence() + 1 // of the messages: nothing else happens
	last, saved := 10, int64(0)
	tell(t, srv, 1, last) // the handler of 6 runs from now on
	var handled []int64
	heard := func(what string, seq int64) {
		if what == "handled" {
			handled = append(handled, seq)
		} else {
			saved = seq
		}
	}
	for saves := 0; saves < 3; {
		before := saved
		heard(c.read())
		if saved > before && saved >= first+9 {
			saves++
			tell(t, srv, last+1, last+30)
			last += 30
		}
	}
	c.kill(heard)
	await(t, srv, func() bool { return len(srv.Connections()) == 0 })
	tell(t, srv, last+1, last+20)
	last += 20
	next := newBot(t, srv, botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithSessionStore(botwright.FileSessionStore(path)))
	var mu sync.Mutex
	var again []int64
	done := make(chan bool, 1)
	next.Handle("MESSAGE_CREATE", func(_ context.Context, e *botwright.Event) error {
		mu.Lock()
		defer mu.Unlock()
		again = append(again, e.Sequence)
		if e.Sequence == first+int64(last)+3 { // RESUMED has a number, too
			done <- true
		}
		return nil
	})
	open(t, next)
	tell(t, srv, last+1, last+3)
	receive(t, done)
	shutdown(t, next)
	missing, twice := 0, 0
	for seq := first; seq < first+int64(last); seq++ {
		was, is := slices.Contains(handled, seq), slices.Contains(again, seq)
		if !was && !is {
			missing++
		}
		if was && is {
			twice++
			if seq <= saved {
				t.Errorf("event %d was handled twice, and had been saved as handled: up to %d", seq, saved)
			}
		}
	}
	t.Logf("of %d messages, %d were handled before the kill and %d after it: %d missing, %d twice",
		last, len(handled), len(again), missing, twice)
	if missing > 0 {
		t.Errorf("%d of %d messages are missing", missing, last)
	}
	if n, r := len(srv.Identifies()), srv.Resumes(); n != 1 || len(r) != 1 || !r[0].Accepted {
		t.Errorf("%d identifies and resumes %+v, want one of each", n, r)
	}
}

// testStopped stops the process of a bot and lets it go on.
func testStopped(t *testing.T) {
	srv := newServer(t, discordtest.Config{})
	c := startChild(t, srv, sessionFile(t))
	await(t, srv, func() bool { return srv.Conn(0) != nil && srv.Conn(0).Sequence() > 0 })
	handled := make(map[int64]int)
	hear := func(n int) {
		for len(handled) < n {
			if what, seq := c.read(); what == "handled" {
				handled[seq]++
			}
		}
	}
	tell(t, srv, 101, 110)
	hear(10)
	if err := signalStop(c.cmd.Process, true); err != nil {
		t.Fatal(err)
	}
	tell(t, srv, 111, 120)
	srv.Conn(0).Reset()
	await(t, srv, func() bool { return len(srv.Connections()) == 0 })
	tell(t, srv, 121, 130)
	if err := signalStop(c.cmd.Process, false); err != nil {
		t.Fatal(err)
	}
	hear(30)
	tell(t, srv, 131, 140)
	hear(40)
	for seq, n := range handled {
		if n > 1 {
			t.Errorf("event %d was handled %d times", seq, n)
		}
	}
	if n := len(srv.Identifies()); n != 1 {
		t.Errorf("%d identifies, want 1", n)
	}
	c.kill(func(string, int64) {})
}
