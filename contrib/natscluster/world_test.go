package natscluster_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

const (
	shardCount = 16
	// saveEvery is how often a bot saves how far each shard has come.
	saveEvery = 5 * time.Second
)

// A world is a fake Discord with numbered events, a NATS server, and the processes of a bot.
type world struct {
	t         *testing.T
	discord   *discordtest.Server
	nats      *natsServer
	dir       string
	processes []*process
	faults    []fault
	handled   [shardCount]map[int][]handling // by number
	stop      func()                         // ends the numbers

	mu      sync.Mutex
	sent    [shardCount]int // the last number, from 1 on
	paused  bool            // some process is: its connections stay though it has no shards any more
	doubles []string        // shards that were taken from an owner
}

// A handling is one call of a bot's handler.
type handling struct {
	process int
	at      time.Time
}

// A fault is when something was done to a process or NATS, and when that was over.
type fault struct{ from, to time.Time }

// A process is one of the bot's. Its way to NATS can be cut.
type process struct {
	cmd    *exec.Cmd
	nats   *proxy
	log    string
	read   int64 // of the log
	stdin  io.Writer
	stdout *bufio.Reader
	stderr bytes.Buffer
	exited chan struct{}
}

func newWorld(t *testing.T, processes int) *world {
	t.Helper()
	srv, err := discordtest.New(discordtest.Config{
		Guilds: shardCount, Shards: shardCount, MaxConcurrency: shardCount,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	w := &world{t: t, discord: srv, nats: newServer(t), dir: t.TempDir()}
	for shard := range w.handled {
		w.handled[shard] = make(map[int][]handling)
	}
	t.Cleanup(srv.OnFrame(w.taken))
	for range processes {
		w.start()
	}
	if err := srv.Wait(within(t), w.connected); err != nil {
		t.Fatal(err)
	}
	w.sends()
	return w
}

// taken notes when a shard is identified or resumed while another connection has it.
func (w *world) taken(c *discordtest.Conn, op int, d json.RawMessage) bool {
	var login struct {
		Shard     []int
		SessionID string `json:"session_id"`
	}
	if op != 2 && op != 6 || json.Unmarshal(d, &login) != nil {
		return false
	}
	for _, other := range w.discord.Connections() {
		same := other.SessionID() == login.SessionID ||
			op == 2 && len(login.Shard) == 2 && other.ShardID() == login.Shard[0]
		if other == c || other.SessionID() == "" || !same {
			continue
		}
		w.mu.Lock()
		if !w.paused {
			w.doubles = append(w.doubles, fmt.Sprintf("shard %d had connection %d when %d came",
				other.ShardID(), other.Number(), c.Number()))
		}
		w.mu.Unlock()
	}
	return false
}

// connected reports whether every shard has a session.
func (w *world) connected() bool {
	for shard := range shardCount {
		if w.discord.Conn(shard) == nil {
			return false
		}
	}
	return true
}

// sends sends numbers to all shards until the test ends.
func (w *world) sends() {
	ctx, stop := context.WithCancel(w.t.Context())
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.send()
			case <-ctx.Done():
				return
			}
		}
	})
	w.stop = func() {
		stop()
		sending.Wait()
	}
	w.t.Cleanup(w.stop)
}

// send sends the next number to each shard that has a session.
func (w *world) send() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for shard, guild := range w.discord.Guilds() {
		err := w.discord.DispatchShard(shard, "MESSAGE_CREATE", &discordgo.Message{
			ID: strconv.Itoa(w.sent[shard] + 1), ChannelID: strconv.Itoa(shard), GuildID: guild.ID,
			Author: &discordgo.User{ID: "1"},
		})
		if err == nil {
			w.sent[shard]++
		}
	}
}

