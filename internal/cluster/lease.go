package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A lease is what a process has in the backend under one id. The goroutine of renew changes it.
type lease struct {
	id       string
	revision uint64 // of the lease's key
	attempt  uint64 // its value: how often it was tried to renew
	process  uint64 // the revision of the process's key
	joined   time.Time
}

func (l lease) key() string { return "lease/" + l.id }

// A record is what a process key holds.
type record struct {
	Name     string        `json:"name"`
	Version  string        `json:"version,omitempty"`
	Started  time.Time     `json:"started"`
	Capacity int           `json:"capacity,omitempty"`
	TTL      time.Duration `json:"ttl"`
	Leaving  bool          `json:"leaving,omitempty"`
}

func (m *Member) record(leaving bool) []byte {
	b, _ := json.Marshal(record{m.cfg.Name, m.cfg.Version, time.Now().UTC(), m.cfg.Capacity,
		m.cfg.TTL, leaving}) // cannot fail
	return b
}

// enroll makes the process a member with an id that nobody had before.
func (m *Member) enroll(ctx context.Context) error {
	l := lease{id: newID(m.cfg.Name)}
	sent := time.Now()
	var ok bool
	var err error
	if l.revision, ok, err = m.backend.Put(ctx, l.key(), []byte("0"), 0, 0); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("the id %s is taken", l.id)
	}
	l.process, ok, err = m.backend.Put(ctx, m.prefix+"process/"+l.id, m.record(false), 0, 0)
	if err != nil || !ok {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = m.depart(last, l) // what is left of it says nothing to anybody
		return errors.Join(err, ctx.Err())
	}
	l.joined = time.Now()
	m.mu.Lock()
	m.lease = l
	m.mu.Unlock()
	m.extend(sent)
	return nil
}

// depart removes the keys of a process that has no shard.
func (m *Member) depart(ctx context.Context, l lease) error {
	ok, err := m.backend.Delete(ctx, l.key(), l.revision)
	if err == nil && !ok { // it may have been renewed without an answer
		var now uint64
		if _, now, err = m.backend.Get(ctx, l.key()); err == nil && now != 0 {
			_, err = m.backend.Delete(ctx, l.key(), now)
		}
	}
	if err == nil && l.process != 0 {
		_, err = m.backend.Delete(ctx, m.prefix+"process/"+l.id, l.process)
	}
	if err != nil {
		return fmt.Errorf("leave the cluster: %w", err)
	}
	return nil
}

// announce tells the others that the process is leaving: they are to have its shards.
func (m *Member) announce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	m.mu.Lock()
	l := m.lease
	m.mu.Unlock()
	now, ok, err := m.backend.Put(ctx, m.prefix+"process/"+l.id, m.record(true), l.process, 0)
	if err != nil || !ok {
		m.cfg.Logger.Warn("cannot tell the other processes that this one leaves", "error", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lease.id == l.id {
		m.lease.process = now
	}
}

// extend notes that the lease was renewed by a Put that was sent at that time.
func (m *Member) extend(sent time.Time) {
	if m.cfg.TTL < 0 {
		m.until.Store(math.MaxInt64)
		return
	}
	until := sent.Add(m.cfg.TTL - m.margin).Sub(m.start)
	m.until.Store(int64(until))
	wait := time.Until(m.start.Add(until))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lapse == nil {
		m.lapse = time.AfterFunc(wait, m.lapsed)
		return
	}
	m.lapse.Reset(wait)
}

// lapsed stops the shards when the lease was not renewed in time.
func (m *Member) lapsed() {
	if m.Valid() || m.ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	n := len(m.tenures)
	m.lapses++
	m.stopAllLocked(ErrLapsed)
	m.mu.Unlock()
	m.cfg.Logger.Warn("the lease has run out because the cluster cannot be reached; "+
		"the shards pause until it can", "shards", n)
	m.poke()
}

// renew keeps the lease until the Member ends.
func (m *Member) renew() {
	every := m.cfg.TTL / 3
	for wait := every; pause(m.ctx, wait); {
		sent := time.Now()
		ok, err := m.renewOnce()
		switch {
		case err != nil:
			wait = every / 10
		case !ok:
			m.rejoin()
			wait = every
		default:
			lapsed := !m.Valid()
			m.extend(sent)
			if lapsed {
				m.poke()
			}
			wait = every - min(time.Since(sent), every)
		}
	}
}

// renewOnce renews the lease. It reports false if there is none any more.
func (m *Member) renewOnce() (bool, error) {
	ctx, cancel := context.WithTimeout(m.ctx, m.cfg.TTL/5)
	defer cancel()
	m.mu.Lock()
	m.lease.attempt++
	l := m.lease
	m.mu.Unlock()
	value := strconv.AppendUint(nil, l.attempt, 10)
	now, ok, err := m.backend.Put(ctx, l.key(), value, l.revision, 0)
	if err != nil {
		return false, err
	}
	if !ok {
		// An earlier attempt may have succeeded without an answer.
		value, now, err = m.backend.Get(ctx, l.key())
		if err != nil || now == 0 || len(value) == 0 { // an empty one says that it is gone for good
			return false, err
		}
		if now <= l.revision {
			return false, errors.New("the answer is out of date")
		}
		// The next attempt is made at its revision. This one does not say when it was sent.
		err = errors.New("an earlier attempt has renewed the lease")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lease.revision = now
	return true, err
}

// rejoin stops all shards, because others have them, and joins as a new process.
func (m *Member) rejoin() {
	m.cfg.Logger.Error("the other processes have taken this one for dead; it joins again")
	m.until.Store(0)
	m.mu.Lock()
	m.stopAllLocked(ErrFenced)
	m.mu.Unlock()
	m.poke()
	if !m.awaitIdle(m.ctx) {
		return
	}
	for {
		ctx, cancel := context.WithTimeout(m.ctx, m.cfg.TTL/2)
		err := m.enroll(ctx)
		cancel()
		if err == nil {
			break
		}
		if !pause(m.ctx, m.cfg.TTL/10) {
			return
		}
	}
	m.mu.Lock()
	leaving, rewatch := m.leaving, m.rewatch
	m.mu.Unlock()
	if rewatch != nil {
		rewatch() // the view has shards of the old id, which the backend may have lost
	}
	if leaving {
		m.announce(m.ctx)
	}
	m.poke()
}
