// Profile is a bot whose handlers are profiled: one is quick, one fails now and then, one is slow.
//
// It runs in a fake Discord, without a token. What is slow is captured into a directory; at the
// end it prints what the operations took, and how to look at a capture.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func main() {
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until Ctrl-C")
	dir := flag.String("captures", filepath.Join(os.TempDir(), "botwright-captures"),
		"directory for captures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	if err := run(ctx, *dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		return fmt.Errorf("start the fake Discord: %w", err)
	}
	defer srv.Close()
	bot, err := botwright.New(srv.Token,
		botwright.WithAPI(srv.URL),
		botwright.WithLogger(slog.New(slog.NewTextHandler(os.Stdout, nil))),
		botwright.WithIntents(discordgo.IntentsAll),
		botwright.WithErrorHandler(func(context.Context, *botwright.Event, error) {}),
		botwright.WithProfiler(botwright.ProfilerConfig{
			Slow: 250 * time.Millisecond, CaptureDir: dir, CPUProfile: 100 * time.Millisecond}),
	)
	if err != nil {
		return err
	}
	botwright.On(bot, countWords)
	botwright.On(bot, noteTyping)
	botwright.On(bot, func(
		ctx context.Context, _ *discordgo.Session, r *discordgo.MessageReactionAdd,
	) error {
		// An operation within a handler has statistics of its own.
		return bot.Profiler().Do(ctx, "database", queryDatabase)
	})
	talk := make(chan error)
	go func() { talk <- srv.Chat(ctx, discordtest.ChatConfig{Rate: 50}) }()
	err = errors.Join(bot.Run(ctx), <-talk)
	fmt.Println()
	printOperations(bot.Profiler())
	printCaptures(dir)
	return err
}

// countWords is quick.
func countWords(_ context.Context, _ *discordgo.Session, m *discordgo.MessageCreate) error {
	words := make(map[string]int)
	for _, w := range m.Content {
		words[string(w)]++
	}
	return nil
}

// noteTyping fails now and then.
func noteTyping(context.Context, *discordgo.Session, *discordgo.TypingStart) error {
	if rand.IntN(10) == 0 {
		return errors.New("nobody is typing")
	}
	return nil
}

// queryDatabase takes its time, and once in a while too much of it.
func queryDatabase(ctx context.Context) error {
	d := time.Duration(rand.IntN(20)) * time.Millisecond
	if rand.IntN(10) == 0 {
		d += 300 * time.Millisecond
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func printOperations(p *botwright.Profiler) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "calls\terrors\tslow\tp50\tp95\tp99\tmax\t  operation")
	for _, s := range p.Snapshot() {
		fmt.Fprintf(w, "%d\t%d\t%d\t%v\t%v\t%v\t%v\t  %s\n", s.Count, s.Errors, s.Slow,
			round(s.P50), round(s.P95), round(s.P99), round(s.Max), s.Name)
	}
	_ = w.Flush()
}

func round(d time.Duration) time.Duration { return d.Round(time.Microsecond) }

func printCaptures(dir string) {
	captures, err := filepath.Glob(filepath.Join(dir, "*Z"))
	if err != nil || len(captures) == 0 {
		fmt.Println("\nno captures")
		return
	}
	last := captures[len(captures)-1]
	fmt.Printf("\n%d captures in %s; of the last one:\n  less %s\n  go tool trace %s\n"+
		"  go tool pprof -http :8000 %s\n", len(captures), dir, filepath.Join(last, "goroutines.txt"),
		filepath.Join(last, "trace.out"), filepath.Join(last, "heap.pprof"))
}
