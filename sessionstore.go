package botwright

import (
	"context"
	"encoding/json"
	"time"
)

// A SessionStore keeps the sessions of a bot's shards, so that the next process can continue where
// the last one ended; see [WithSessionStore]. [FileSessionStore] keeps them in a file.
//
// A bot calls one method at a time and gives each 5 seconds. The first of several errors in a row
// goes to the ErrorHandler. An error costs at most an IDENTIFY: what cannot be loaded is not
// resumed, and what cannot be saved is saved again 5 seconds later. The log says when the store
// works again. If a store has a method Close() error, it is called when the bot has shut down.
type SessionStore interface {
	// LoadSessions returns the last saved sessions of the given shards, in any order. Shards
	// without a saved session are left out. It is called when the bot is opened, and a second time
	// if [WithShards] leaves the number of shards to the bot. With [WithCluster] it is called for
	// each shard that the process gets, and again until it succeeds.
	LoadSessions(ctx context.Context, shardIDs []int) ([]SavedSession, error)

	// SaveSessions replaces what is stored for the shards of the given sessions. A session without
	// an ID means that its shard no longer has one: forget it. SaveSessions is called every 5
	// seconds. Usually only Sequence, Handled, AliveAt and the fields about State have changed;
	// compare the rest with what is stored, and do not write it again. It must not modify the
	// sessions.
	SaveSessions(ctx context.Context, sessions []SavedSession) error
}

// A SavedSession has what is needed to resume the session of one shard, except for the token.
type SavedSession struct {
	ShardID    int    `json:"shard_id"`
	ShardCount int    `json:"shard_count"`
	ID         string `json:"id"`
	ResumeURL  string `json:"resume_url"`

	// Sequence is the number of the last event up to which all events have been handled. Discord
	// sends the events after it again.
	Sequence int64 `json:"sequence"`

	// Handled are ranges of event numbers above Sequence, first and last of each, that have been
	// handled too. Their handlers do not run again. There are at most 1,024 ranges.
	Handled [][2]int64 `json:"handled,omitempty"`

	// StateSequence is the number of the event up to which a [StateStore] has the shard's State,
	// and StateParts is the number of its parts. Without a StateStore both are 0.
	StateSequence int64 `json:"state_sequence,omitempty"`
	StateParts    int   `json:"state_parts,omitempty"`

	// Intents are those that the session was begun with. Discord keeps them when it is resumed.
	Intents int `json:"intents"`

	// TokenHash identifies the token. The token cannot be computed from it.
	TokenHash string `json:"token_hash"`

	// AliveAt is when the session was last known to be connected.
	AliveAt time.Time `json:"alive_at"`

	// Ready is the data of the session's READY without its guilds, and Guilds are their ids.
	// Discord sends neither again when the session is resumed.
	Ready  json.RawMessage `json:"ready"`
	Guilds []string        `json:"guilds"`
}

// WithSessionStore lets the bot continue where an earlier process ended, whether that one was
// stopped, crashed or was killed. Its shards resume their sessions, which spends no IDENTIFY, and
// Discord sends the events in between. No event is lost, as long as Discord can resume.
//
// The bot saves which events were handled, every 5 seconds and in [Bot.Shutdown], however long a
// handler of another event runs. An event counts as handled when all its handlers have returned.
// The next process handles an event again only if
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
// A saved session is resumed if it has the same token, number of shards and intents, and was alive
// at most five minutes ago, because Discord keeps sessions for a few minutes. Otherwise the log
// says why, and the shard identifies.
//
// Discord sends READY and GUILD_CREATE only after an IDENTIFY. So a [StateStore], such as
// [FileSessionStore], saves State as well, and a bot that resumes has the State of the process
// before it. This writes about as much as Discord sends of what State keeps: little with
// StateMinimal, much with Presences. With other stores, after a change of the StatePolicy, or if
// State was not saved for long, State starts empty, and the log says so.
//
// With an [AlertStore], such as [FileSessionStore], the alerts of [WithHealth] survive, too.
//
// Two things follow. A stopped bot appears online until Discord gives up on its sessions. And a
// store is for one bot: two processes that run the same shards must not share it, except with
// [WithCluster].
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
