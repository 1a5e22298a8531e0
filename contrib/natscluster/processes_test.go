package natscluster_test

import (
	"flag"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

var long = flag.Bool("long", false,
	"also kill two processes at once, stop NATS and cut a process off from it")

// lease is how long a process that was killed keeps its shards.
const lease = 10 * time.Second

// TestProcesses has real processes killed, paused and cut off while numbered events come. No number
// may be missing, none may be handled twice beyond what was last saved, and at no time may two
// processes have a shard.
func TestProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.spread()
	p := w.processes
	w.gather(p[0])
	w.takeover("one was killed", func() { p[0].signal(syscall.SIGKILL) }, p[1], p[2])
	if *long {
		w.start()
		w.spread()
		w.takeover("two were killed", func() {
			p[1].signal(syscall.SIGKILL)
			p[2].signal(syscall.SIGKILL)
		}, w.processes[3])
		w.start()
		w.start()
		w.spread()
		w.away(30 * time.Second)
		w.spread()
		w.cutOff(w.processes[4])
		w.spread()
	}
	w.pause(w.processes[len(w.processes)-1])
	w.spread()
	w.check()
}

// gather asks all shards from one process.
func (w *world) gather(p *process) {
	w.t.Helper()
	fmt.Fprintln(p.stdin)
	answer, err := p.stdout.ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	median, rest, _ := strings.Cut(strings.TrimSpace(answer), " ")
	if want := fmt.Sprint(shardCount, " <nil>"); rest != want {
		w.t.Errorf("guilds of all shards: %s, want %s", rest, want)
	}
	w.t.Logf("Gather over %d shards in %d processes: median %s, aim 5ms",
		shardCount, len(w.except(nil)), median)
}

// takeover does something to processes, and waits until others have their shards.
func (w *world) takeover(what string, f func(), others ...*process) {
	w.t.Helper()
	start := time.Now()
	w.fault(func() {
		f()
		took := w.await(others...).Sub(start)
		w.t.Logf("%s: every shard again after %v, aim %v", what, took, lease+5*time.Second)
	})
}

// away stops NATS for some time.
func (w *world) away(d time.Duration) {
	w.t.Helper()
	w.fault(func() {
		w.nats.stop()
		back := time.NewTimer(d)
		<-back.C
		w.nats.start()
		start := time.Now()
		w.t.Logf("NATS was away for %v: every shard again after %v", d, w.await().Sub(start))
	})
}

// cutOff cuts a process off from NATS, but not from Discord.
func (w *world) cutOff(p *process) {
	w.t.Helper()
	w.takeover("one was cut off from NATS", func() { p.nats.setCut(true) }, w.except(p)...)
	p.nats.setCut(false)
}

// pause stops a process for longer than its lease.
func (w *world) pause(p *process) {
	w.t.Helper()
	w.setPaused(true)
	w.takeover("one was paused", func() { p.signal(syscall.SIGSTOP) }, w.except(p)...)
	w.setPaused(false)
	p.signal(syscall.SIGCONT)
}

func (w *world) setPaused(paused bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = paused
}

// spread waits until every process that runs has shards.
func (w *world) spread() {
	w.t.Helper()
	since := time.Now()
	shards := make(map[int]int) // by process
	if err := w.until(func() bool {
		clear(shards)
		for shard := range shardCount {
			if h := w.last(shard); h.at.After(since) {
				shards[h.process]++
			}
		}
		return len(shards) == len(w.except(nil))
	}); err != nil {
		w.t.Fatalf("not every process has shards: %v", shards)
	}
	w.t.Log("shards, by process:", shards)
}

// except returns the processes that run, but for one.
func (w *world) except(p *process) (others []*process) {
	for _, other := range w.processes {
		select {
		case <-other.exited:
		default:
			if other != p {
				others = append(others, other)
			}
		}
	}
	return others
}
