package botwright

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/session"
)

const (
	// saveEvery is how often sessions are saved that have moved on. What was handled since is
	// handled twice if the process is killed.
	saveEvery = 5 * time.Second

	// aliveEvery is how often a session is saved in which nothing happens, to keep it from
	// looking stale.
	aliveEvery = time.Minute

	// sessionTTL is up to which age a session is resumed. Discord keeps one for "a few minutes".
	// To try in vain costs one round trip, not to try costs an IDENTIFY and the events.
	sessionTTL = 5 * time.Minute

	// storeTimeout bounds one call of the store.
	storeTimeout = 5 * time.Second
)

// restoreSessions loads what the store has of this process's shards and returns what can be
// resumed.
func (b *Bot) restoreSessions(ctx context.Context, count int, ids []int) map[int]SavedSession {
	store := b.cfg.sessionStore
	if store == nil {
		return nil
	}
	var saved []SavedSession
	err := b.callStore(ctx, func(ctx context.Context) (err error) {
		saved, err = store.LoadSessions(ctx, ids)
		return err
	})
	if err != nil {
		err = fmt.Errorf("load sessions: %w", err)
		b.cfg.logger.Warn("saved sessions are refused; identifying", "reason", err)
		b.report(b.handlerCtx, nil, err)
		return nil
	}
	restored := make(map[int]SavedSession)
	for _, s := range saved {
		if !slices.Contains(ids, s.ShardID) {
			continue
		}
		if reason := b.refusal(s, count); reason != "" {
			b.cfg.logger.Warn("saved session is refused; identifying",
				"shard", s.ShardID, "reason", reason)
			continue
		}
		restored[s.ShardID] = s
	}
	return restored
}

// session returns s in the gateway's form.
func (s SavedSession) session() gateway.Session {
	return gateway.Session{
		ID: s.ID, Seq: s.Sequence, ResumeURL: s.ResumeURL,
		ShardID: s.ShardID, ShardCount: s.ShardCount, Ready: s.Ready, Guilds: s.Guilds,
	}
}

// restored does what READY would otherwise do.
func (s *shard) restored(cfg gateway.Config) {
	if cfg.Session.ID == "" {
		return
	}
	earlier := s.fleet.restored[s.id]
	s.track(cfg.Session.ID, earlier.position())
	s.started()              // a RESUME waits for no turn
	if cfg.Presence != nil { // the session has that of the earlier process
		if err := s.gateway.Send(opPresence, cfg.Presence); err != nil {
			s.bot.report(s.bot.handlerCtx, nil, &SendError{ShardID: s.id, Op: opPresence, Err: err})
		}
	}
}

// refusal returns why a saved session cannot be resumed, or "".
func (b *Bot) refusal(s SavedSession, count int) string {
	age := time.Since(s.AliveAt).Round(time.Second)
	switch {
	case s.TokenHash != hashToken(b.cfg.token):
		return "it is of another token"
	case s.ShardCount != count:
		return fmt.Sprintf("it is of %d shards, and there are %d", s.ShardCount, count)
	case s.Intents != int(b.intents):
		return "it is of other intents"
	case age.Abs() > sessionTTL:
		return fmt.Sprintf("it was last alive %v ago, and Discord keeps one for a few minutes", age)
	case s.ID == "" || s.Sequence < 1 || !isReady(s.Ready):
		return "it is incomplete"
	case b.cfg.api.Scheme == "https" && !strings.HasPrefix(s.ResumeURL, "wss://"):
		return "its resume URL is not wss" // the token goes there
	}
	return ""
}

