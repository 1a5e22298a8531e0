package cluster

import (
	"cmp"
	"context"
	"hash/fnv"
	"math"
	"slices"
	"time"
)

const (
	// neighbors is how many processes watch one, as long as all goes well.
	neighbors = 3

	// tombstone is how long a lease that was gone is kept from being made.
	tombstone = time.Minute
)

// A sighting is what a process knows of another one's lease.
type sighting struct {
	revision uint64
	since    time.Time // since when it is known to be that, without a gap
	last     time.Time // when it was read last
}

// guard watches the neighbors until the Member ends, and fences those that are dead. When one is
// silent it watches everybody for a while: the neighbors of others may have died with that one.
func (m *Member) guard() {
	every := m.cfg.TTL / 5
	seen := make(map[string]*sighting)
	var alert time.Time // until when it watches everybody
	for wait := every; pause(m.ctx, wait); {
		begun := time.Now()
		wards := m.wards(neighbors)
		if begun.Before(alert) {
			wards = m.wards(math.MaxInt)
		}
		for id, s := range seen {
			if _, ok := wards[id]; !ok {
				delete(seen, id)
			} else if s.last.Sub(s.since) > m.cfg.TTL/2 {
				alert = begun.Add(m.cfg.TTL)
			}
		}
		wait = every
		for id, r := range wards {
			if seen[id] == nil {
				seen[id] = &sighting{}
			}
			wait = min(wait, m.look(id, max(r.TTL, m.cfg.TTL), seen[id]))
		}
		wait = max(wait-time.Since(begun), every/20)
	}
}

// wards returns the n processes that come after this one in the ring.
func (m *Member) wards(n int) map[string]record {
	m.mu.Lock()
	defer m.mu.Unlock()
	ring := make([]string, 0, len(m.view.processes))
	for id := range m.view.processes {
		if id != m.lease.id {
			ring = append(ring, id)
		}
	}
	// Those that began on one host are not to be neighbors, so the order is that of a hash.
	self := place(m.lease.id)
	slices.SortFunc(ring, func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a)-self, place(b)-self), cmp.Compare(a, b))
	})
	wards := make(map[string]record)
	for _, id := range ring[:min(n, len(ring))] {
		wards[id] = m.view.processes[id]
	}
	return wards
}

// place is where a process is in the ring.
func place(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum64()
}

// look reads a lease, and fences its process if it has been the same for a TTL. It returns when to
// look again.
func (m *Member) look(id string, ttl time.Duration, s *sighting) time.Duration {
	every := m.cfg.TTL / 5
	ctx, cancel := context.WithTimeout(m.ctx, every)
	defer cancel()
	value, revision, err := m.backend.Get(ctx, "lease/"+id)
	now := time.Now()
	if err != nil {
		*s = sighting{}
		return every
	}
	if revision != s.revision || s.last.IsZero() || now.Sub(s.last) > 3*every {
		*s = sighting{revision: revision, since: now}
	}
	s.last = now
	if left := ttl - now.Sub(s.since); left > 0 && len(value) > 0 {
		return left
	}
	if m.fence(ctx, id, value, revision) {
		m.bury(ctx, id)
	}
	return every
}

// fence ends a lease that still has the revision, and reports whether it has ended.
func (m *Member) fence(ctx context.Context, id string, value []byte, revision uint64) (ok bool) {
	var err error
	switch {
	case revision == 0:
		// What a Get does not find may be there. What can be made is not there.
		_, ok, err = m.backend.Put(ctx, "lease/"+id, nil, 0, tombstone)
	case len(value) == 0:
		return true // somebody has made it, as above
	default:
		ok, err = m.backend.Delete(ctx, "lease/"+id, revision)
	}
	return ok && err == nil
}

// bury tells all that a fenced process is dead.
func (m *Member) bury(ctx context.Context, id string) {
	m.mu.Lock()
	process := m.view.revisions[id]
	m.mu.Unlock()
	m.cfg.Logger.Warn("a process is dead: its shards go to others", "process", id)
	_, err := m.backend.Delete(ctx, m.prefix+"process/"+id, process)
	if err != nil {
		m.cfg.Logger.Warn("cannot remove a dead process", "process", id, "error", err)
	}
}
