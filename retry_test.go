package botwright_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// TestRetryAfterAnswer has handlers fail after they have responded, or before.
func TestRetryAfterAnswer(t *testing.T) {
	t.Parallel()
	const message = discordgo.InteractionResponseChannelMessageWithSource
	tests := []struct {
		name    string
		respond discordgo.InteractionResponseType // before the failure; 0 for nothing
		defers  time.Duration                     // of AutoDefer; 0 for none
		calls   int32
	}{
		{"answered", message, 0, 1},
		{"deferred by the handler", discordgo.InteractionResponseDeferredChannelMessageWithSource, 0, 1},
		{"not answered", 0, 0, 2},
		{"deferred by AutoDefer", 0, time.Nanosecond, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, discordtest.Config{})
			failed := errors.New("the database is away")
			var calls atomic.Int32
			done := make(chan error, 1)
			ins := make(chan *discordtest.Interaction, 1)
			outermost := func(next botwright.Handler) botwright.Handler {
				return func(ctx context.Context, e *botwright.Event) error {
					done <- next(ctx, e)
					return nil
				}
			}
			opts := []botwright.HandlerOption{botwright.Middleware(outermost), botwright.Retry(2)}
			if tt.defers > 0 {
				opts = append(opts, botwright.AutoDefer(tt.defers))
			}
			botwright.On(s.bot, func(ctx context.Context, d *discordgo.Session, i *discordgo.InteractionCreate) error {
				if calls.Add(1) == 1 && tt.respond == 0 {
					if tt.defers > 0 {
						return errors.Join(failed, s.srv.Wait(ctx, (<-ins).Deferred))
					}
					return failed
				}
				kind := tt.respond
				if kind == 0 {
					kind = message
				}
				err := d.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
					Type: kind, Data: &discordgo.InteractionResponseData{Content: "saved"},
				}, discordgo.WithContext(ctx))
				if err == nil && tt.respond != 0 {
					err = failed
				}
				return err
			}, opts...)
			s.open(t)
			ins <- s.command(t, "save")
			err := receive(t, done)
			if want := tt.calls == 1; errors.Is(err, failed) != want || calls.Load() != tt.calls {
				t.Errorf("%d calls, %v; want %d", calls.Load(), err, tt.calls)
			}
			if errors.Is(err, botwright.ErrInteractionAnswered) {
				t.Error("it was answered twice")
			}
			s.quiet(t)
		})
	}
}
