package dispatch

import (
	"slices"
	"time"
)

// kinds is how many kinds of tasks there are. The room of Upkeep is not limited.
const kinds = 3

// interactionPart is which part of the limits interactions have for themselves.
const interactionPart = 4

// load is what is held of a limit.
type load struct {
	events int
	bytes  int64
}

// within reports whether l is at most limit.
func (l load) within(limit load) bool { return l.events <= limit.events && l.bytes <= limit.bytes }

func (l load) plus(size int) load { return load{l.events + 1, l.bytes + int64(size)} }

// minus is never negative.
func (l load) minus(o load) load { return load{max(0, l.events-o.events), max(0, l.bytes-o.bytes)} }

// beyond is how much of l is above a share. One event alone never is.
func (l load) beyond(share load) load {
	if l.events <= 1 {
		return load{}
	}
	return l.minus(share)
}

func (l load) times(n int) load { return load{n * l.events, int64(n) * l.bytes} }

// part is an nth, but one event at least.
func (l load) part(n int) load { return load{max(1, l.events/n), l.bytes / int64(n)} }

// room is the limits of a kind.
type room struct {
	all   load
	half  load
	share load // of a guild, once half is in use
	least load // what a Put waits for
}

func newRoom(all load) room {
	return room{all: all, half: all.part(2), share: all.part(shares), least: all.part(16)}
}

// halfFull reports whether half of the room is in use.
func (r *room) halfFull(held load, size int) bool {
	return held.events >= r.half.events || held.bytes+int64(size) > r.half.bytes
}

// full reports whether there is no room for a task. One that is larger than all of it gets
// through when it has it to itself.
func (r *room) full(held load, size int) bool {
	return held.events > 0 && !held.plus(size).within(r.all)
}

// admitLocked decides what becomes of a task. It may wait.
func (q *Queue[T]) admitLocked(t *Task[T]) Result {
	if q.stopped {
		return Stopped
	}
	if t.Kind == Upkeep {
		return Accepted
	}
	r, held := &q.rooms[t.Kind], q.held[t.Kind]
	switch {
	case !r.halfFull(held, t.Size):
		return Accepted
	case !t.Admitted && q.beyondShareLocked(t, r.share):
		return Dropped
	case t.Shed && r.halfFull(held.minus(q.excess), t.Size):
		return Shed
	case !r.full(held, t.Size):
		return Accepted
	case t.Kind == Interaction && t.Admitted && held.plus(t.Size).within(r.all.times(2)):
		return Accepted
	case t.Kind == Interaction:
		return Dropped
	}
	return q.waitLocked(t, r)
}

// beyondShareLocked reports whether a task would bring its guild above its share. What is larger
// than the share passes alone.
func (q *Queue[T]) beyondShareLocked(t *Task[T], share load) bool {
	g := q.guilds[t.Guild]
	if g == nil || g.held[t.Kind].events == 0 {
		return false
	}
	return !g.held[t.Kind].plus(t.Size).within(share)
}

// waitLocked makes room at the cost of guilds that are above their share, or waits for it.
func (q *Queue[T]) waitLocked(t *Task[T], r *room) Result {
	late := false
	for r.full(q.held[t.Kind], t.Size) && !q.stopped {
		if q.trimLocked() {
			continue
		}
		if !late {
			late = true
			q.stats.Blocked++
		}
		q.stats.BlockedNow++
		q.room.Wait()
		q.stats.BlockedNow--
	}
	switch {
	case q.stopped:
		return Stopped
	case late:
		return AcceptedLate
	}
	return Accepted
}

// trimLocked drops tasks that wait from guilds above their share, if they hold so much beyond it
// that a Put would be woken for it, and reports whether it has. The lock is released meanwhile.
//
// It looks at every lane. It is worth that because it is rare: before a guild can be as far above
// its share again, half of the queue has to be emptied and filled.
func (q *Queue[T]) trimLocked() bool {
	r := &q.rooms[Event]
	if q.excess.events < r.least.events && q.excess.bytes < max(r.least.bytes, 1) {
		return false
	}
	lanes := make(map[*guild[T]]int)
	for _, l := range q.lanes {
		if !l.empty() {
			lanes[l.first().guild]++
		}
	}
	var dropped []T
	for _, l := range q.lanes {
		// Each lane of a guild keeps as much of the share as any other.
		dropped = q.trimLaneLocked(l, dropped, func(g *guild[T]) int {
			return r.share.events / max(1, lanes[g])
		})
	}
	for _, l := range q.lanes { // if there are more lanes than the share, or it is one of bytes
		dropped = q.trimLaneLocked(l, dropped, func(*guild[T]) int { return 0 })
	}
	if len(dropped) == 0 {
		return false
	}
	q.stats.Dropped += uint64(len(dropped))
	q.roomLocked()
	if q.funcs.Dropped != nil {
		q.mu.Unlock()
		defer q.mu.Lock()
		for _, v := range dropped {
			q.funcs.Dropped(v)
		}
	}
	return true
}

// trimLaneLocked drops from the end of a lane what is of guilds above their share, but not the
// first tasks that they may keep.
func (q *Queue[T]) trimLaneLocked(l *lane[T], dropped []T, keep func(*guild[T]) int) []T {
	tasks, before := l.tasks[l.head:], len(dropped)
	for i := len(tasks) - 1; i >= 0; i-- {
		t := &tasks[i]
		if t.Kind != Event || t.guild.held[Event].beyond(q.rooms[Event].share) == (load{}) {
			continue
		}
		if i >= keep(t.guild) {
			dropped = append(dropped, t.Value)
			q.letGoLocked(t)
		}
	}
	if len(dropped) > before {
		tasks = slices.DeleteFunc(tasks, func(t Task[T]) bool { return t.guild == nil })
		l.tasks = l.tasks[:l.head+len(tasks)]
	}
	return dropped
}

// holdLocked counts a task.
func (q *Queue[T]) holdLocked(t *Task[T]) {
	t.guild = q.guildLocked(t.Guild)
	q.countLocked(t, 1)
}

// letGoLocked counts a task no longer.
func (q *Queue[T]) letGoLocked(t *Task[T]) {
	g := t.guild
	q.countLocked(t, -1)
	t.guild = nil
	q.forgetLocked(g)
}

func (q *Queue[T]) countLocked(t *Task[T], n int) {
	bytes := int64(n) * int64(t.Size)
	q.stats.Events += n
	q.stats.Bytes += bytes
	q.held[t.Kind].events += n
	q.held[t.Kind].bytes += bytes
	held := &t.guild.held[t.Kind]
	before := *held
	held.events += n
	held.bytes += bytes
	if t.Kind == Event {
		share := q.rooms[Event].share
		over, was := held.beyond(share), before.beyond(share)
		q.excess.events += over.events - was.events
		q.excess.bytes += over.bytes - was.bytes
	}
}

// patience is how long a Put waits while there is some room, for more of it.
const patience = 5 * time.Millisecond

// roomLocked wakes those who wait for tasks to be done.
func (q *Queue[T]) roomLocked() {
	switch r := &q.rooms[Event]; {
	case q.draining > 0 && q.stats.Events == 0:
		q.room.Broadcast()
	case q.stats.BlockedNow == 0:
	case q.held[Event].within(r.all.minus(r.least)):
		q.room.Broadcast()
	case q.wake == nil:
		q.wake = time.AfterFunc(patience, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.wake = nil
			q.room.Broadcast()
		})
	}
}
