package discordtest

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/bwmarrin/discordgo"
)

// ChatConfig describes invented traffic. Zero fields mean the defaults.
type ChatConfig struct {
	// Rate is how many events per second there are over all guilds. Default: 10.
	Rate float64
	// Seed makes the traffic repeatable: same world and seed, same people, channels and words.
	// Default: 1.
	Seed uint64
	// Guilds are the ids of the guilds that take part. Default: all.
	Guilds []string
}

// chatTick is how often a chat catches up with its rate.
const chatTick = 5 * time.Millisecond

// Chat lets people talk until ctx ends: of 100 events about 40 are messages, 25 presences, 20
// typing, 10 member updates and 5 reactions. It blocks, and returns nil when ctx ends, [ErrClosed]
// when the server closes and [ErrUnknownGuild] when there is no guild to chat in.
func (s *Server) Chat(ctx context.Context, cfg ChatConfig) error {
	if cfg.Rate <= 0 {
		cfg.Rate = 10
	}
	if cfg.Seed == 0 {
		cfg.Seed = 1
	}
	chat := &chatter{srv: s, rng: rand.New(rand.NewPCG(cfg.Seed, 0)), guilds: cfg.Guilds}
	tick := time.NewTicker(chatTick)
	defer tick.Stop()
	start, done := time.Now(), 0
	for {
		for due := int(time.Since(start).Seconds() * cfg.Rate); done < due && ctx.Err() == nil; done++ {
			if err := chat.step(); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		case <-s.done:
			return ErrClosed
		}
	}
}

// A chatter makes one event after another.
type chatter struct {
	srv    *Server
	rng    *rand.Rand
	guilds []string
}

// step makes one event. A guild that has gone, or has nobody in it, is passed over.
func (t *chatter) step() error {
	s := t.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := t.guilds
	if len(ids) == 0 {
		ids = s.world.order
	}
	if len(ids) == 0 {
		return ErrUnknownGuild
	}
	g := s.world.guilds[ids[t.rng.IntN(len(ids))]]
	if g == nil || g.unavailable || len(g.order) < 2 {
		return nil
	}
	who := g.order[1+t.rng.IntN(len(g.order)-1)]
	c := t.channel(g)
	switch n := t.rng.IntN(100); {
	case c == nil:
	case n < 40:
		_, err := s.sayLocked(c, who, pickOne(t.rng, phrases))
		return err
	case n < 65:
		s.presenceLocked(g, who, pickOne(t.rng, []string{"online", "online", "idle", "dnd", "offline"}),
			pickOne(t.rng, []string{"", "", "Chess", "Minecraft", "Spotify"}))
	case n < 85:
		s.typeLocked(c, who)
	case n < 95:
		next := *g.members[who]
		next.Nick = orNil(pickOne(t.rng, []string{"", pickOne(t.rng, firstNames)}))
		s.replaceMemberLocked(g, &next)
	case len(c.messages) > 0:
		m := c.messages[max(0, len(c.messages)-1-t.rng.IntN(5))]
		s.reactLocked(c, m, who, emoji{Name: pickOne(t.rng, reactions)})
	}
	return nil
}

// channel returns a text channel of the guild, nil if it has none.
func (t *chatter) channel(g *guild) *channel {
	start := t.rng.IntN(max(1, len(g.channels)))
	for i := range g.channels {
		if c := g.channels[(start+i)%len(g.channels)]; c.Type == discordgo.ChannelTypeGuildText {
			return c
		}
	}
	return nil
}

func pickOne(rng *rand.Rand, list []string) string { return list[rng.IntN(len(list))] }
