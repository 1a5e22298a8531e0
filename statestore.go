package botwright

import (
	"context"
	"errors"
	"fmt"

	"github.com/botwright/botwright/internal/session"
	"github.com/botwright/botwright/internal/state"
)

// A StateStore is a [SessionStore] that also keeps State, so that a process that resumes has the
// State of its predecessor. For each shard it keeps a list of parts, whose contents are opaque to
// it. [FileSessionStore] returns one.
//
// A part has the compressed events that changed State since the part before: every 5 seconds about
// as much as Discord has sent of what State keeps. When the parts are larger than State itself, a
// single part replaces them. If the last parts get lost, as in a power failure, the bot notices and
// resumes the session from where the parts end.
type StateStore interface {
	SessionStore

	// SaveState replaces what is stored for a shard by one part.
	SaveState(ctx context.Context, shardID int, part []byte) error

	// AppendState adds a part to what is stored for a shard. After an error it is called again,
	// with the same part and more, so an error must not leave half of it behind.
	AppendState(ctx context.Context, shardID int, part []byte) error

	// LoadState returns what is stored for a shard, in order, or nil if there is nothing.
	LoadState(ctx context.Context, shardID int) (parts [][]byte, err error)
}

// What an earlier process has left of a shard: its session, and its State unless that is nil.
type leftBehind struct {
	SavedSession
	stored *state.Stored
}

// loadStates loads what the store has of the State of the shards that are to be resumed. The error
// says that the store of a cluster has failed: it can be asked again.
func (b *Bot) loadStates(ctx context.Context, restored map[int]leftBehind) error {
	if !b.cfg.state.Guilds {
		return nil
	}
	for id, left := range restored {
		stored, err := b.loadState(ctx, &left.SavedSession)
		switch {
		case err == nil:
			left.stored = stored
			restored[id] = left
		case b.cfg.cluster != nil && errors.Is(err, errLoadState):
			return err
		default:
			b.withoutState(id, err)
		}
	}
	return nil
}

var errLoadState = errors.New("load State")

func (b *Bot) loadState(ctx context.Context, s *SavedSession) (*state.Stored, error) {
	store, ok := b.cfg.sessionStore.(StateStore)
	if !ok {
		return nil, errors.New("the session store keeps no State")
	}
	var parts [][]byte
	err := b.callStore(ctx, func(ctx context.Context) (err error) {
		parts, err = store.LoadState(ctx, s.ShardID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLoadState, err)
	}
	return state.Read(parts, b.cfg.state.internal(), s.ID, s.StateSequence, s.StateParts, s.Sequence)
}

// withoutState says that a shard goes on without the State of its predecessor.
func (b *Bot) withoutState(shardID int, err error) {
	b.cfg.logger.Warn("resuming without State: it has no guilds until Discord sends them "+
		"again in a new session; use REST", "shard", shardID, "reason", err)
}

// recordState begins to record State for a StateStore.
func (s *shard) recordState() {
	if _, ok := s.bot.cfg.sessionStore.(StateStore); ok && s.state != nil {
		s.journal = state.NewJournal(&s.bot.packer, s.bot.cfg.state.internal())
		s.state.Record(s.journal)
	}
}

// restoreState gives State what an earlier process has left of it, before the session is resumed.
// discordgo's session is opened first: that empties State (Ready in onReady, state.go).
func (s *shard) restoreState() {
	left := s.left
	if left.ID == "" || s.journal == nil {
		return
	}
	s.open()
	var err error
	s.tend(func() {
		if left.stored == nil {
			s.state.Begin(left.ID)
		} else {
			err = protect(func() error { return s.state.Restore(left.stored) })
		}
	})
	if err != nil {
		s.bot.withoutState(s.id, err)
		earlier := session.Saved(left.SavedSession)
		s.track(left.ID, earlier.Position(), 0)
	}
}

// saveState stores a part of a shard's State.
func (b *Bot) saveState(ctx context.Context, shardID int, part []byte, replace bool) error {
	store, ok := b.cfg.sessionStore.(StateStore)
	if !ok { // then there is no Journal
		return nil
	}
	return b.callStore(ctx, func(ctx context.Context) error {
		if replace {
			return store.SaveState(ctx, shardID, part)
		}
		return store.AppendState(ctx, shardID, part)
	})
}

// A shardJournal is the Journal of a shard as the Saver sees it.
type shardJournal struct{ s *shard }

func (j shardJournal) Cut(sessionID string) (part []byte, replace, ok bool) {
	// The order matters: what is received after this is above the number.
	received := j.s.gateway.Resumable().Seq
	tracker := j.s.tracker.Load()
	if tracker.Session() != sessionID {
		return nil, false, false
	}
	return j.s.journal.Cut(sessionID, tracker.FedUpTo(received))
}

func (j shardJournal) Stored(ok bool) { j.s.journal.Stored(ok) }

func (j shardJournal) Position(sessionID string) (sequence int64, parts int) {
	return j.s.journal.Position(sessionID)
}
