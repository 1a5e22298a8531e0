package state

import "sync/atomic"

// arrivals are the guilds that READY has listed, less those that have been sent since or that
// Discord has said to be in an outage.
type arrivals struct {
	missing map[string]bool
	count   atomic.Int64 // of missing
	begun   atomic.Bool  // there was a READY
}

func (a *arrivals) begin(listed map[string]bool) {
	a.missing = make(map[string]bool, len(listed))
	for id := range listed {
		a.missing[id] = true
	}
	a.count.Store(int64(len(listed)))
	a.begun.Store(true)
}

func (a *arrivals) end(id string) {
	if a.missing[id] {
		delete(a.missing, id)
		a.count.Add(-1)
	}
}

// Arriving returns how many guilds of the last READY State has not been told of yet, and false
// before there was a READY. It may be called at any time.
func (k *Keeper) Arriving() (guilds int, ready bool) {
	return int(k.arrivals.count.Load()), k.arrivals.begun.Load()
}
