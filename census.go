package botwright

import (
	"strconv"
	"sync"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
)

// A census knows how many members the guilds of a shard have, as far as Discord tells: a guild's
// number comes with the guild, and changes of it only to a bot with the intent for members.
type census struct {
	mu     sync.Mutex // guards what follows
	guilds map[uint64]int
	total  int
}

// note reads what concerns the census, on the goroutine that reads.
func (c *census) note(f *gateway.Frame) {
	switch string(f.Type) {
	case "READY":
		c.clear()
	case "GUILD_CREATE":
		v, _ := frame.Lookup(f.Data, "member_count")
		if n, err := strconv.Atoi(string(v)); err == nil && n >= 0 {
			c.set(guildID(f.Data, "id"), n)
		}
	case "GUILD_DELETE":
		if away, _ := frame.Lookup(f.Data, "unavailable"); string(away) != "true" {
			c.set(guildID(f.Data, "id"), 0)
		}
	case "GUILD_MEMBER_ADD":
		c.add(guildID(f.Data, "guild_id"), 1)
	case "GUILD_MEMBER_REMOVE":
		c.add(guildID(f.Data, "guild_id"), -1)
	}
}

// guildID returns the id in d under a name, 0 without one.
func guildID(d []byte, name string) uint64 {
	v, _ := frame.Lookup(d, name)
	id, _ := frame.Snowflake(v)
	return id
}

func (c *census) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.guilds, c.total = nil, 0
}

func (c *census) set(guild uint64, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total += n - c.guilds[guild]
	if n == 0 {
		delete(c.guilds, guild)
		return
	}
	if c.guilds == nil {
		c.guilds = make(map[uint64]int)
	}
	c.guilds[guild] = n
}

// add changes the number of a guild, if it is known.
func (c *census) add(guild uint64, change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, known := c.guilds[guild]; known && n+change > 0 {
		c.guilds[guild] = n + change
		c.total += change
	}
}

// members returns the sum over all guilds.
func (c *census) members() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}
