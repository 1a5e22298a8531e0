// Package statuscmd answers slash commands about how a bot's shards are. The answers are seen by who
// asks alone.
package statuscmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/gateway"
)

// Commands answers /ping and /shards. Its methods are handlers, and may be called from any goroutine.
type Commands struct {
	Shards func() []gateway.Status // of this process
}

// Definitions returns the commands as Discord registers them.
func Definitions() []*discordgo.ApplicationCommand {
	return []*discordgo.ApplicationCommand{
		{Name: "ping", Description: "How fast the bot answers, and which shard this server is on"},
		{Name: "shards", Description: "How the bot's shards are"},
	}
}

// Button begins the custom ids of the buttons below the list of shards; the page follows.
const Button = "botwright:shards:"

// Ping answers /ping.
func (c Commands) Ping(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	begun := time.Now()
	err := s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{
			Content: "Measuring …", Flags: discordgo.MessageFlagsEphemeral},
	}, discordgo.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("answer /ping: %w", err)
	}
	call := time.Since(begun)
	answer, err := s.InteractionResponse(i.Interaction, discordgo.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("read the answer to /ping: %w", err)
	}
	text := c.pong(s, call, between(i.ID, answer.ID))
	_, err = s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text},
		discordgo.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("fill in the answer to /ping: %w", err)
	}
	return nil
}

func (c Commands) pong(s *discordgo.Session, call, roundTrip time.Duration) string {
	heartbeat := "not known yet"
	for _, st := range c.Shards() {
		if st.ShardID == s.ShardID && st.Latency > 0 {
			heartbeat = milliseconds(st.Latency)
		}
	}
	return fmt.Sprintf("**Pong** from shard %d of %d\nHeartbeat %s · round trip %s · API call %s",
		s.ShardID, s.ShardCount, heartbeat, milliseconds(roundTrip), milliseconds(call))
}

// between is the time from the making of one id to that of another, by Discord's clock alone.
func between(from, to string) time.Duration {
	a, errA := discordgo.SnowflakeTimestamp(from)
	z, errZ := discordgo.SnowflakeTimestamp(to)
	if errA != nil || errZ != nil {
		return 0
	}
	return max(z.Sub(a), 0)
}

// List answers /shards.
func (c Commands) List(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	own := slices.IndexFunc(c.Shards(), func(st gateway.Status) bool { return st.ShardID == s.ShardID })
	err := s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: c.page(s.ShardID, own/shardsPerPage),
	}, discordgo.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("answer /shards: %w", err)
	}
	return nil
}

// TurnPage answers a button of List.
func (c Commands) TurnPage(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
	id := i.MessageComponentData().CustomID
	page, err := strconv.Atoi(strings.TrimPrefix(id, Button))
	if err != nil {
		return fmt.Errorf("turn the page of /shards: unknown button %q", id)
	}
	err = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseUpdateMessage,
		Data: c.page(s.ShardID, page),
	}, discordgo.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("turn the page of /shards: %w", err)
	}
	return nil
}

// shardsPerPage keeps a page well below the 2000 characters of a message.
const shardsPerPage = 20

// page is one page of the list. The shard that is asked on is marked.
func (c Commands) page(own, page int) *discordgo.InteractionResponseData {
	all := c.Shards()
	pages := max((len(all)+shardsPerPage-1)/shardsPerPage, 1)
	page = min(max(page, 0), pages-1)
	data := &discordgo.InteractionResponseData{
		Content: table(all, own, page), Flags: discordgo.MessageFlagsEphemeral}
	if pages > 1 {
		button := func(label string, to int) discordgo.Button {
			return discordgo.Button{Label: label, Style: discordgo.SecondaryButton,
				CustomID: Button + strconv.Itoa(to), Disabled: to < 0 || to >= pages}
		}
		data.Components = []discordgo.MessageComponent{discordgo.ActionsRow{
			Components: []discordgo.MessageComponent{button("◀", page-1), button("▶", page+1)}}}
	}
	return data
}

func table(all []gateway.Status, own, page int) string {
	var text strings.Builder
	text.WriteString("```\n  shard  status        ping  servers  for\n")
	ready, guilds := 0, 0
	for i, st := range all {
		guilds += st.Guilds
		if st.State == gateway.Ready {
			ready++
		}
		if i/shardsPerPage != page {
			continue
		}
		mark := " "
		if st.ShardID == own {
			mark = ">"
		}
		fmt.Fprintf(&text, "%s %5d  %-11s  %5s  %7d  %s\n", mark, st.ShardID, st.State,
			milliseconds(st.AverageLatency), st.Guilds, age(time.Since(st.Since)))
	}
	fmt.Fprintf(&text, "  %d of %d ready, %d servers\n```", ready, len(all), guilds)
	return text.String()
}

func milliseconds(d time.Duration) string {
	if d <= 0 {
		return "–"
	}
	return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
}

// age is a duration in its two largest units.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}
