// Package discordtest is a fake Discord for tests and demos: REST and gateway on loopback, in one
// call.
//
// A [Server] behaves like Discord by default and misbehaves on request. It holds a small world of
// guilds, channels, members and messages. Whatever changes that world (a person talking through
// [Server.Say], a bot calling REST) is dispatched as gateway events to the sessions whose shard and
// intents ask for it.
//
//	srv, err := discordtest.New(discordtest.Config{})
//	if err != nil {
//		t.Fatal(err)
//	}
//	defer srv.Close()
//	// point the bot at srv.URL with srv.Token, then:
//	guild := srv.Guilds()[0]
//	srv.Say(guild.Channels[0].ID, guild.Members[0].User.ID, "!ping")
//	err = srv.Wait(ctx, func() bool { return len(srv.Messages(guild.Channels[0].ID)) == 2 })
//
// # What it knows
//
// The gateway speaks JSON, plain or with zlib-stream, zstd-stream or payload compression; it checks
// tokens, shards, intents, the identify window of every max_concurrency key and the session start
// budget; it numbers events per session, keeps them for replay and resumes.
//
// REST has every route that discordgo has a method for, with Discord's error codes, per-route and
// global rate limits, and the events that follow: messages, reactions, pins, polls, threads, forums,
// channels, overwrites, guilds, members, bans, roles, prune, invites, emojis, stickers, webhooks,
// commands and their permissions, interactions, scheduled events, stages, AutoMod, the audit log,
// onboarding, templates, integrations, entitlements. Any other request is answered with 501 and
// "discordtest has no such route", logged, and recorded with an empty Route in [Server.Requests].
//
// People do what the methods of Server say: they talk, react, vote, run commands ([Server.SlashCommand],
// [Server.UserCommand], [Server.MessageCommand]), click ([Server.Component]) and fill in forms
// ([Server.Modal]). They may do everything that Discord lets anybody do; only the bot's permissions
// are checked. An option, a click or a form that Discord would not let them enter is an error.
//
// # What it refuses
//
//   - What the bot may not see (50001) or do (50013), by its roles, by the overwrites of a channel, in
//     a timeout, and by the hierarchy of roles. [Server.SetBotPermissions], [Server.SetPermissions]
//     and [Server.AddRole] change that; [Config.NoPermissions] turns it off. Events of channels that
//     the bot does not see do not reach it.
//   - Commands, options, components, embeds, polls, forms, names and numbers beyond Discord's limits:
//     50035 with the tree of fields and codes.
//   - Lists of members without the privileged intent ([Config.PrivilegedIntents]), messages of others
//     to be edited, bulk deletes of messages older than 14 days, and more than a guild can hold.
//   - Answers to an interaction that come too late, twice, or are of the wrong kind.
//   - Routes that are for people only (20001).
//
// # What it leaves out
//
// Voice and images; AutoMod rules are kept but not carried out; threads do not archive by themselves;
// nobody subscribes to scheduled events or buys anything; stickers and emojis have no pictures.
//
// # Memory
//
// A server can run for hours: the log of a session ([Config.ReplayLimit]), the messages of a channel
// ([Config.MessageLimit]), what is recorded ([Config.RecordLimit]), threads and audit logs are
// bounded, and a connection that has ended keeps only what its methods tell.
//
// # Faults
//
// Faults of one connection are methods of [Conn]: [Conn.Close], [Conn.Reset], [Conn.Reconnect],
// [Conn.InvalidSession], [Conn.HoldACKs], [Conn.PauseReads], [Conn.SendRaw] and more. Faults of the
// whole server are hooks: [Server.OnConnect], [Server.OnFrame] and [Server.OnDispatch] for the
// gateway and [Server.FailREST] for REST. A hook either observes or replaces the default behaviour.
//
// # Waiting
//
// [Server.Wait] is the one waiting primitive: it re-evaluates a condition after every change in the
// server, so that a test neither sleeps nor polls. Windows that would take minutes (resume, rate
// limits, interaction tokens) pass at once with [Server.Advance], and a bot's cooldowns with them if
// it takes its time from [Server.Now].
//
// # Concurrency
//
// Every exported method may be called from any goroutine, also from inside a hook. What a method
// returns is a copy: changing it does not change the server.
package discordtest
