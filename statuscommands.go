package botwright

import (
	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/statuscmd"
)

// StatusCommands returns two slash commands for [WithCommands]. [Bot.HandleStatusCommands] answers
// them:
//
//   - /ping says how long a heartbeat, an API call and the round trip take, and which shard the
//     server is on.
//   - /shards lists the shards of this process, twenty to a page.
func StatusCommands() []*discordgo.ApplicationCommand { return statuscmd.Definitions() }

// HandleStatusCommands adds handlers that answer the [StatusCommands]. Only the user who asks sees
// the answer. opts apply to the handlers: pass a middleware to restrict who may ask.
func (b *Bot) HandleStatusCommands(opts ...HandlerOption) {
	c := statuscmd.Commands{Shards: b.gatewayStatuses}
	with := func(own Middleware) []HandlerOption { return append([]HandlerOption{own}, opts...) }
	On(b, c.Ping, with(Command("ping"))...)
	On(b, c.List, with(Command("shards"))...)
	On(b, c.TurnPage, with(Component(statuscmd.Button))...)
}
