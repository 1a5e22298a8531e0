package gateway

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rules of identifying.
const (
	// identifySpacing is the time between two IDENTIFYs of one key: Discord's 5 s and a margin
	// for the second one being written and travelling faster than the first. On a busy machine
	// that was seen to be more than a tenth of a second, and to be refused costs 1 to 5.
	identifySpacing = 5*time.Second + 500*time.Millisecond

	// A shard that is ready and lost again and again may identify burst times at once and then
	// once per pace: fewer than 100 times a day, whatever happens.
	identifyPace  = 20 * time.Minute
	identifyBurst = 10

	// limitTTL is how old Discord's word about the budget may be when an IDENTIFY is admitted.
	limitTTL = time.Minute
)

// A Limit is the session_start_limit of GET /gateway/bot.
type Limit struct {
	Total          int
	Remaining      int
	ResetAfter     time.Duration
	MaxConcurrency int
}

// A Budget is how many IDENTIFYs are left until ResetAt.
type Budget struct {
	Total, Remaining, Reserve int
	MaxConcurrency            int
	ResetAt                   time.Time
	Exhausted                 bool // IDENTIFYs wait for ResetAt
}

// QueueConfig configures a Queue.
type QueueConfig struct {
	// Limit asks Discord for the current limit.
	Limit func(context.Context) (Limit, error)

	// Exhausted is called when the budget has come down to its reserve, once until it is reset.
	// May be nil.
	Exhausted func(Budget)

	Logger *slog.Logger
}

// A Queue is the Gate of the shards of one process. It admits one IDENTIFY per key (shard id
// modulo max_concurrency) and 5 s, in the order of the shard ids that wait, keeps to the daily
// budget, and slows down a shard that identifies again and again.
//
// A twentieth of the budget is a reserve, which only a shard's first IDENTIFY may use: what is
// left when a shard keeps losing its session is enough to start the bot again once the cause is
// mended. At the reserve, Wait waits until Discord resets the budget.
type Queue struct {
	cfg      QueueConfig
	fetching chan struct{} // 1 slot: Limit is being called

	mu       sync.Mutex // guards what follows
	limit    Limit
	fetched  time.Time
	resetAt  time.Time
	reported bool
	keys     map[int]*turns
	pace     map[int]*rate.Limiter // by shard
	started  map[int]bool          // shards that have identified before
}

// turns hands out the turns of one key.
type turns struct {
	taken   bool
	last    time.Time // when the last IDENTIFY was admitted
	waiting []*turn   // by shard id
}

type turn struct {
	shard int
	ready chan struct{}
}

// NewQueue returns a Queue.
func NewQueue(cfg QueueConfig) *Queue {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Queue{
		cfg:      cfg,
		fetching: make(chan struct{}, 1),
		keys:     make(map[int]*turns),
		pace:     make(map[int]*rate.Limiter),
		started:  make(map[int]bool),
	}
}

// Wait returns when the shard may identify. Only ctx ends it with an error.
func (q *Queue) Wait(ctx context.Context, shardID int) error {
	if err := q.slowDown(ctx, shardID); err != nil {
		return err
	}
	for {
		if err := q.refresh(ctx); err != nil {
			return err
		}
		until, err := q.turn(ctx, shardID)
		if err != nil || until.IsZero() {
			return err
		}
		if err := sleepUntil(ctx, until); err != nil {
			return err
		}
	}
}

// turn waits for the shard's turn and admits it, or returns when there may be budget again. The
// wait for that is not part of the turn: others of the key may have a right to the reserve.
func (q *Queue) turn(ctx context.Context, shardID int) (until time.Time, err error) {
	key := q.key(shardID)
	if err := q.enter(ctx, key, shardID); err != nil {
		return time.Time{}, err
	}
	defer q.leave(key)
	if err := sleepUntil(ctx, q.nextTurn(key)); err != nil {
		return time.Time{}, err
	}
	until, exhausted := q.take(key, shardID)
	if exhausted != nil {
		q.cfg.Logger.Error("identify budget is down to its reserve; waiting for the reset",
			"remaining", exhausted.Remaining, "reserve", exhausted.Reserve, "reset_at", until)
		if q.cfg.Exhausted != nil {
			q.cfg.Exhausted(*exhausted)
		}
	}
	return until, nil
}

// Budget returns what is known of the daily budget.
func (q *Queue) Budget() Budget {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.budgetLocked()
}

