// Cluster runs a bot in three processes and kills one of them.
//
// It starts a NATS server, a fake Discord that sends numbered messages to 16 shards, and three
// processes of the same bot, which share the shards. After some seconds one process is killed; the
// others take its shards and resume them, and the table shows that no number is lost. With -deploy
// each process is replaced by one of a new version instead, shard by shard and without an IDENTIFY.
//
//	go run . [-deploy]
//
// With NATS_URL and DISCORD_TOKEN it is one process of the bot alone; deploy/ has a compose file and
// a manifest for Kubernetes that run several. It is a module of its own because it needs a NATS
// server; run it in its folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until Ctrl-C")
	deploy := flag.Bool("deploy", false, "replace each process by a new version, and kill none")
	flag.Parse()
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	run := func(ctx context.Context) error { return demo(ctx, *deploy) }
	if os.Getenv("NATS_URL") != "" {
		signal.Ignore(os.Interrupt) // which a terminal sends to all processes
		ends, run = ends[1:], runBot
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// demo runs everything until ctx is done and returns an error if a number was lost.
func demo(ctx context.Context, deploy bool) error {
	w, err := newWorld()
	if err != nil {
		return err
	}
	defer w.close()
	fmt.Println("A NATS server, a fake Discord and three processes of a bot. Ctrl-C ends it.")
	for range 3 {
		if err := w.start("v1"); err != nil {
			return err
		}
	}
	script := kill
	if deploy {
		script = replace
	}
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() { w.numbers(ctx) })
	running.Go(func() {
		if err := script(ctx, w); err != nil {
			stop(err)
		}
	})
	newTable(os.Stdout).show(ctx, w.status)
	running.Wait()
	if err := context.Cause(ctx); !errors.Is(err, ctx.Err()) {
		return err
	}
	return w.summary()
}

// kill kills a process, and starts another one when the others have its shards.
func kill(ctx context.Context, w *world) error {
	if !w.settled(ctx, 5*time.Second) {
		return nil
	}
	w.end(w.oldest("v1"), syscall.SIGKILL, "killed")
	if !w.settled(ctx, 5*time.Second) {
		return nil
	}
	return w.start("v1")
}

// replace starts a process of the new version for each of the old one, which leaves when the new
// one has shards.
func replace(ctx context.Context, w *world) error {
	for w.settled(ctx, 3*time.Second) {
		old := w.oldest("v1")
		if old == nil {
			return nil
		}
		if err := w.start("v2"); err != nil || !w.settled(ctx, time.Second) {
			return err
		}
		w.end(old, syscall.SIGTERM, "leaves")
	}
	return nil
}
