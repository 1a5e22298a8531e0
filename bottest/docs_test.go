package bottest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/bottest"
	"github.com/botwright/botwright/discordtest"
)

// The tests in this file are those of docs/testing.md.

func TestSubcommand(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{}, newBot)
	m := bot.Command("config set", discordtest.Option("key", "value"))
	if m.Content != "set to value" {
		t.Errorf("/config set answers %q", m.Content)
	}
}

func TestMessage(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{}, newBot)
	if m := bot.Say("hello"); m.Content != "you said hello" {
		t.Errorf("the bot answers %q", m.Content)
	}
}

func TestButton(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{}, newBot)
	asked := bot.Command("config set", discordtest.Option("key", "value"))
	if m := bot.Click(asked, "yes"); m.Content != "clicked yes" {
		t.Errorf("the button answers %q", m.Content)
	}
}

func TestCooldown(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{}, newBot)
	bot.Command("rare")
	if m := bot.Command("rare"); m.Content != "too fast" {
		t.Errorf("the second time it answers %q", m.Content)
	}
	bot.Server.Advance(time.Hour)
	if m := bot.Command("rare"); m.Content != "done" {
		t.Errorf("an hour later it answers %q", m.Content)
	}
}

func TestError(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{}, newBot)
	bot.Server.SlashCommand(bot.GuildID, bot.ChannelID, bot.UserID, "broken")
	if err := bot.Error(); !errors.Is(err, errBroken) {
		t.Errorf("the bot reports %v", err)
	}
}

func TestOutage(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{}, newBot)
	restore := bot.Server.FailREST(func(r *http.Request) *discordtest.RESTFault {
		if strings.HasSuffix(r.URL.Path, "/messages") {
			return &discordtest.RESTFault{Status: http.StatusForbidden, Body: `{"code":50013,"message":"Missing Permissions"}`}
		}
		return nil
	})
	if _, err := bot.Server.Say(bot.ChannelID, bot.UserID, "hello"); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*discordgo.RESTError](bot.Error()); !ok {
		t.Error("the bot does not report that it could not answer")
	}
	restore()
	bot.Server.Conn(0).Reset() // the connection is lost, and resumed
	if m := bot.Say("again"); m.Content != "you said again" {
		t.Errorf("after the outage the bot answers %q", m.Content)
	}
}

func TestShards(t *testing.T) {
	bot := bottest.Start(t, discordtest.Config{Guilds: 8}, func(
		token string, opts ...botwright.Option) (*botwright.Bot, error) {
		return newBot(token, append(opts, botwright.WithShards(4))...)
	})
	for _, guild := range bot.Server.Guilds() {
		bot.GuildID, bot.ChannelID = guild.ID, guild.Channels[0].ID
		bot.UserID = guild.Members[0].User.ID
		bot.Command("config set", discordtest.Option("key", "value"))
	}
}
