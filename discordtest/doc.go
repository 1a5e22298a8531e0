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
// # What it implements
//
// The gateway speaks JSON, plain or with zlib-stream, zstd-stream or payload compression; it checks
// tokens, shards, intents, the identify window of every max_concurrency key and the session start
// budget; it numbers events per session, keeps them for replay and resumes. REST covers the routes
// that bots use, with Discord's error codes, per-route and global rate limits. Interactions have
// their deadlines.
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
// limits, interaction tokens) pass at once with [Server.Advance].
//
// # Concurrency
//
// Every exported method may be called from any goroutine, also from inside a hook. What a method
// returns is a copy: changing it does not change the server.
package discordtest
