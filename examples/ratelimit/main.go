// Ratelimit floods a fake Discord with messages and shows how the flood is kept within Discord's
// limits: 5 messages in 5 seconds for each channel, and 50 requests a second in all.
//
// It needs no token. With -raw it sends the same flood through discordgo alone, for comparison.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

func main() {
	messages := flag.Int("messages", 250, "how many messages to send")
	channels := flag.Int("channels", 50, "over how many channels")
	raw := flag.Bool("raw", false, "send through discordgo alone")
	runFor := flag.Duration("for", 0, "stop after this time; 0 runs until all are sent")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *runFor > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *runFor)
		defer cancel()
	}
	if err := run(ctx, *messages, *channels, *raw); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run sends the flood and shows how it goes until every message was answered.
func run(ctx context.Context, messages, channels int, raw bool) error {
	srv, err := discordtest.New(discordtest.Config{Guilds: 1, Channels: channels})
	if err != nil {
		return fmt.Errorf("start the fake Discord: %w", err)
	}
	defer srv.Close()
	session, waiting, err := newSession(srv, raw)
	if err != nil {
		return err
	}
	fmt.Printf("%d messages to %d channels of a fake Discord. Ctrl-C ends it.\n\n", messages, channels)
	v := &view{messages: messages, srv: srv, waiting: waiting, start: time.Now()}
	var all sync.WaitGroup
	for i := range messages {
		channel := srv.Guilds()[0].Channels[i%channels].ID
		all.Go(func() {
			_, err := session.ChannelMessageSend(channel, fmt.Sprintf("message %d", i),
				discordgo.WithContext(ctx))
			v.note(err)
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	v.show(done)
	return nil
}

// newSession returns a session that sends to the fake Discord, and what says how many of its
// requests wait.
func newSession(srv *discordtest.Server, raw bool) (*discordgo.Session, func() string, error) {
	if raw {
		session, err := discordgo.New("Bot " + srv.Token)
		if err != nil {
			return nil, nil, err
		}
		session.LogLevel = -1 // it would log every 429
		session.Client.Transport = toServer(srv.URL)
		return session, func() string { return "?" }, nil
	}
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL))
	if err != nil {
		return nil, nil, err
	}
	return bot.Session(), func() string { return fmt.Sprint(bot.Report().REST.Waiting) }, nil
}

// A view prints how the flood goes.
type view struct {
	messages         int
	srv              *discordtest.Server
	waiting          func() string
	start            time.Time
	answered, failed atomic.Int64
}

func (v *view) note(err error) {
	if err != nil {
		v.failed.Add(1)
	} else {
		v.answered.Add(1)
	}
}

// show prints a line each half second until done is closed, and then the sum.
func (v *view) show(done <-chan struct{}) {
	fmt.Println("  time  sent                       waiting   a second   answers 429")
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	last := int64(0)
	for {
		select {
		case <-done:
			fmt.Printf("\n%d sent, %d failed, %d answers 429, in %.1f s\n", v.answered.Load(),
				v.failed.Load(), v.limited(), time.Since(v.start).Seconds())
			return
		case <-tick.C:
		}
		sent := v.answered.Load()
		fmt.Printf("%5.1fs  %4d %-20s  %7s   %8d   %11d\n", time.Since(v.start).Seconds(), sent,
			bar(sent, v.messages), v.waiting(), 2*(sent-last), v.limited())
		last = sent
	}
}

// limited counts the answers with status 429.
func (v *view) limited() int {
	n := 0
	for _, r := range v.srv.Requests() {
		if r.Status == 429 {
			n++
		}
	}
	return n
}
