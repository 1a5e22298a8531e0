// Package census counts the members of guilds.
package census

import (
	"strconv"
	"sync"

	"github.com/botwright/botwright/internal/frame"
)

// A Census knows how many members the guilds of a shard have, as far as Discord tells: a guild's
// number comes with the guild, and changes of it only to a bot with the intent for members. The
// zero value is empty. Its methods may be called from any goroutine.
type Census struct {
	mu     sync.Mutex // guards what follows
	guilds map[uint64]int
	total  int
}

// Note reads what concerns the census from the payload of an event, which it does not keep.
func (c *Census) Note(eventType, data []byte) {
	switch string(eventType) {
	case "READY":
		c.clear()
	case "GUILD_CREATE":
		v, _ := frame.Lookup(data, "member_count")
		if n, err := strconv.Atoi(string(v)); err == nil && n >= 0 {
			c.set(guildID(data, "id"), n)
		}
	case "GUILD_DELETE":
		if away, _ := frame.Lookup(data, "unavailable"); string(away) != "true" {
			c.set(guildID(data, "id"), 0)
		}
	case "GUILD_MEMBER_ADD":
		c.add(guildID(data, "guild_id"), 1)
	case "GUILD_MEMBER_REMOVE":
		c.add(guildID(data, "guild_id"), -1)
	}
}

// guildID returns the id in d under a name, 0 without one.
func guildID(d []byte, name string) uint64 {
	v, _ := frame.Lookup(d, name)
	id, _ := frame.Snowflake(v)
	return id
}

func (c *Census) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.guilds, c.total = nil, 0
}

func (c *Census) set(guild uint64, n int) {
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
func (c *Census) add(guild uint64, change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, known := c.guilds[guild]; known && n+change > 0 {
		c.guilds[guild] = n + change
		c.total += change
	}
}

// Members returns the sum over all guilds.
func (c *Census) Members() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}
