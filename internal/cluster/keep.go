package cluster

import (
	"context"
	"time"
)

const (
	// keepEvery is how often keep looks again even though nothing was heard of.
	keepEvery = time.Second

	// keepPause is the time between two looks: many keys change at once.
	keepPause = 50 * time.Millisecond
)

// A tenure is a shard that the process takes, has, or gives up. Its goroutine ends it.
type tenure struct {
	shard int
	id    string // that of the process
	token uint64 // the revision of the shard's key; 0 before it is taken
	from  uint64 // the revision at which it is taken
	dead  bool   // it is taken from a dead process
	anew  bool   // it has to be taken although the key names the process; see release

	ctx  context.Context
	stop context.CancelCauseFunc
}

// keep starts and stops shards until the Member ends.
func (m *Member) keep() {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.ctx.Done():
			m.mu.Lock()
			m.stopAllLocked(ErrLeaving)
			m.mu.Unlock()
			return
		case <-m.kick:
		case <-tick.C:
		}
		for _, t := range m.decide(time.Now()) {
			go m.tend(t) // awaitIdle waits for it, if Run returns
		}
		if m.cfg.TTL > 0 {
			pause(m.ctx, keepPause)
		}
	}
}

// decide stops the shards that others are wanted to have, and returns those that are to start.
func (m *Member) decide(now time.Time) (begin []*tenure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.view.synced || !m.Valid() {
		return nil
	}
	self := m.lease.id
	settled := now.Sub(m.lease.joined) >= m.cfg.Settle || m.view.runs(self)
	wanted := m.view.wanted(m.cfg.IDs)
	stopping := 0
	for _, t := range m.tenures {
		if t.ctx.Err() != nil {
			stopping++
		}
	}
	for _, s := range m.cfg.IDs {
		t, o := m.tenures[s], m.view.shards[s]
		_, alive := m.view.processes[o.owner]
		mine := o.owner == self
		switch {
		case t != nil && wanted[s] != self && t.ctx.Err() == nil && t.token != 0:
			if wanted[s] == "" && m.leaving { // nobody else is there
				t.stop(ErrLeaving)
			} else if stopping < handing {
				t.stop(m.causeLocked())
				stopping++
			}
		case t == nil && (wanted[s] == self && (mine || !alive && settled) || mine):
			t = m.beginLocked(s, o)
			t.dead = o.owner != "" && !mine
			if wanted[s] != self { // it was taken without the process knowing
				t.stop(m.causeLocked())
			}
			begin = append(begin, t)
		}
	}
	return begin
}

func (m *Member) causeLocked() error {
	if m.leaving {
		return ErrLeaving
	}
	return ErrMoved
}

func (m *Member) beginLocked(shard int, o ownership) *tenure {
	t := &tenure{shard: shard, id: m.lease.id, from: o.revision}
	if o.owner == t.id {
		t.token, t.anew = o.revision, m.given[shard] == o.revision
	}
	t.ctx, t.stop = context.WithCancelCause(m.ctx)
	m.tenures[shard] = t
	return t
}

func (m *Member) stopAllLocked(cause error) {
	for _, t := range m.tenures {
		t.stop(cause)
	}
}

// tend takes a shard, if the process does not own it yet, runs it, and releases it.
func (m *Member) tend(t *tenure) {
	defer func() {
		t.stop(nil)
		m.mu.Lock()
		delete(m.tenures, t.shard)
		m.mu.Unlock()
		m.poke()
		m.mu.Lock()
		m.closeIdleLocked()
		m.mu.Unlock()
	}()
	if (t.token == 0 || t.anew && t.ctx.Err() == nil) && !m.take(t) {
		return
	}
	for t.ctx.Err() == nil && m.Valid() {
		m.cfg.Run(t.ctx, t.shard, t.token)
		pause(t.ctx, again)
	}
	switch context.Cause(t.ctx) {
	case ErrMoved, ErrLeaving: //nolint:errorlint // a cause is never wrapped
		m.release(t)
	}
}

// take makes the process the owner of a shard, and reports whether it did.
func (m *Member) take(t *tenure) bool {
	ctx, cancel := context.WithTimeout(t.ctx, 5*time.Second)
	defer cancel()
	token, err := m.setOwner(ctx, t.shard, t.id, t.from)
	if t.ctx.Err() == nil {
		m.note(err, t.shard)
	}
	m.mu.Lock()
	t.token = token
	if token != 0 && t.dead {
		m.takeovers++
	}
	m.mu.Unlock()
	if err != nil {
		pause(t.ctx, keepEvery) // then it is tried anew
	}
	return token != 0
}

// note logs that shards cannot be taken or released, once until they can.
func (m *Member) note(err error, shard int) {
	if failed := err != nil; m.failing.Swap(failed) != failed && failed {
		m.cfg.Logger.Warn("cannot take and release shards; it is tried again and again",
			"shard", shard, "error", err)
	}
}

// release lets others take a shard that has stopped. If that cannot be done while the lease lasts,
// they wait until the process is fenced. An attempt without an answer may succeed at any time: the
// shard must be taken anew before it runs here again.
func (m *Member) release(t *tenure) {
	m.mu.Lock()
	m.given[t.shard] = t.token
	m.mu.Unlock()
	for m.Valid() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), 2*time.Second)
		_, err := m.setOwner(ctx, t.shard, "", t.token)
		cancel()
		m.note(err, t.shard)
		if err == nil || !pause(m.ctx, 250*time.Millisecond) {
			return
		}
	}
}
