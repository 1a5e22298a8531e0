package botwright_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/leftover"
)

// A fault is a row of docs/faults.md: something that goes wrong between Discord and a whole bot.
type fault struct {
	id     string
	inject string        // what goes wrong
	must   string        // what the bot does
	bound  time.Duration // how soon an event is handled again

	cfg     discordtest.Config
	opts    []botwright.Option
	prepare func(r *rig) // before the bot is opened
	opening func(r *rig) // while it is being opened
	run     func(r *rig) // while it runs; without it the opening is what is tested
	check   func(r *rig) // after it has stopped

	proc func(t *testing.T) // in place of all that: a row with processes of its own

	identifies int  // how many the bot must send; 0 stands for 1, -1 for none
	fatal      int  // the close code with which Run must end
	stops      bool // the bot is told to stop during the fault
}

// heartbeat makes a dead link show within seconds. A shorter interval would make a busy machine
// look like one.
const heartbeat = 3 * time.Second

// again is how soon a bot is back that has not lost its session: the wait before a RESUME is up to
// a second. What is above that is for slow machines.
const (
	again      = 10 * time.Second
	identified = 30 * time.Second // and if it has: 5.5 s between IDENTIFYs, and up to 5 s after op 9
)

func faults() []fault {
	return slices.Concat(connectionFaults(), closeFaults(), payloadFaults(), handlerFaults(),
		sessionFaults(), vectorFaults(), serverFaults(), restartFaults())
}

// TestFaults puts a bot through everything that is known to go wrong. Whatever it is: events flow
// again within the bound, none that Discord sends again is lost or handled twice, those of a
// channel stay in order, and no more IDENTIFYs are spent than it takes.
func TestFaults(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	t.Run("all", func(t *testing.T) {
		for _, f := range faults() {
			t.Run(f.id, func(t *testing.T) {
				t.Parallel()
				f.test(t)
			})
		}
	})
	leftover.AwaitSessions()
	goleak.VerifyNone(t, leaks)
}

func (f fault) test(t *testing.T) {
	if f.proc != nil {
		f.proc(t)
		return
	}
	r := newRig(t, f.cfg, f.opts...)
	shards := max(f.cfg.Shards, 1)
	if f.prepare != nil {
		f.prepare(r)
	}
	start := time.Now()
	stop := r.run()
	if f.opening != nil {
		f.opening(r)
	}
	if f.run != nil {
		r.awaitConnected(shards)
		r.say(10)
		r.awaitHeard()
		start = time.Now()
		f.run(r)
	}
	switch {
	case f.fatal != 0:
		f.checkFatal(r)
		return
	case !f.stops:
		r.awaitConnected(shards)
		r.say(2 * len(r.channels))
		r.awaitHeard()
		if took := time.Since(start); took > f.bound {
			t.Errorf("events came again after %v, want within %v", took, f.bound)
		}
		r.say(10)
		r.awaitHeard()
	}
	stop()
	if err := receive(t, r.ran); err != nil {
		t.Errorf("Run: %v", err)
	}
	r.awaitOffline()
	r.checkHeard()
	f.checkIdentifies(r)
	if f.check != nil {
		f.check(r)
	}
}

func (f fault) checkIdentifies(r *rig) {
	want := f.identifies
	switch want {
	case 0:
		want = 1
	case -1:
		want = 0
	}
	if n := len(commands(r.srv, 2)); n != want {
		r.t.Errorf("%d identifies, want %d", n, want)
	}
}

func (f fault) checkFatal(r *rig) {
	err := receive(r.t, r.ran)
	var fatal *botwright.ShardError
	if !errors.As(err, &fatal) || fatal.Code != f.fatal {
		r.t.Errorf("Run: %v, want close code %d", err, f.fatal)
	}
	if n := len(r.srv.AllConnections()); n != 1 {
		r.t.Errorf("%d connections, want 1", n)
	}
	f.checkIdentifies(r)
}

// TestFaultTable holds docs/faults.md to the table.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	var doc bytes.Buffer
	doc.WriteString(faultsHead)
	seen := make(map[string]bool)
	for _, f := range faults() {
		if seen[f.id] {
			t.Errorf("%s is there twice", f.id)
		}
		seen[f.id] = true
		identifies, bound := max(f.identifies, 1), fmt.Sprintf("%.0f s", f.bound.Seconds())
		if f.identifies == -1 {
			identifies = 0
		}
		if f.bound == 0 {
			bound = "–"
		}
		fmt.Fprintf(&doc, "| %s | %s | %s | %d | %s |\n", f.id, f.inject, f.must, identifies, bound)
	}
	doc.WriteString(restFaultsHead)
	for _, f := range restFaults() {
		fmt.Fprintf(&doc, "| %s | %s | %s |\n", f.id, f.inject, f.must)
	}
	doc.WriteString(restFaultsEnd)
	path := filepath.Join("docs", "faults.md")
	if *update {
		if err := os.WriteFile(path, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(doc.Bytes(), want) {
		t.Errorf("%s is out of date: run go test -run TestFaultTable -update", path)
	}
}

const faultsHead = `# What can go wrong, and what happens then

<!-- Written by go test -run TestFaultTable -update. -->

TestFaults runs a whole bot in a fake Discord through every row. Users write numbered messages before, during and after
the fault. A row passes only if

- a new event is handled within the bound, counted from the fault, or from Run if the fault prevents the start,
- every message that Discord sends, or sends again, is handled once, in the order of its channel,
- the bot sends exactly as many IDENTIFYs as the row says, including the first one,
- Run returns nil when the bot is stopped, unless the row says otherwise, and leaves no goroutine and no connection.

Bounds are for slow machines. They include back-off, the 5.5 s between IDENTIFYs and the heartbeat interval (3 s here, 41 s at Discord).

| | what goes wrong | what the bot does | IDENTIFYs | bound |
|---|---|---|---|---|
`
