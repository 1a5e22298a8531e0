package botwright

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/commands"
	"github.com/botwright/botwright/internal/frame"
)

// WithCommands registers the bot's global application commands. Several such options add up.
// Commands that Discord has and that are not among them are deleted; WithCommands() without
// commands deletes all.
//
// The process that has shard 0 registers them when that shard is first ready, in one request, and
// only if they differ from what Discord has. [New] refuses commands that Discord would refuse, by
// their names, lengths and numbers, and by the order and values of their options. Open does not
// wait for the registration. If it fails, the ErrorHandler is called, and the bot tries again until
// it succeeds or Discord refuses the commands. Do not change the commands afterwards.
//
// The Entry Point command that Discord makes for an application with an Activity stays as it is. If
// a command leaves Contexts, IntegrationTypes or DMPermission open, Discord's choice does not count
// as a difference. To go back from your own choice to Discord's, delete the command.
func WithCommands(cmds ...*discordgo.ApplicationCommand) Option {
	return func(c *config) { c.addCommands("WithCommands", "", cmds) }
}

// WithGuildCommands registers application commands for one guild only, in addition to the global
// ones. New ones are available at once, which is useful for trying them out. Otherwise it works
// like [WithCommands].
func WithGuildCommands(guildID string, cmds ...*discordgo.ApplicationCommand) Option {
	return func(c *config) {
		if _, ok := frame.ParseSnowflake(guildID); !ok {
			c.problem("WithGuildCommands", "%q is not a guild's id", guildID)
			return
		}
		c.addCommands("WithGuildCommands", guildID, cmds)
	}
}

func (c *config) addCommands(option, guildID string, cmds []*discordgo.ApplicationCommand) {
	if c.commands == nil {
		c.commands = make(map[string][]*discordgo.ApplicationCommand)
	}
	all := c.commands[guildID]
	for _, cmd := range cmds {
		if cmd == nil || cmd.Name == "" {
			c.problem(option, "a command is nil or has no name: leave it out or name it")
			continue
		}
		if _, err := json.Marshal(cmd); err != nil {
			c.problem(option, "command %q cannot be sent: %w", cmd.Name, err)
		}
		if slices.ContainsFunc(all, func(other *discordgo.ApplicationCommand) bool {
			return commands.KeyOf(other) == commands.KeyOf(cmd)
		}) {
			c.problem(option, "command %q is given twice", cmd.Name)
		}
		all = append(all, cmd)
	}
	c.commands[guildID] = all
}

// checkCommands finds what Discord would refuse, and all other commands with it.
func (c *config) checkCommands() {
	for _, guild := range slices.Sorted(maps.Keys(c.commands)) {
		option := "WithCommands"
		if guild != "" {
			option = "WithGuildCommands(" + guild + ")"
		}
		for _, err := range commands.Check(c.commands[guild]) {
			c.problem(option, "%w", err)
		}
	}
}

// registerCommands runs beside the shards until all commands are registered.
func registerCommands(ctx context.Context, b *Bot) {
	if len(b.cfg.shardIDs) > 0 && !slices.Contains(b.cfg.shardIDs, 0) {
		return // the process that has shard 0 does it
	}
	r := commands.Registrar{
		Request: func(ctx context.Context, method, url, bucket string, body any) ([]byte, error) {
			return b.session.RequestWithBucketID(method, url, body, bucket, discordgo.WithContext(ctx))
		},
		Report: func(err error) { b.reportAside(nil, err) },
		Logger: b.cfg.logger,
	}
	r.Register(ctx, b.applicationID(ctx), b.cfg.commands)
}

// applicationID returns the id that READY names, or "" if ctx ends before there is a READY.
func (b *Bot) applicationID(ctx context.Context) string {
	var id string
	_ = b.changes.Await(ctx, nil, func(bool) (bool, error) {
		if shards := b.ownShards(); len(shards) > 0 {
			ready := shards[0].gateway.Resumable().Ready
			v, _ := frame.Lookup(ready, "application", "id")
			found, _ := frame.String(v)
			id = string(found)
		}
		return id != "", nil
	})
	return id
}
