package dispatch

// lane holds the tasks of one key that wait. The first one says whose turn the lane is.
type lane[T any] struct {
	key   uint64
	tasks []Task[T]
	head  int      // index of the first task
	run   *Run[T]  // of the worker that has it; nil in line
	next  *lane[T] // in the line of its guild, or the free list
}

func (l *lane[T]) empty() bool { return l.head == len(l.tasks) }

func (l *lane[T]) first() *Task[T] { return &l.tasks[l.head] }

func (l *lane[T]) push(t Task[T]) {
	if l.head > batch && l.head > len(l.tasks)/2 {
		n := copy(l.tasks, l.tasks[l.head:])
		clear(l.tasks[n:])
		l.tasks, l.head = l.tasks[:n], 0
	}
	l.tasks = append(l.tasks, t)
}

func (l *lane[T]) pop() Task[T] {
	t := l.tasks[l.head]
	l.tasks[l.head] = Task[T]{}
	if l.head++; l.empty() {
		l.tasks, l.head = l.tasks[:0], 0
	}
	return t
}

// freeLists keep what is used again and again.
type freeLists[T any] struct {
	lanes     *lane[T]
	lanesLen  int
	large     *lane[T] // one that has grown, for preparation; nil if there is none
	guilds    *guild[T]
	guildsLen int
}

// maxFree is how many idle lanes, and as many guilds, are kept; maxLarge the room for tasks of the
// large lane.
const (
	maxFree  = 256
	maxLarge = 1024
)

func (f *freeLists[T]) takeLane() *lane[T] {
	l := f.lanes
	if l == nil {
		return &lane[T]{}
	}
	f.lanes, l.next = l.next, nil
	f.lanesLen--
	return l
}

// takeLarge takes a lane that many tasks may pass at a time.
func (f *freeLists[T]) takeLarge() *lane[T] {
	l := f.large
	if l == nil {
		return f.takeLane()
	}
	f.large = nil
	return l
}

func (f *freeLists[T]) putLane(l *lane[T]) {
	switch room := cap(l.tasks); {
	case room > maxLarge:
		return
	case room > batch:
		f.large = l
		return
	case f.lanesLen == maxFree:
		return
	}
	l.next, f.lanes = f.lanes, l
	f.lanesLen++
}

func (f *freeLists[T]) takeGuild() *guild[T] {
	g := f.guilds
	if g == nil {
		return &guild[T]{}
	}
	f.guilds, g.next = g.next, nil
	f.guildsLen--
	return g
}

func (f *freeLists[T]) putGuild(g *guild[T]) {
	if f.guildsLen == maxFree {
		return
	}
	*g = guild[T]{next: f.guilds}
	f.guilds = g
	f.guildsLen++
}
