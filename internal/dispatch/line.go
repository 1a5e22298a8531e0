package dispatch

// guild is whom tasks belong to.
type guild[T any] struct {
	id    uint64
	held  [kinds]load
	runs  int      // workers it has
	first *lane[T] // of its lanes in line
	last  *lane[T]

	// Its place in the queue's line.
	in         bool
	class      class
	turn       uint64 // the lower, the longer it has waited
	prev, next *guild[T]
}

// idle reports whether nothing of the guild is left.
func (g *guild[T]) idle() bool {
	return !g.in && g.runs == 0 && g.held == [kinds]load{}
}

// A class says by which rule a guild gets its next worker.
type class int

const (
	classFirst  class = iota // it has none
	classShare               // it has fewer than its share
	classBorrow              // it has its share
	classes
)

// shares is how many guilds at their share fill a limit; beyond is how many times MaxInFlight
// there are workers at most.
const (
	shares = 8
	beyond = 8
)

// workers counts those that have a guild.
type workers struct {
	limit int // MaxInFlight
	share int // of a guild
	all   int
	owed  int // of them, those within the shares of their guilds
}

func (w *workers) class(runs int) class {
	switch {
	case runs == 0:
		return classFirst
	case runs < w.share:
		return classShare
	}
	return classBorrow
}

// allow reports whether a guild of that class may have one more.
func (w *workers) allow(c class) bool {
	switch c {
	case classFirst:
		return w.all < beyond*w.limit
	case classShare:
		return w.owed < w.limit
	}
	return w.all < w.limit
}

// line is the guilds with lanes in line, by class; see the package documentation.
type line[T any] struct {
	first, last [classes]*guild[T]
	turns       uint64
}

// push adds a guild at the end.
func (n *line[T]) push(g *guild[T], c class) {
	n.turns++
	g.turn = n.turns
	n.insert(g, c)
}

// insert adds a guild that keeps its turn: in front if it has waited longest.
func (n *line[T]) insert(g *guild[T], c class) {
	g.in, g.class = true, c
	first, last := n.first[c], n.last[c]
	switch {
	case first == nil:
		n.first[c], n.last[c] = g, g
	case g.turn < first.turn:
		g.next, first.prev, n.first[c] = first, g, g
	default:
		g.prev, last.next, n.last[c] = last, g, g
	}
}

func (n *line[T]) remove(g *guild[T]) {
	if g.prev == nil {
		n.first[g.class] = g.next
	} else {
		g.prev.next = g.next
	}
	if g.next == nil {
		n.last[g.class] = g.prev
	} else {
		g.next.prev = g.prev
	}
	g.prev, g.next, g.in = nil, nil, false
}

// nextLocked returns the guild whose turn it is, nil if none may have a worker.
func (q *Queue[T]) nextLocked() *guild[T] {
	var next *guild[T]
	for c := range classes {
		g := q.line.first[c]
		if g != nil && (next == nil || g.turn < next.turn) && q.workers.allow(c) {
			next = g
		}
	}
	return next
}

// lineUpLocked puts a lane with tasks into the line of the guild of its first task.
func (q *Queue[T]) lineUpLocked(l *lane[T]) {
	g := l.first().guild
	if g.first == nil {
		g.first = l
	} else {
		g.last.next = l
	}
	g.last = l
	if !g.in {
		q.line.push(g, q.workers.class(g.runs))
	}
}

// takeLaneLocked gives a guild that is in line a worker, for the lane that it returns. If it has
// more lanes, the guild goes to the end of the line.
func (q *Queue[T]) takeLaneLocked(g *guild[T]) *lane[T] {
	l := g.first
	g.first, l.next = l.next, nil
	q.line.remove(g)
	q.employLocked(g)
	if g.first != nil {
		q.line.push(g, q.workers.class(g.runs))
	}
	return l
}

// employLocked counts a worker for a guild.
func (q *Queue[T]) employLocked(g *guild[T]) {
	if g.runs < q.workers.share {
		q.workers.owed++
	}
	q.workers.all++
	g.runs++
	q.reclassLocked(g)
}

// releaseLocked counts a worker of a guild no longer.
func (q *Queue[T]) releaseLocked(g *guild[T]) {
	g.runs--
	q.workers.all--
	if g.runs < q.workers.share {
		q.workers.owed--
	}
	q.reclassLocked(g)
}

// reclassLocked moves a guild in line to where its number of workers puts it.
func (q *Queue[T]) reclassLocked(g *guild[T]) {
	if c := q.workers.class(g.runs); g.in && c != g.class {
		q.line.remove(g)
		q.line.insert(g, c)
	}
}

func (q *Queue[T]) guildLocked(id uint64) *guild[T] {
	g := q.guilds[id]
	if g == nil {
		g = q.free.takeGuild()
		*g = guild[T]{id: id}
		q.guilds[id] = g
	}
	return g
}

// forgetLocked drops a guild of which nothing is left.
func (q *Queue[T]) forgetLocked(g *guild[T]) {
	if g.idle() {
		delete(q.guilds, g.id)
		q.free.putGuild(g)
	}
}
