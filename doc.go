// Package botwright takes a Discord bot written on discordgo to production.
//
// A [Bot] owns the connections to Discord. Each shard has a discordgo session that stays open while
// connections are lost and replaced. Handlers get discordgo's own structs, call discordgo's REST
// methods, and return errors:
//
//	ping := &discordgo.ApplicationCommand{Name: "ping", Description: "Answers pong"}
//	bot, err := botwright.New(os.Getenv("DISCORD_TOKEN"), botwright.WithCommands(ping))
//	if err != nil {
//		return err
//	}
//	botwright.On(bot, func(ctx context.Context, s *discordgo.Session, i *discordgo.InteractionCreate) error {
//		return s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
//			Type: discordgo.InteractionResponseChannelMessageWithSource,
//			Data: &discordgo.InteractionResponseData{Content: "pong"},
//		}, discordgo.WithContext(ctx))
//	}, botwright.Command("ping"))
//	return bot.Run(ctx)
//
// # Events
//
// An event is decoded once, however many handlers want it, and never if none does. Events of one
// channel (messages, reactions, typing) or one guild (everything else) are handled one at a time,
// in the order in which Discord sent them. Different channels and guilds are handled in parallel.
// Interactions wait for nothing. [QueueConfig] bounds what waits: beyond the bounds the bot stops
// reading, and Discord keeps the events.
//
// All handlers of an event share its struct: read it, do not write to it.
//
// # Interactions
//
// [WithCommands] registers commands. [Command], [Component], [Modal] and [Autocomplete] choose the
// handler. [DecodeOptions] and [DecodeModal] return what the user entered as a struct. [AutoDefer]
// defers the interaction when the handler takes longer than Discord's 3 seconds, and the handler
// need not know. [ReplyOnError] tells the user that the handler failed. [Bot.InteractionsHandler]
// receives interactions by HTTP.
//
// # Connections
//
// When a connection is lost, the bot resumes the session and Discord sends the events that were
// missed. Only if Discord refuses does the shard identify again. Discord allows that about 1000
// times a day, so the bot spaces, counts and slows down IDENTIFYs. If trying again cannot help, as
// with a wrong token, [Bot.Run] returns an error that says what to do.
//
// # Sessions
//
// [Bot.Session] and the session that handlers get are discordgo sessions. Their REST methods work
// as usual, and so do UpdateGameStatus, UpdateStatusComplex, RequestGuildMembers and
// GatewayWriteStruct. What these send over the gateway is queued, kept within Discord's limits and
// sent when the shard is connected. Do not call Session.Open or Session.Close. Handlers that you
// add with Session.AddHandler see only the events named in [WithSessionEvents].
//
// The bot fills Session.State within the [StatePolicy] of [WithState]. By default that is what the
// permission helpers need: guilds, channels, roles and the bot's own member.
//
// # Operations
//
// [WithHealth] checks the bot and sends alerts, [WithAdmin] serves probes and a status page, and
// [WithMetrics] exports metrics to Prometheus. [Bot.Report] and [WithReportEvery] summarize how the
// bot is doing in a few lines, [WithResources] watches memory and CPU, and [WithProfiler] captures
// what slow handlers were doing. Each costs nothing unless you ask for it.
//
// [WithCluster] runs one bot in several processes that share its shards. Two bots in one process
// share nothing.
package botwright
