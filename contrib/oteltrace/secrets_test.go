package oteltrace_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/oteltrace"
)

// TestSecrets has everything happen that has a token, an id or what a user wrote in it, and looks
// for those in all that there is of spans.
func TestSecrets(t *testing.T) {
	const words = "WORDSOFAUSER"
	tests := []struct {
		name  string
		cfg   oteltrace.Config
		ids   bool // are shown
		words bool // of an error are
	}{
		{name: "default"},
		{name: "texts of errors", cfg: oteltrace.Config{ErrorText: true}, words: true},
		{name: "ids", cfg: oteltrace.Config{Attributes: oteltrace.IDs}, ids: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hook := &discordgo.Webhook{}
			done := make(chan struct{})
			r := startWith(t, tt.cfg, func(b *botwright.Bot) {
				botwright.On(b, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
					defer close(done)
					with := discordgo.WithContext(ctx)
					failed := s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
						Type: discordgo.InteractionResponseDeferredChannelMessageWithSource}, with)
					_, err := s.WebhookExecute(hook.ID, hook.Token, true, &discordgo.WebhookParams{Content: words}, with)
					failed = errors.Join(failed, err)
					if failed != nil {
						t.Error(failed)
					}
					_, err = s.WebhookExecute(hook.ID, "GONE"+hook.Token, true, &discordgo.WebhookParams{Content: words}, with)
					return fmt.Errorf("%s at /webhooks/%s/%s: %w", words, hook.ID, hook.Token, err)
				})
			}, botwright.WithCommands(&discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}))
			made, err := r.Server.AddWebhook(r.ChannelID, words)
			if err != nil {
				t.Fatal(err)
			}
			*hook = *made
			ctx := t.Context()
			if err := r.Server.Wait(ctx, func() bool { return len(r.Server.RegisteredCommands("")) > 0 }); err != nil {
				t.Fatal(err)
			}
			in := r.Server.SlashCommand(r.GuildID, r.ChannelID, r.UserID, "ping")
			<-done
			all := r.wait("process INTERACTION_CREATE", 1)
			if r.Error() == nil {
				t.Error("no error")
			}
			shown := fmt.Sprintf("%+v", all)
			for name, secret := range map[string]string{
				"the bot": r.Server.Token, "a webhook": hook.Token, "an interaction": in.Token,
			} {
				if secret == "" || strings.Contains(shown, secret) {
					t.Errorf("the token of %s is shown: %q", name, secret)
				}
			}
			for name, id := range map[string]string{"guild": r.GuildID, "channel": r.ChannelID, "user": r.UserID} {
				if got := strings.Contains(shown, id); got != tt.ids {
					t.Errorf("the %s is shown: %v", name, got)
				}
			}
			if got := strings.Contains(shown, words); got != tt.words {
				t.Errorf("what the user wrote is shown: %v", got)
			}
			if got := attributes(one(t, all, "process INTERACTION_CREATE"))["discord.user.id"]; (got == r.UserID) != tt.ids {
				t.Errorf("user %q", got)
			}
		})
	}
}
