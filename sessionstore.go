package botwright

import (
	"context"
	"encoding/json"
	"time"
)

// A SessionStore keeps the sessions of a bot's shards while no process runs them, so that the
// next process goes on where the last one ended; see [WithSessionStore]. [FileSessionStore]
// returns one that is a file.
//
// A bot calls one method at a time and gives each 5 seconds. An error is reported to the
// [ErrorHandler], the first one of a row, and costs no more than an IDENTIFY: what cannot be loaded
// is not resumed, and what cannot be saved is saved again 5 seconds later. The log says when a store
// works again. A store with a method Close() error is closed when the bot has shut down.
type SessionStore interface {
	// LoadSessions returns what was saved last of the given shards, in any order, without those
	// of which nothing was. It is called when the bot is opened, a second time if [WithShards]
	// leaves the number of shards to the bot.
	LoadSessions(ctx context.Context, shardIDs []int) ([]SavedSession, error)

	// SaveSessions replaces what is stored of the shards that the given sessions belong to. A
	// session without an ID says that its shard has none any more: forget it. It is called every
	// 5 seconds. All that has changed then, as a rule, is Sequence, Handled, AliveAt and what is
	// said of State: compare the rest with what is stored, and leave it there. The sessions must
	// not be modified.
	SaveSessions(ctx context.Context, sessions []SavedSession) error
}

// A SavedSession is what it takes to resume the session of one shard, apart from the token, which
// is never part of it.
type SavedSession struct {
	ShardID    int    `json:"shard_id"`
	ShardCount int    `json:"shard_count"`
	ID         string `json:"id"`
	ResumeURL  string `json:"resume_url"`

	// Sequence is the number of an event up to which every event has been handled, those before
	// included. Discord sends what came after it again.
	Sequence int64 `json:"sequence"`

	// Handled are ranges of numbers above Sequence, from the first to the last of each, whose
	// events have been handled as well: their handlers do not run again. There are at most 1,024.
	Handled [][2]int64 `json:"handled,omitempty"`

	// StateSequence is the number of the event up to which a [StateStore] has the shard's State,
	// and StateParts of how many parts that consists; both are 0 without.
	StateSequence int64 `json:"state_sequence,omitempty"`
	StateParts    int   `json:"state_parts,omitempty"`

	// Intents are those that the session was begun with. Discord keeps them when it is resumed.
	Intents int `json:"intents"`

	// TokenHash tells tokens apart. It is a hash from which the token cannot be found.
	TokenHash string `json:"token_hash"`

	// AliveAt is when the session was last known to be connected.
	AliveAt time.Time `json:"alive_at"`

	// Ready is the data of the session's READY without its guilds, Guilds are their ids. Neither
	// comes again when the session is resumed.
	Ready  json.RawMessage `json:"ready"`
	Guilds []string        `json:"guilds"`
}

// WithSessionStore makes the bot go on where an earlier process ended, whether that was stopped,
// crashed or was killed: its shards resume their sessions, which spends no IDENTIFY, and Discord
// sends the events that came in between. No event is lost, as long as Discord can resume.
//
// What has been handled is saved every 5 seconds and by [Bot.Shutdown], however long a handler of
// some other event runs. An event counts as handled when all its handlers have returned. The next
// process handles an event again only if
//
//   - some of its handlers had not returned when the process was killed, or it waited for its turn
//     in [Debounce]: then all of them run again,
//   - they had returned in the 5 seconds before the process was killed, or since the store last
//     took what was saved,
//   - thousands of handlers ran or waited at once, and those of its neighbors had not returned:
//     the 1,024 longest ranges of handled events are saved,
//   - Shutdown ended the context of a handler, and the handler then returned an error or panicked.
//     One that returns nil has done its work; one that does not return has not.
//
// A saved session is resumed if it is of the same token, number of shards and intents, and was
// alive at most five minutes ago: Discord keeps one for a few minutes. Otherwise the log says why
// it is not, and the shard identifies.
//
// READY and GUILD_CREATE come with an IDENTIFY only. A [StateStore], such as that of
// [FileSessionStore], therefore keeps State as well: a bot that resumes has the State that the one
// before it had. It costs the store about as much as Discord sends of what State keeps: little with
// [StateMinimal], much with Presences. With another kind of store, after a change of the
// [StatePolicy], or when State was not saved for long, State starts empty, and the log says so.
//
// With an [AlertStore], such as that of [FileSessionStore], the alerts of [WithHealth] survive, too.
//
// Two things follow. A stopped bot looks online until Discord gives up on its sessions. And one
// store serves one bot: two processes that run the same shards must not share it.
func WithSessionStore(store SessionStore) Option {
	return func(c *config) {
		if store == nil {
			c.problem("WithSessionStore", "the store is nil: leave the option out")
			return
		}
		if f, ok := store.(*sessionFile); ok {
			if err := f.file.Check(); err != nil {
				c.problem("WithSessionStore", "%v", err)
			}
		}
		c.sessionStore = store
	}
}
