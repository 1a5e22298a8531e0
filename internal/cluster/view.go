package cluster

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A view is what a process knows of the keys that all watch.
type view struct {
	synced    bool // all keys that there were have been seen
	processes map[string]record
	revisions map[string]uint64 // of process keys
	shards    map[int]ownership
}

// An ownership is a shard's key.
type ownership struct {
	owner    string // empty: nobody
	revision uint64 // 0: there is no key
}

func newView() *view {
	return &view{processes: make(map[string]record), revisions: make(map[string]uint64),
		shards: make(map[int]ownership)}
}

// apply takes a key as the watch gives it.
func (v *view) apply(key string, value []byte, revision uint64) {
	kind, name, _ := strings.Cut(key, "/")
	switch kind {
	case "":
		v.synced = true
	case "process":
		delete(v.processes, name)
		delete(v.revisions, name)
		if revision != 0 {
			var r record
			_ = json.Unmarshal(value, &r) // of a version that cannot be read: it is alive all the same
			v.processes[name], v.revisions[name] = r, revision
		}
	case "shard":
		// This process's own changes are known before the watch gives them.
		if n, err := strconv.Atoi(name); err == nil && revision > v.shards[n].revision {
			v.shards[n] = ownership{string(value), revision}
		}
	}
}

// keepOwn takes over what a process has changed itself, which the watch may not have given yet. What
// others have changed is not: a watch that begins may be behind the one before.
func (v *view) keepOwn(before *view, id string) {
	for n, o := range before.shards {
		if o.owner == id && o.revision > v.shards[n].revision {
			v.shards[n] = o
		}
	}
}

// wanted returns who should own each shard.
func (v *view) wanted(ids []int) map[int]string {
	var candidates []candidate
	for id, r := range v.processes {
		if !r.Leaving {
			candidates = append(candidates, candidate{id, r.Capacity})
		}
	}
	owners := make(map[int]string, len(ids))
	for _, s := range ids {
		owners[s] = v.shards[s].owner
	}
	return assign(ids, candidates, owners)
}

// runs reports whether other processes have shards.
func (v *view) runs(self string) bool {
	for _, o := range v.shards {
		if _, alive := v.processes[o.owner]; alive && o.owner != self {
			return true
		}
	}
	return false
}

// follow keeps the view up to date until the Member ends.
func (m *Member) follow() {
	for told := false; ; {
		v := newView()
		ctx, cancel := context.WithCancel(m.ctx)
		m.mu.Lock()
		m.rewatch = cancel
		m.mu.Unlock()
		err := m.backend.Watch(ctx, m.prefix, func(key string, value []byte, revision uint64) {
			m.mu.Lock()
			v.apply(strings.TrimPrefix(key, m.prefix), value, revision)
			if v.synced && m.view != v {
				v.keepOwn(m.view, m.lease.id)
				m.view = v
			}
			synced := v.synced
			m.mu.Unlock()
			told = told && !synced
			if synced {
				m.poke()
			}
		})
		cancel()
		m.mu.Lock()
		m.view.synced = false
		m.mu.Unlock()
		if m.ctx.Err() != nil {
			return
		}
		if !told {
			m.cfg.Logger.Warn("the watch of the cluster has ended; it begins anew", "error", err)
			told = true
		}
		if !pause(m.ctx, 250*time.Millisecond) {
			return
		}
	}
}

// A View is what a process knows of the cluster.
type View struct {
	Synced    bool      // false before the first word from the backend, and while it is away
	Valid     bool      // this process holds its lease
	Self      string    // its id
	Count     int       // of shards
	Processes []Process // in the order of their ids
	Owners    map[int]string
	Takeovers uint64 // shards that this process has taken from dead ones
	Lapses    uint64 // times that its lease ran out
}

// A Process is one of a cluster's.
type Process struct {
	ID, Name, Version string
	Started           time.Time
	Capacity          int
	Shards            int // how many it owns
	Leaving           bool
}

// View returns what the process knows. Owners has shards that some process owns only.
func (m *Member) View() View {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := View{Synced: m.view.synced, Valid: m.Valid(), Self: m.lease.id, Count: m.cfg.Count,
		Owners: make(map[int]string), Takeovers: m.takeovers, Lapses: m.lapses}
	owned := make(map[string]int)
	for s, o := range m.view.shards {
		if _, alive := m.view.processes[o.owner]; alive {
			v.Owners[s] = o.owner
			owned[o.owner]++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.view.processes)) {
		r := m.view.processes[id]
		v.Processes = append(v.Processes, Process{ID: id, Name: r.Name, Version: r.Version,
			Started: r.Started, Capacity: r.Capacity, Shards: owned[id], Leaving: r.Leaving})
	}
	return v
}

// setOwner changes a shard's key, and the view with it. It returns the new revision; 0 if the key
// no longer has the given one.
func (m *Member) setOwner(
	ctx context.Context, shard int, id string, revision uint64,
) (uint64, error) {
	key := m.prefix + "shard/" + strconv.Itoa(shard)
	now, ok, err := m.backend.Put(ctx, key, []byte(id), revision, 0)
	if err != nil || !ok {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.view.apply("shard/"+strconv.Itoa(shard), []byte(id), now)
	return now, nil
}
