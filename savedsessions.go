package botwright

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/session"
)

const (
	// sessionTTL is up to which age a session is resumed. Discord keeps one for "a few minutes".
	// To try in vain costs one round trip, not to try costs an IDENTIFY and the events.
	sessionTTL = 5 * time.Minute

	// storeTimeout bounds one call of the store.
	storeTimeout = 5 * time.Second
)

// restoreSessions loads what the store has of this process's shards and returns what can be
// resumed. The error says that the store has failed.
func (b *Bot) restoreSessions(ctx context.Context, count int, ids []int) (
	map[int]leftBehind, error,
) {
	store := b.cfg.sessionStore
	if store == nil {
		return nil, nil
	}
	var saved []SavedSession
	err := b.callStore(ctx, func(ctx context.Context) (err error) {
		saved, err = store.LoadSessions(ctx, ids)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load sessions: %w", err)
	}
	restored := make(map[int]leftBehind)
	for _, s := range saved {
		if !slices.Contains(ids, s.ShardID) {
			continue
		}
		if reason := b.refusal(s, count); reason != "" {
			b.cfg.logger.Warn("saved session is unusable; identifying",
				"shard", s.ShardID, "reason", reason)
			continue
		}
		restored[s.ShardID] = leftBehind{SavedSession: s}
	}
	return restored, b.loadStates(ctx, restored)
}

// identifies says that a store has failed, and that shards begin new sessions.
func (b *Bot) identifies(err error) {
	b.cfg.logger.Warn("saved sessions are unusable; identifying", "reason", err)
	b.reportAside(nil, err)
}

// agreedCount returns the number of shards to open with: the given one, or what it should be in its
// place.
func (b *Bot) agreedCount(ctx context.Context, count, maxConcurrency int) (int, error) {
	if b.cfg.cluster != nil {
		return b.clusterCount(ctx, count)
	}
	if b.cfg.shardCount == 0 {
		count = b.savedCount(ctx, count, maxConcurrency)
	}
	return count, nil
}

// savedCount returns the number of shards to open with in place of the recommended one: that of the
// saved sessions, as long as they can be resumed and Discord allows it. Another number would throw
// them away.
func (b *Bot) savedCount(ctx context.Context, recommended, maxConcurrency int) int {
	if b.cfg.sessionStore == nil {
		return recommended
	}
	var saved []SavedSession
	err := b.callStore(ctx, func(ctx context.Context) (err error) {
		saved, err = b.cfg.sessionStore.LoadSessions(ctx, allShards(recommended))
		return err
	})
	if err != nil {
		return recommended // it is loaded again, and reported then
	}
	count := 0
	for _, s := range saved {
		if b.refusal(s, s.ShardCount) != "" {
			continue
		}
		if count != 0 && s.ShardCount != count || len(s.Guilds) > maxGuildsPerShard {
			return recommended
		}
		count = s.ShardCount
	}
	if count < 1 || count == recommended || roundShards(count, maxConcurrency) != count {
		return recommended
	}
	b.cfg.logger.Info("keeping the number of shards of the saved sessions; Reshard changes it "+
		"without losing them", "shards", count, "recommended", recommended)
	return count
}

// session returns s in the gateway's form. It is resumed from where State is, if handlers are
// further: they do not run again.
func (s leftBehind) session() gateway.Session {
	sequence := s.Sequence
	if s.stored != nil {
		sequence = min(sequence, s.stored.Upto)
	}
	return gateway.Session{
		ID: s.ID, Seq: sequence, ResumeURL: s.ResumeURL,
		ShardID: s.ShardID, ShardCount: s.ShardCount, Ready: s.Ready, Guilds: s.Guilds,
	}
}

// restored does what READY would otherwise do.
func (s *shard) restored(cfg gateway.Config) {
	if cfg.Session.ID == "" {
		return
	}
	left := s.left
	earlier, fed := session.Saved(left.SavedSession), int64(0)
	if left.stored != nil {
		fed = left.stored.Upto
	}
	s.track(cfg.Session.ID, earlier.Position(), fed)
	s.started()              // a RESUME waits for no turn
	if cfg.Presence != nil { // the session has that of the earlier process
		if err := s.gateway.Send(opPresence, cfg.Presence); err != nil {
			s.bot.reportAside(nil, &SendError{ShardID: s.id, Op: opPresence, Err: err})
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

// newSaver returns what saves the bot's sessions.
func (b *Bot) newSaver() *session.Saver {
	return session.NewSaver(session.SaverConfig{
		Every: b.cfg.saveEvery,
		Shards: func() []session.Shard {
			var shards []session.Shard
			for _, s := range b.ownShards() {
				shards = append(shards, savedShard{s})
			}
			return shards
		},
		Count:   b.totalShards,
		Changed: b.changes.Next,
		Save: func(ctx context.Context, saved []session.Saved) error {
			sessions := make([]SavedSession, len(saved))
			for i, s := range saved {
				sessions[i] = SavedSession(s)
			}
			return b.callStore(ctx, func(ctx context.Context) error {
				return b.cfg.sessionStore.SaveSessions(ctx, sessions)
			})
		},
		SaveState: b.saveState,
		Alerts:    b.savedAlerts(), SaveAlerts: b.saveAlerts,
		Failed: func(err error) {
			b.reportOrLog(fmt.Errorf("save sessions: %w", err), func(log *slog.Logger) {
				log.Error("sessions cannot be saved", "error", err)
			})
		},
		Recovered: func(f session.Failure) {
			b.cfg.logger.Info("sessions are saved again", "tries", f.Tries,
				"failed_for", time.Since(f.Since).Round(time.Second).String())
		},
	})
}

// saveSessions keeps the store up to date until the bot has shut down.
func saveSessions(ctx context.Context, b *Bot) {
	b.saver.Run(ctx)
	b.saveLastAlerts(context.WithoutCancel(ctx))
	if c, ok := b.cfg.sessionStore.(io.Closer); ok {
		err := b.callStore(context.WithoutCancel(ctx), func(context.Context) error { return c.Close() })
		if err != nil {
			b.reportAside(nil, fmt.Errorf("close the session store: %w", err))
		}
	}
}

// errStoreBusy says that the store ignores its deadline.
var errStoreBusy = errors.New("the session store has not returned from an earlier call")

// callStore calls the store with a deadline and contains its panic. Alerts are saved while Open may
// be loading sessions: they take turns. A call that ignores the deadline is left behind, and no
// other is made before it returns.
func (b *Bot) callStore(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	select {
	case b.storeTurn <- struct{}{}:
	case <-ctx.Done():
		return errors.Join(errStoreBusy, context.Cause(ctx))
	}
	returned := make(chan error, 1)
	go b.runStore(ctx, call, returned)
	select {
	case err := <-returned:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(moment) // one that respects ctx says what it was doing
	defer late.Stop()
	select {
	case err := <-returned:
		return err
	case <-late.C:
		return fmt.Errorf("the session store does not return: %w", context.Cause(ctx))
	}
}

// runStore is on the stack of every call of the store.
func (b *Bot) runStore(
	ctx context.Context, call func(context.Context) error, returned chan<- error,
) {
	err := ErrGoexit // unless it returns
	defer func() {
		<-b.storeTurn
		returned <- err
	}()
	err = protect(func() error { return call(ctx) })
}

// A savedShard is a shard as the Saver sees it.
type savedShard struct{ s *shard }

func (h savedShard) ID() int                { return h.s.id }
func (h savedShard) Earlier() session.Saved { return session.Saved(h.s.left.SavedSession) }
func (h savedShard) SessionID() string      { return h.s.gateway.SessionID() }
func (h savedShard) Connected() bool        { return h.s.gateway.State() == gateway.Ready }

func (h savedShard) Journal() session.Journal {
	if h.s.journal == nil {
		return nil
	}
	return shardJournal(h)
}

func (h savedShard) Saved() (saved session.Saved, ok bool) {
	s := h.s
	// The order matters: an event that begins after the sequence was read is above it.
	now := s.gateway.Resumable()
	saved = session.Saved{ShardID: s.id, ShardCount: s.fleet.Count}
	if now.ID == "" {
		return saved, true
	}
	tracker := s.tracker.Load()
	if tracker.Session() != now.ID {
		return saved, false
	}
	p := tracker.Position(now.Seq)
	saved.ID, saved.ResumeURL = now.ID, now.ResumeURL
	saved.Sequence, saved.Handled = p.Sequence, p.Handled
	saved.Intents, saved.TokenHash = int(s.bot.intents), hashToken(s.bot.cfg.token)
	saved.AliveAt = time.Now().Round(0)
	saved.Ready, saved.Guilds = now.Ready, now.Guilds
	return saved, saved.Sequence > 0
}
