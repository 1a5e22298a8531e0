package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/botwright/botwright/discordtest"
)

const shards = 16

// A world is a NATS server, a fake Discord, and the processes of a bot.
type world struct {
	nats    *server.Server
	natsDir string
	discord *discordtest.Server
	reading sync.WaitGroup // of what the processes print

	mu        sync.Mutex
	processes []*process
	sent      [shards]int         // the last number, from 1 on
	handled   [shards]map[int]int // how often, by number
	owner     [shards]*process    // that handled the last number
	at        [shards]time.Time   // when that was
}

// A process is one of the bot's. Its fields are guarded by the world's mutex.
type process struct {
	cmd     *exec.Cmd
	version string
	state   string
	events  int
}

func newWorld() (*world, error) {
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		return nil, err
	}
	w := &world{natsDir: dir}
	for shard := range w.handled {
		w.handled[shard] = make(map[int]int)
	}
	w.nats, err = server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoSigs: true,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start NATS: %w", err), os.RemoveAll(dir))
	}
	w.nats.Start()
	w.discord, err = discordtest.New(discordtest.Config{
		Guilds: shards, Shards: shards, MaxConcurrency: shards,
	})
	if err != nil {
		w.nats.Shutdown()
		return nil, errors.Join(fmt.Errorf("start the fake Discord: %w", err), os.RemoveAll(dir))
	}
	if !w.nats.ReadyForConnections(10 * time.Second) {
		w.close()
		return nil, errors.New("the NATS server does not start")
	}
	return w, nil
}

func (w *world) close() {
	w.mu.Lock()
	for _, p := range w.processes {
		_ = p.cmd.Process.Kill()
	}
	w.mu.Unlock()
	w.reading.Wait()
	w.discord.Close()
	w.nats.Shutdown()
	w.nats.WaitForShutdown()
	_ = os.RemoveAll(w.natsDir)
}

// start starts a process of the bot.
func (w *world) start(version string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p := &process{cmd: exec.Command(self), version: version, state: "runs"}
	p.cmd.Env = append(os.Environ(), "NATS_URL="+w.nats.ClientURL(),
		"DISCORD_API_URL="+w.discord.URL, "DISCORD_TOKEN="+w.discord.Token)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	w.mu.Lock()
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	w.reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var shard, number int
			if _, err := fmt.Sscan(lines.Text(), &shard, &number); err == nil {
				w.note(p, shard, number)
			}
		}
		_ = p.cmd.Wait()
		w.mu.Lock()
		p.state = cmp.Or(map[string]string{"leaves": "left", "killed": "killed"}[p.state], "failed")
		w.mu.Unlock()
	})
	return nil
}

// note notes that a process has handled a number.
func (w *world) note(p *process, shard, number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handled[shard][number]++
	w.owner[shard], w.at[shard] = p, time.Now()
	p.events++
}

// end sends a process a signal. Its state says what is happening to it.
func (w *world) end(p *process, s syscall.Signal, state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.state = state
	_ = p.cmd.Process.Signal(s)
}

// oldest returns the process of a version that has run for longest, nil if there is none.
func (w *world) oldest(version string) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.processes, func(p *process) bool {
		return p.version == version && p.state == "runs"
	})
	if i < 0 {
		return nil
	}
	return w.processes[i]
}

// settled waits until all has been well for some time: every process has shards, and every shard
// handles events. It reports whether that was before ctx was done.
func (w *world) settled(ctx context.Context, d time.Duration) bool {
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for since := time.Now(); time.Since(since) < d; {
		select {
		case <-ticks.C:
			if !w.well() {
				since = time.Now()
			}
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (w *world) well() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	idle := make(map[*process]bool)
	for _, p := range w.processes {
		if p.state == "runs" {
			idle[p] = true
		}
	}
	for shard, p := range w.owner {
		if p == nil || p.state != "runs" || time.Since(w.at[shard]) > time.Second {
			return false
		}
		delete(idle, p)
	}
	return len(idle) == 0
}

// numbers sends numbered messages to each shard, as soon as all of them have a session.
func (w *world) numbers(ctx context.Context) {
	ready := func() bool {
		for shard := range shards {
			if w.discord.Conn(shard) == nil {
				return false
			}
		}
		return true
	}
	if w.discord.Wait(ctx, ready) != nil {
		return
	}
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			w.send()
		case <-ctx.Done():
			return
		}
	}
}

func (w *world) send() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for shard, guild := range w.discord.Guilds() {
		err := w.discord.DispatchShard(shard, "MESSAGE_CREATE", &discordgo.Message{
			ID: strconv.Itoa(w.sent[shard] + 1), ChannelID: strconv.Itoa(shard),
			GuildID: guild.ID, Author: &discordgo.User{ID: "1"},
		})
		if err == nil {
			w.sent[shard]++
		}
	}
}
