package docs_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
)

// What the guides show and no other file has. The parts that New takes are tried; the others are
// compiled.
var snippets = []func(context.Context, string) error{
	statePolicy, cachedProfiles, watched, statusCommands, allMembers, ownCheck, presences,
}

func TestSnippets(t *testing.T) {
	t.Parallel()
	for _, snippet := range snippets[:4] {
		if err := snippet(t.Context(), "aaa.bbb.ccc"); err != nil {
			t.Error(err)
		}
	}
}

func statePolicy(_ context.Context, token string) error {
	policy := botwright.StateMinimal()
	policy.MembersPerGuild = 100
	policy.VoiceStates = true
	policy.KeepOverLimit = botwright.KeepFunc(botwright.KeepSelf).Or(botwright.KeepVoice, botwright.KeepOwners)
	policy.MessagesPerChannel = 50
	policy.MessageLifetime = 5 * time.Minute
	bot, err := botwright.New(token, botwright.WithState(policy))
	_ = bot
	return err
}

type Profile struct{ Name string }

func fetchProfile(_ context.Context, userID string) (Profile, error) { return Profile{userID}, nil }

func cachedProfiles(ctx context.Context, token string) error {
	const userID = "1"
	profiles := botwright.NewTTLCache(botwright.TTLCacheConfig[string, Profile]{TTL: 10 * time.Minute})
	bot, err := botwright.New(token, botwright.WithCache("profiles", profiles))
	if err != nil {
		return err
	}
	// One fetch, however many callers ask at once.
	p, err := profiles.Load(ctx, userID, func(ctx context.Context) (Profile, error) {
		return fetchProfile(ctx, userID)
	})
	if err == nil && p.Name != userID {
		err = fmt.Errorf("the cache has %v", p)
	}
	_ = bot
	return err
}

func watched(_ context.Context, token string) error {
	bot, err := botwright.New(token,
		botwright.WithHealth(botwright.HealthConfig{}), // checks, and alerts to the log and a webhook
		botwright.WithAdmin(botwright.AdminConfig{}))   // http://127.0.0.1:9180/
	_ = bot
	return err
}

func statusCommands(_ context.Context, token string) error {
	bot, err := botwright.New(token, botwright.WithCommands(botwright.StatusCommands()...))
	if err != nil {
		return err
	}
	bot.HandleStatusCommands() // add a middleware to restrict who may ask
	return nil
}

func allMembers(ctx context.Context, token string) error {
	const guildID = "1"
	bot, err := botwright.New(token)
	if err != nil {
		return err
	}
	greet := func(*discordgo.Member) {}
	for m, err := range bot.Members(ctx, guildID) {
		if err != nil {
			return err
		}
		greet(m)
	}
	return nil
}

func ownCheck(_ context.Context, token string) error {
	bot, err := botwright.New(token, botwright.WithHealth(botwright.HealthConfig{}))
	if err != nil {
		return err
	}
	db := new(sql.DB)
	bot.Health().Register("database", func(ctx context.Context) (botwright.CheckResult, error) {
		return botwright.CheckResult{}, db.PingContext(ctx)
	}, botwright.CheckEvery(30*time.Second))
	return nil
}

func presences(ctx context.Context, token string) error {
	bot, err := botwright.New(token)
	if err != nil {
		return err
	}
	err = bot.EachShard(ctx, func(_ context.Context, s botwright.ShardSession) error {
		return s.UpdateGameStatus(0, fmt.Sprintf("shard %d of %d", s.ID, s.Count))
	})
	return err
}