func (q *Queue) budgetLocked() Budget {
	return Budget{
		Total: q.limit.Total, Remaining: q.limit.Remaining, Reserve: q.limit.Total / 20,
		MaxConcurrency: q.limit.MaxConcurrency,
		ResetAt:        q.resetAt, Exhausted: q.reported,
	}
}

// slowDown waits until the shard's own pace allows it another IDENTIFY, without spending it: a
// connection that is lost while it waits has not identified.
func (q *Queue) slowDown(ctx context.Context, shardID int) error {
	q.mu.Lock()
	l := q.pace[shardID]
	if l == nil {
		l = rate.NewLimiter(rate.Every(identifyPace), identifyBurst)
		q.pace[shardID] = l
	}
	q.mu.Unlock()
	missing := 1 - l.Tokens()
	if missing <= 0 {
		return nil
	}
	d := time.Duration(missing * float64(identifyPace))
	q.cfg.Logger.Warn("shard identifies too often; slowing it down", "shard", shardID,
		"wait", d.Round(time.Millisecond).String())
	return sleepUntil(ctx, time.Now().Add(d))
}

// refresh asks Discord for the budget if the last answer is old or the budget has been reset
// since. Without an answer the last one has to do; Discord's refusal of an IDENTIFY is then the
// worst that happens.
func (q *Queue) refresh(ctx context.Context) error {
	select {
	case q.fetching <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-q.fetching }()
	now := time.Now()
	if q.fresh(now) {
		return nil
	}
	limit, err := q.cfg.Limit(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		q.cfg.Logger.Warn("cannot read the identify budget", "error", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fetched = now
	if err == nil {
		q.limit = limit
		q.resetAt = now.Add(limit.ResetAfter)
	}
	return nil
}

func (q *Queue) fresh(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.fetched.IsZero() && now.Sub(q.fetched) < limitTTL &&
		(q.limit.ResetAfter == 0 || now.Before(q.resetAt))
}

// take admits the shard and returns the zero time, or returns when to try again, and the budget
// if nobody was told yet that it is exhausted.
func (q *Queue) take(key, shardID int) (until time.Time, exhausted *Budget) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	b := q.budgetLocked()
	floor := b.Reserve
	if !q.started[shardID] {
		floor = 0
	}
	if q.limit.Total > 0 && q.limit.Remaining <= floor {
		// Discord's clock decides: ask again after the reset instead of assuming it.
		until := q.resetAt.Add(time.Second)
		if !until.After(now) {
			until = now.Add(limitTTL)
		}
		q.fetched = time.Time{}
		if q.reported {
			return until, nil
		}
		q.reported, b.Exhausted = true, true
		return until, &b
	}
	if q.limit.Remaining > b.Reserve {
		q.reported = false
	}
	q.started[shardID] = true
	q.limit.Remaining--
	q.pace[shardID].ReserveN(now, 1) // unlike AllowN never in vain
	q.keys[key].last = now
	return time.Time{}, nil
}

func (q *Queue) key(shardID int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return shardID % max(q.limit.MaxConcurrency, 1)
}

func (q *Queue) nextTurn(key int) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.keys[key].last.Add(identifySpacing)
}

// enter waits until no other shard of the key is being admitted.
func (q *Queue) enter(ctx context.Context, key, shardID int) error {
	q.mu.Lock()
	k := q.keys[key]
	if k == nil {
		k = &turns{}
		q.keys[key] = k
	}
	if !k.taken {
		k.taken = true
		q.mu.Unlock()
		return nil
	}
	t := &turn{shard: shardID, ready: make(chan struct{})}
	i, _ := slices.BinarySearchFunc(k.waiting, shardID, func(t *turn, id int) int {
		return t.shard - id
	})
	k.waiting = slices.Insert(k.waiting, i, t)
	q.mu.Unlock()
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i = slices.Index(k.waiting, t)
	if i >= 0 {
		k.waiting = slices.Delete(k.waiting, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 { // the turn came at the same moment
		q.leave(key)
	}
	return ctx.Err()
}

func (q *Queue) leave(key int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k := q.keys[key]
	if len(k.waiting) == 0 {
		k.taken = false
		return
	}
	close(k.waiting[0].ready)
	k.waiting = slices.Delete(k.waiting, 0, 1)
}

func sleepUntil(ctx context.Context, t time.Time) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
