package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Rules of identifying.
const (
	// identifySpacing is the time between two IDENTIFYs of one key: Discord's 5 s and a margin
	// for the second one being written and travelling faster than the first. On a busy machine
	// that was seen to be more than a tenth of a second, and to be refused costs 1 to 5.
	identifySpacing = 5*time.Second + 500*time.Millisecond

	// limitTTL is how old Discord's word about the budget may be when an IDENTIFY is admitted, as
	// long as more than a quarter of the budget is left. Below that Discord is asked each time:
	// other processes of the bot may spend, too.
	limitTTL = time.Minute

	// again is how often a shard that waits for budget looks again.
	again = 10 * time.Minute

	// day is the time in which the budget is to last if Discord does not say.
	day = 24 * time.Hour
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

	// Reserve waits for the turn that several processes share. Default: this is the only one.
	Reserve Reserve

	Logger *slog.Logger
}

// A Queue is the Gate of the shards of one process. It admits one IDENTIFY per key (shard id
// modulo max_concurrency) and 5 s, in the order of the shard ids that wait, keeps to the daily
// budget, and slows down a shard that identifies again and again; see pace.
//
// A twentieth of the budget is a reserve, which only a shard's first IDENTIFY may use: what is
// left when a shard keeps losing its session is enough to start the bot again once the cause is
// mended. The last two-hundredth nobody uses: several processes may ask at the same moment. At the
// reserve, Wait waits until Discord resets the budget. What is left is Discord's word, which counts
// what all processes of the bot spend.
type Queue struct {
	cfg      QueueConfig
	fetching chan struct{} // 1 slot: Limit is being called

	mu       sync.Mutex // guards what follows
	limit    Limit
	fetched  time.Time
	resetAt  time.Time
	reported bool
	keys     map[int]*turns
	shards   map[int]*spending
	reserved map[int]reservation // by shard
}

// spending is what a shard has identified.
type spending struct {
	last  time.Time // the last time; zero before the first
	again int       // times since the budget was reset, without the first of all
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
		shards:   make(map[int]*spending),
		reserved: make(map[int]reservation),
	}
}

