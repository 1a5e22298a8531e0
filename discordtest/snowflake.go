package discordtest

import (
	"encoding/base64"
	"math/rand/v2"
	"strconv"
	"time"
)

// discordEpoch is the first millisecond of 2015, from which snowflakes count.
const discordEpoch = 1420070400000

// snowflakes hands out ids that are unique and rise with time. The zero value is ready.
type snowflakes struct{ last uint64 }

// next returns an id whose timestamp is t, or a little later when more ids were asked for than a
// millisecond holds.
func (s *snowflakes) next(t time.Time) string {
	id := snowflakeAt(uint64(max(t.UnixMilli()-discordEpoch, 0)), 0)
	s.last = max(id, s.last+1)
	return strconv.FormatUint(s.last, 10)
}

// snowflakeAt makes an id from milliseconds since Discord's epoch and the 22 bits below.
func snowflakeAt(ms, low uint64) uint64 { return ms<<22 | low }

// snowflakeTime returns when an id was made, and false when it is not a snowflake.
func snowflakeTime(id string) (time.Time, bool) {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(n>>22) + discordEpoch), true
}

// shardOf returns the shard of count that owns a guild; events without a guild belong to shard 0.
func shardOf(guildID string, count int) int {
	n, err := strconv.ParseUint(guildID, 10, 64)
	if err != nil || count < 2 {
		return 0
	}
	return int((n >> 22) % uint64(count))
}

// newToken makes a bot token of realistic shape: the user id, a time and a signature, each in
// base64.
func newToken(userID string) string {
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(userID)) + "." + random(4) + "." + random(28)
}
