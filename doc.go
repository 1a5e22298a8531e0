// Package botwright takes a Discord bot written on discordgo to production.
//
// A [Bot] owns the connections to Discord and gives each shard a discordgo session that stays
// open whatever happens to them. Handlers get discordgo's own structs, call discordgo's REST
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
// An event is decoded once, by the first handler that wants it, and not at all if nobody does.
// Events of one channel (messages, reactions, typing) or one guild (everything else) are handled
// one at a time and in the order in which Discord sent them; different channels and guilds in
// parallel. Interactions wait for nothing. What waits is bounded, see [QueueConfig]; beyond the
// bounds the bot stops reading and Discord keeps the events.
//
// The structs that handlers get are shared by all handlers of an event: read, do not write.
//
// # Interactions
//
// [Command], [Component], [Modal] and [Autocomplete] choose the handler; [DecodeOptions] and
// [DecodeModal] give it what the user entered, as a struct; [AutoDefer] keeps a slow
// one within Discord's 3 seconds without its having to know; [ReplyOnError] tells the user that it
// has failed. [WithCommands] registers commands, and [Bot.InteractionsHandler] takes interactions
// by HTTP.
//
// # Connections
//
// A lost connection is resumed and Discord sends the events that were missed. Only when it
// refuses does the shard identify anew, which is limited to about 1000 times a day: the bot
// spaces, counts and slows IDENTIFYs by itself. What cannot be mended by trying again, such as a
// wrong token, ends [Bot.Run] with an error that says what to do.
//
// # Sessions
//
// [Bot.Session] and the session that handlers get are discordgo sessions. Their REST methods, and
// UpdateGameStatus, UpdateStatusComplex, RequestGuildMembers and GatewayWriteStruct work as
// usual; what they send over the gateway is queued, kept within Discord's limits and sent when
// the shard is connected. Session.Open and Session.Close are not to be called. Handlers added
// with Session.AddHandler see the events named in [WithSessionEvents].
//
// Session.State is fed by the bot, within the [StatePolicy] of [WithState]: guilds, channels, roles
// and the bot's own member unless it says otherwise, which is what the permission helpers need.
//
// # Operations
//
// [WithMetrics] exports what a bot does to Prometheus, [Bot.Report] and [WithReportEvery] say it in
// some lines, [WithResources] watches the memory, and [WithProfiler] finds what is slow and captures
// what it was doing. Each costs nothing unless it is asked for.
//
// Two bots in one process share nothing.
package botwright
