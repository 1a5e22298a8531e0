// Package expect shows events to those who wait for them.
//
// A [Board] knows who watches for events of which type. What was received before somebody began to
// watch is not for them, though it may be shown later. So each event gets a number when it is
// received, and each watcher the last number given out when it began. The order in which both
// happen is what makes that exact:
//
//	the reader          the watcher
//	1. Arrive           1. is listed, but takes nothing
//	2. Wants            2. reads the last number, and takes what is above it
//
// An event whose reader does not find the watcher has arrived before the watcher reads the number.
//
// # Locks
//
// Board.mu guards the lists. It is not held while a watcher is shown an event.
package expect

import (
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// A Board shows events of type E. Its zero value is ready. Its methods may be called from any
// goroutine.
type Board[E any] struct {
	arrived atomic.Uint64
	wanted  atomic.Pointer[map[string]bool] // the types that are watched for

	mu     sync.Mutex // guards what follows
	byType map[string]*watchers[E]
}

// watchers watch for events of one type.
type watchers[E any] struct {
	all  map[*watcher[E]]struct{}
	list []*watcher[E] // all, for an event to go through; nil when they have changed
}

type watcher[E any] struct {
	after atomic.Uint64 // the number of an event that comes too early
	show  func(E)
}

// Arrive returns the number of an event that has just been received.
func (b *Board[E]) Arrive() uint64 { return b.arrived.Add(1) }

// Wants reports whether anybody watches for events of a type. It does not allocate.
func (b *Board[E]) Wants(eventType []byte) bool {
	wanted := b.wanted.Load()
	return wanted != nil && (*wanted)[string(eventType)]
}

// Types returns the types that are watched for.
func (b *Board[E]) Types() []string {
	if wanted := b.wanted.Load(); wanted != nil {
		return slices.Sorted(maps.Keys(*wanted))
	}
	return nil
}

// Watching returns how many watch for events of a type.
func (b *Board[E]) Watching(eventType string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.byType[eventType]; w != nil {
		return len(w.all)
	}
	return 0
}

// Watch has show called with each event of a type that arrives from now on, until stop is called.
// A call may still be on its way then. show must not panic.
func (b *Board[E]) Watch(eventType string, show func(E)) (stop func()) {
	x := &watcher[E]{show: show}
	x.after.Store(math.MaxUint64)
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.byType[eventType]
	if w == nil {
		w = &watchers[E]{all: make(map[*watcher[E]]struct{})}
		if b.byType == nil {
			b.byType = make(map[string]*watchers[E])
		}
		b.byType[eventType] = w
		b.publishLocked()
	}
	w.all[x], w.list = struct{}{}, nil
	x.after.Store(b.arrived.Load())
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(w.all, x)
		w.list = nil
		if len(w.all) == 0 && b.byType[eventType] == w {
			delete(b.byType, eventType)
			b.publishLocked()
		}
	}
}

func (b *Board[E]) publishLocked() {
	wanted := make(map[string]bool, len(b.byType))
	for t := range b.byType {
		wanted[t] = true
	}
	b.wanted.Store(&wanted)
}

// Show shows an event to all who watched for its type when it arrived.
func (b *Board[E]) Show(eventType string, number uint64, e E) {
	for _, x := range b.watchersOf(eventType) {
		if number > x.after.Load() {
			x.show(e)
		}
	}
}

func (b *Board[E]) watchersOf(eventType string) []*watcher[E] {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.byType[eventType]
	if w == nil {
		return nil
	}
	if w.list == nil {
		w.list = slices.AppendSeq(make([]*watcher[E], 0, len(w.all)), maps.Keys(w.all))
	}
	return w.list
}