// start starts a process.
func (w *world) start() *process {
	w.t.Helper()
	p := &process{
		cmd:    exec.CommandContext(context.WithoutCancel(w.t.Context()), os.Args[0]),
		nats:   newProxy(w.t, w.nats.srv.Addr().String()),
		log:    filepath.Join(w.dir, strconv.Itoa(len(w.processes))),
		exited: make(chan struct{}),
	}
	p.cmd.Env = append(os.Environ(), processEnv+"="+p.log, "NATS_URL="+p.nats.url(),
		"DISCORD_API_URL="+w.discord.URL, "DISCORD_TOKEN="+w.discord.Token)
	p.cmd.Stderr = &p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	// The parent's end of a pipe of its own, which Wait does not close before all has been read.
	stdout, theirs, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	defer theirs.Close()
	w.t.Cleanup(func() { stdout.Close() })
	p.stdin, p.stdout, p.cmd.Stdout = stdin, bufio.NewReader(stdout), theirs
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	w.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if w.t.Failed() {
			w.t.Logf("process %s:\n%s", filepath.Base(p.log), p.stderr.Bytes())
		}
	})
	w.processes = append(w.processes, p)
	return p
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// read reads what the processes have handled since it was last called.
func (w *world) read() {
	w.t.Helper()
	for i, p := range w.processes {
		log, err := os.ReadFile(p.log)
		if err != nil && !os.IsNotExist(err) {
			w.t.Fatal(err)
		}
		for p.read < int64(len(log)) {
			line, _, whole := bytes.Cut(log[p.read:], []byte("\n"))
			if !whole {
				break
			}
			p.read += int64(len(line)) + 1
			var shard, number int
			var at int64
			if _, err := fmt.Sscan(string(line), &shard, &number, &at); err != nil {
				w.t.Fatalf("%s: %v", line, err)
			}
			w.handled[shard][number] = append(w.handled[shard][number], handling{i, time.Unix(0, at)})
		}
	}
}

// await waits until every shard has handled a number, in one of the processes, that is sent from
// now on, and returns when that was.
func (w *world) await(by ...*process) time.Time {
	w.t.Helper()
	from := w.now()
	for i := range from {
		from[i]++
	}
	var last time.Time
	if err := w.until(func() (done bool) {
		last, done = w.reached(from, by)
		return done
	}); err != nil {
		w.t.Fatalf("shards do not go on: handled %v", w.counts())
	}
	return last
}

func (w *world) now() [shardCount]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

func (w *world) counts() (n [shardCount]int) {
	for shard := range n {
		n[shard] = len(w.handled[shard])
	}
	return n
}

// reached reports whether each shard has handled some number from one on, and when all had.
func (w *world) reached(from [shardCount]int, by []*process) (last time.Time, done bool) {
	sent := w.now()
	for shard := range from {
		var first time.Time
		for number := from[shard]; number <= sent[shard] && first.IsZero(); number++ {
			for _, h := range w.handled[shard][number] {
				if len(by) == 0 || slices.Contains(by, w.processes[h.process]) {
					first = h.at
				}
			}
		}
		if first.IsZero() {
			return time.Time{}, false
		}
		if first.After(last) {
			last = first
		}
	}
	return last, true
}

// check ends the numbers and waits until all of them were handled. None may have been handled
// twice, except those from shortly before a fault, which the process could not save, until it was
// over.
func (w *world) check() {
	w.t.Helper()
	w.stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.until(func() bool { return len(w.missing()) == 0 }); err != nil {
		w.t.Errorf("missing, by shard: %v", w.missing())
	}
	again := 0
	for shard, handled := range w.handled {
		var twice []int
		for number, calls := range handled {
			if len(calls) < 2 {
				continue
			}
			if again++; !w.excused(calls) {
				twice = append(twice, number)
			}
		}
		if len(twice) > 0 {
			w.t.Errorf("shard %d handled numbers twice: %v", shard, twice)
		}
	}
	w.t.Logf("%d numbers in %d shards, %d handled again after a fault", w.sent, shardCount, again)
	if n := len(w.discord.Identifies()); n != shardCount {
		w.t.Errorf("%d IDENTIFYs, want %d: the others resume", n, shardCount)
	}
	for _, double := range w.doubles {
		w.t.Error(double)
	}
}

// missing returns numbers that were not handled, by shard.
func (w *world) missing() map[int][]int {
	missing := make(map[int][]int)
	for shard, sent := range w.sent {
		for number := 1; number <= sent; number++ {
			if len(w.handled[shard][number]) == 0 {
				missing[shard] = append(missing[shard], number)
			}
		}
	}
	return missing
}

// last returns the last handling of a shard.
func (w *world) last(shard int) (last handling) {
	for number := w.now()[shard]; number > 0; number-- {
		for _, h := range w.handled[shard][number] {
			if h.at.After(last.at) {
				last = h
			}
		}
		if !last.at.IsZero() {
			return last
		}
	}
	return last
}

// until reads what was handled until cond is true.
func (w *world) until(cond func() bool) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		w.read()
		if cond() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// excused reports whether a number may have been handled twice.
func (w *world) excused(calls []handling) bool {
	for _, f := range w.faults {
		if calls[0].at.After(f.from.Add(-2*saveEvery)) && calls[0].at.Before(f.to.Add(saveEvery)) {
			return true
		}
	}
	return false
}

// fault notes one, for as long as f takes.
func (w *world) fault(f func()) {
	from := time.Now()
	f()
	w.faults = append(w.faults, fault{from, time.Now()})
}