// Near waits until the shard's turn is some seconds away at most. It is called before dialling:
// Discord closes a connection on which nobody identifies for half a minute. If it has to wait it
// calls waits, once. Unless there is an error, leave must be called when the connection has ended.
func (q *Queue) Near(
	ctx context.Context, shardID int, waits func(),
) (leave func(), err error) {
	waits = sync.OnceFunc(waits)
	if err := q.afford(ctx, shardID, waits); err != nil {
		return nil, err
	}
	key := q.key(shardID)
	if err := q.approach(ctx, key, shardID, waits); err != nil {
		return nil, err
	}
	leave = func() {
		q.dropReservation(shardID)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.ofKey(key).depart(shardID)
	}
	if q.cfg.Reserve != nil {
		waits()
	}
	if err := q.reserve(ctx, key, shardID); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

// Wait returns when the shard may identify. Only ctx ends it with an error.
func (q *Queue) Wait(ctx context.Context, shardID int) error {
	for {
		if err := q.afford(ctx, shardID, func() {}); err != nil {
			return err
		}
		admitted, err := q.turn(ctx, shardID)
		if err != nil || admitted {
			return err
		}
	}
}

// Identified puts off the next turn of the shard's key until the time that belongs between two
// IDENTIFYs has passed since this one was written.
func (q *Queue) Identified(shardID int) {
	key := q.key(shardID)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ofKey(key).last = time.Now()
}

// afford waits until the budget lets the shard identify.
func (q *Queue) afford(ctx context.Context, shardID int, waits func()) error {
	for first := true; ; first = false {
		if err := q.refresh(ctx, false); err != nil {
			return err
		}
		until, exhausted := q.allowed(shardID)
		if until.IsZero() {
			return nil
		}
		q.report(exhausted, until)
		if first && !q.Budget().Exhausted {
			q.cfg.Logger.Warn("shard identifies too often for the remaining budget; slowing "+
				"it down", "shard", shardID, "until", until)
		}
		waits()
		if err := sleepUntil(ctx, earlier(until, time.Now().Add(again))); err != nil {
			return err
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// turn waits for the shard's turn and admits it, unless the budget is found to be exhausted. The
// wait for that is not part of the turn: others of the key may have a right to the reserve.
func (q *Queue) turn(ctx context.Context, shardID int) (admitted bool, err error) {
	key := q.key(shardID)
	if err := q.enter(ctx, key, shardID); err != nil {
		return false, err
	}
	defer q.leave(key)
	for next := q.nextTurn(key); time.Until(next) > 0; next = q.nextTurn(key) {
		if err := sleepUntil(ctx, next); err != nil {
			return false, err
		}
	}
	// The turn may have come long after the last answer.
	if err := q.refresh(ctx, true); err != nil {
		return false, err
	}
	if until, exhausted := q.allowed(shardID); !until.IsZero() {
		q.report(exhausted, until)
		return false, nil
	}
	if ok, err := q.confirm(ctx, key, shardID); !ok || err != nil {
		return false, err
	}
	until, exhausted := q.take(key, shardID)
	q.report(exhausted, until)
	return until.IsZero(), nil
}

// budgetPeriod is how often Discord resets the budget.
const budgetPeriod = 24 * time.Hour

// Budget returns what is known of the daily budget. Once Discord has reset it, all of it is left,
// and the next reset is not known before Discord is asked again.
func (q *Queue) Budget() Budget {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.budgetLocked()
	if b.Total > 0 && q.limit.ResetAfter == 0 {
		b.ResetAt = b.ResetAt.Add(budgetPeriod) // it begins with the first IDENTIFY
	}
	if b.Total > 0 && !time.Now().Before(b.ResetAt) {
		b.Remaining, b.ResetAt, b.Exhausted = b.Total, time.Time{}, false
	}
	return b
}

func (q *Queue) budgetLocked() Budget {
	return Budget{
		Total: q.limit.Total, Remaining: q.limit.Remaining, Reserve: q.limit.Total / 20,
		MaxConcurrency: q.limit.MaxConcurrency,
		ResetAt:        q.resetAt, Exhausted: q.reported,
	}
}

// refresh asks Discord for the budget if the last answer is old or the budget has been reset
// since, and in a turn if little of it is left. Without an answer the last one has to do.
func (q *Queue) refresh(ctx context.Context, inTurn bool) error {
	select {
	case q.fetching <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-q.fetching }()
	now := time.Now()
	if q.fresh(now, inTurn) {
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
		resetAt := now.Add(limit.ResetAfter)
		if resetAt.Sub(q.resetAt) > time.Hour { // or it is the same reset as before
			for _, s := range q.shards {
				s.again = 0
			}
		}
		q.limit, q.resetAt = limit, resetAt
	}
	return nil
}

func (q *Queue) fresh(now time.Time, inTurn bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if inTurn && q.limit.Total > 0 && q.limit.Remaining < q.limit.Total/4 {
		return false
	}
	return !q.fetched.IsZero() && now.Sub(q.fetched) < limitTTL &&
		(q.limit.ResetAfter == 0 || now.Before(q.resetAt))
}

// report tells that the budget is exhausted.
func (q *Queue) report(exhausted *Budget, until time.Time) {
	if exhausted == nil {
		return
	}
	q.cfg.Logger.Error("identify budget is down to its reserve; waiting for the reset",
		"remaining", exhausted.Remaining, "reserve", exhausted.Reserve, "reset_at", until)
	if q.cfg.Exhausted != nil {
		q.cfg.Exhausted(*exhausted)
	}
}

// take admits the shard and returns the zero time, or does as allowed.
func (q *Queue) take(key, shardID int) (until time.Time, exhausted *Budget) {
	until, exhausted = q.allowed(shardID)
	if !until.IsZero() {
		return until, exhausted
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	s := q.shards[shardID]
	if s == nil {
		s = &spending{}
		q.shards[shardID] = s
	} else {
		s.again++
	}
	s.last = now
	q.limit.Remaining--
	k := q.ofKey(key)
	k.last = now
	k.depart(shardID)
	return time.Time{}, nil
}

// allowed returns the zero time if the budget lets the shard identify now. Else it returns when to
// ask again, and the budget if nobody was told yet that it is exhausted.
func (q *Queue) allowed(shardID int) (until time.Time, exhausted *Budget) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	b := q.budgetLocked()
	floor := b.Reserve
	s := q.shards[shardID]
	if s == nil {
		floor = b.Total / 200
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
	if s == nil {
		return time.Time{}, nil
	}
	if until := s.last.Add(q.pace(s, now)); until.After(now) {
		return until, nil
	}
	return time.Time{}, nil
}

// pace returns how long a shard's IDENTIFYs must be apart. What is left of the budget, without the
// reserve, is shared by the shards that have identified again since it was reset. A shard that has
// used no more than its share of what is left is free: alone, that is half of the day's budget.
// From there on the pace slows down, until with twice its share the rest lasts until the reset.
func (q *Queue) pace(s *spending, now time.Time) time.Duration {
	if s.again == 0 {
		return 0
	}
	total, left, spenders := q.limit.Total, q.limit.Remaining, 0
	for _, other := range q.shards {
		if other.again > 0 {
			spenders++
		}
		if q.limit.Total == 0 { // Discord has not said: it allows 1000
			total, left = 1000, left-1-other.again
		}
	}
	if q.limit.Total == 0 {
		left += 1000 + 1
	}
	share := max(float64(left-total/20)/float64(spenders), 1)
	over := min((float64(s.again)-share)/share, 1)
	if over <= 0 {
		return 0
	}
	rest := q.resetAt.Sub(now)
	if rest <= 0 {
		rest = day
	}
	return time.Duration(float64(rest) / share * over)
}

func (q *Queue) key(shardID int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return shardID % max(q.limit.MaxConcurrency, 1)
}

func (q *Queue) nextTurn(key int) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ofKey(key).last.Add(identifySpacing)
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
