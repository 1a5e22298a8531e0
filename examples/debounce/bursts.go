package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/botwright/botwright/discordtest"
)

// makeBursts lets one thing after the other happen until ctx is done: somebody edits a member
// several times, or several people write into one channel.
func makeBursts(ctx context.Context, srv *discordtest.Server) {
	for edits := true; ; edits = !edits {
		guild := pick(srv.Guilds())
		channel, member := pick(guild.Channels), pick(guild.Members)
		for i := range 3 + rand.IntN(8) {
			var err error
			if edits {
				nick := fmt.Sprintf("%s %d", member.User.Username, i+1)
				_, err = srv.UpdateMember(guild.ID, member.User.ID, discordtest.MemberEdit{Nick: &nick})
			} else {
				_, err = srv.Say(channel.ID, pick(guild.Members).User.ID, fmt.Sprintf("message %d", i+1))
			}
			if err != nil || !pause(ctx, 20*time.Millisecond+rand.N(60*time.Millisecond)) {
				return
			}
		}
		if !pause(ctx, rand.N(600*time.Millisecond)) {
			return
		}
	}
}

// pause waits for d and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func pick[T any](from []T) T { return from[rand.IntN(len(from))] }