// isReady reports whether a discordgo session can be opened with this READY.
func isReady(d json.RawMessage) bool {
	var ready struct {
		SessionID string `json:"session_id"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	return json.Unmarshal(d, &ready) == nil && ready.SessionID != "" && ready.User.ID != ""
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte("botwright session of " + token))
	return hex.EncodeToString(sum[:16])
}

// saveSessions keeps the store up to date until ctx is done, which is when all shards have been
// shut down, and then saves once more.
func saveSessions(ctx context.Context, b *Bot) {
	s := sessionSaver{bot: b}
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		b.mu.Lock()
		changed := b.changed
		b.mu.Unlock()
		if s.isNew() {
			s.save(ctx)
		}
		select {
		case <-ctx.Done():
		case <-changed: // perhaps a shard has a new session
		case <-tick.C:
			s.save(ctx)
		}
	}
	s.save(context.WithoutCancel(ctx))
}

// A sessionSaver knows what the store has of each shard.
type sessionSaver struct {
	bot     *Bot
	stored  map[int]SavedSession // nil before there are shards
	failing bool                 // the last attempt failed, and was reported
}

// isNew reports whether a shard has got or lost its session since it was saved.
func (s *sessionSaver) isNew() bool {
	if s.failing {
		return false // tried again with the next tick
	}
	for id, session := range s.present() {
		if session.ID != s.stored[id].ID {
			return true
		}
	}
	return false
}

// present returns the sessions that the shards have now, and an empty one for each shard that is
// no more.
func (s *sessionSaver) present() map[int]SavedSession {
	f := s.bot.currentFleet()
	if f == nil {
		return nil
	}
	if s.stored == nil {
		s.stored = make(map[int]SavedSession)
		maps.Copy(s.stored, f.restored)
	}
	sessions := make(map[int]SavedSession)
	for id := range s.stored {
		if f.find(id) == nil {
			sessions[id] = SavedSession{ShardID: id}
		}
	}
	for _, shard := range f.shards {
		session, ok := shard.saved()
		if !ok {
			continue
		}
		before := s.stored[shard.id]
		if session.ID == before.ID && shard.gateway.Status().State != gateway.Ready {
			session.AliveAt = before.AliveAt
		}
		sessions[shard.id] = session
	}
	return sessions
}

// save saves what has changed.
func (s *sessionSaver) save(ctx context.Context) {
	changed := s.present()
	maps.DeleteFunc(changed, func(id int, now SavedSession) bool {
		before := s.stored[id]
		return now.ID == before.ID && now.Sequence == before.Sequence &&
			slices.Equal(now.Handled, before.Handled) &&
			now.AliveAt.Sub(before.AliveAt) < aliveEvery
	})
	if len(changed) == 0 {
		return
	}
	b := s.bot
	err := b.callStore(ctx, func(ctx context.Context) error {
		return b.cfg.sessionStore.SaveSessions(ctx, slices.Collect(maps.Values(changed)))
	})
	if err == nil {
		maps.Copy(s.stored, changed)
	} else if !s.failing {
		b.report(b.handlerCtx, nil, fmt.Errorf("save sessions: %w", err))
	}
	s.failing = err != nil
}

// callStore calls the store with a deadline and contains its panic.
func (b *Bot) callStore(ctx context.Context, call func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return call(ctx)
}

// saved returns what to store of the shard. It is false when that cannot be known just now:
// between two sessions, or when not even READY has been handled.
func (s *shard) saved() (saved SavedSession, ok bool) {
	// The order matters: an event that begins after the sequence was read is above it.
	now := s.gateway.Resumable()
	saved = SavedSession{ShardID: s.id, ShardCount: s.fleet.count}
	if now.ID == "" {
		return saved, true
	}
	tracker := s.tracker.Load()
	if tracker.Session() != now.ID {
		return saved, false
	}
	saved.ID, saved.ResumeURL = now.ID, now.ResumeURL
	saved.setPosition(tracker.Position(now.Seq))
	saved.Intents, saved.TokenHash = int(s.bot.intents), hashToken(s.bot.cfg.token)
	saved.AliveAt = time.Now().Round(0)
	saved.Ready, saved.Guilds = now.Ready, now.Guilds
	return saved, saved.Sequence > 0
}

// position returns what the process that saved s had handled.
func (s *SavedSession) position() session.Position {
	p := session.Position{Sequence: s.Sequence}
	for _, r := range s.Handled {
		p.Handled = append(p.Handled, r)
	}
	return p
}

func (s *SavedSession) setPosition(p session.Position) {
	s.Sequence = p.Sequence
	for _, r := range p.Handled {
		s.Handled = append(s.Handled, r)
	}
}
