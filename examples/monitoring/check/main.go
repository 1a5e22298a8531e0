// Check runs the monitoring stack for a minute at most, with a real Prometheus and a bot in a fake
// Discord, and fails unless every panel of the dashboard has data and every alert can fire.
//
// An alert can fire if there are series for everything that its expression selects. What makes it
// fire is for prometheus/rules_test.yml to show.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	server := flag.String("prometheus", "prometheus", "Prometheus' program")
	bot := flag.String("bot", "", "the bot's program, built from examples/monitoring")
	dir := flag.String("dir", "examples/monitoring", "where compose.yaml is")
	limit := flag.Duration("limit", time.Minute, "how long it may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := check(ctx, *dir, *bot, *server); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check starts the stack and waits until there is nothing to complain of.
func check(ctx context.Context, dir, bot, server string) (err error) {
	questions, err := questionsOf(dir)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "monitoring")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	target, stopBot, err := startBot(ctx, bot)
	if err != nil {
		return err
	}
	defer stopBot()
	if err := configure(dir, work, target); err != nil {
		return err
	}
	flags, err := composeFlags(filepath.Join(dir, "compose.yaml"))
	if err != nil {
		return err
	}
	prom, stopServer, err := startPrometheus(ctx, server, work, flags)
	if err != nil {
		return err
	}
	defer stopServer()

	began := time.Now()
	for {
		problems := prom.problems(ctx, questions)
		if len(problems) == 0 {
			fmt.Printf("%d queries have data after %.0f s\n", len(questions), time.Since(began).Seconds())
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("after %.0f s:\n%s", time.Since(began).Seconds(),
				strings.Join(problems, "\n"))
		}
	}
}
