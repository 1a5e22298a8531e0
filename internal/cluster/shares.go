package cluster

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

const (
	// sharesKey is the one key in which the processes divide what Discord allows the bot.
	sharesKey = "rest/shares"

	// sharesTick is how often a process looks at its own demand, sharesEvery how often it looks at
	// that of the others while it sends.
	sharesTick  = 250 * time.Millisecond
	sharesEvery = time.Second

	// idleAfter is for how long what a process has sent counts as its demand.
	idleAfter = 3 * time.Second

	// invalidFor is for how long an invalid request counts.
	invalidFor = 10 * time.Minute
)

// A Demand is what the requests of one process come to.
type Demand struct {
	Held    int // requests per second that it may send, or has sent within the last one
	Wanted  int // requests per second that it would send
	Invalid int // requests of the last 10 minutes that count as invalid
}

// SharesConfig configures Shares. All is required.
type SharesConfig struct {
	Backend Backend
	Limit   int // requests that Discord allows per second

	View   func() View   // of the cluster
	Demand func() Demand // of this process

	// Share says how many requests per second the process may send from now on, and how many of
	// the others' count as invalid. What it may send no more, it holds until a second after it was
	// sent last.
	Share func(perSecond, othersInvalid int)
}

// Shares divide the requests that Discord allows a bot among its processes, by demand.
//
// One key says how many each process holds. Who wants more takes what nobody holds, by
// compare-and-set; who holds more than its fair part gives it up, and says so once it no longer
// counts. So they never hold more than Limit together. While the backend is away each process
// keeps what it has, at least one; what a dead one had is free when the others know that it is
// dead. Only a process that is cut off and goes on sending adds to that: its share at most.
type Shares struct {
	cfg    SharesConfig
	share  int       // what the process may send
	noted  entry     // what the key says of this process
	wanted int       // the most within idleAfter
	at     time.Time // when that was
	looked time.Time // when the key was read last
	known  bool      // the share was agreed upon
}

// An entry is a process in the key.
type entry struct {
	Held    int   `json:"h,omitempty"`
	Wanted  int   `json:"w,omitempty"`
	Invalid int   `json:"i,omitempty"`
	Until   int64 `json:"u,omitempty"` // of a dead process: until when Invalid counts, in Unix seconds
}

// NewShares returns Shares, of which the process has none yet.
func NewShares(cfg SharesConfig) *Shares { return &Shares{cfg: cfg} }

// Run keeps the process's share up to date until ctx is done.
func (s *Shares) Run(ctx context.Context) {
	tick := time.NewTicker(sharesTick)
	defer tick.Stop()
	s.set(0, 0)
	for {
		s.step(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// step looks at the demand, and at the key if that may change anything.
func (s *Shares) step(ctx context.Context) {
	d, now := s.cfg.Demand(), time.Now()
	if wanted := min(d.Wanted, s.cfg.Limit); wanted >= s.wanted || now.Sub(s.at) > idleAfter {
		s.wanted, s.at = wanted, now
	}
	mine := entry{Held: max(d.Held, s.share), Wanted: s.wanted, Invalid: d.Invalid}
	starved := s.wanted > s.share && (s.wanted > 2*s.noted.Wanted || !s.known)
	calm := s.wanted == 0 && mine == s.noted && s.known // it does not matter what others do
	if calm || !starved && now.Sub(s.looked) < sharesEvery {
		return
	}
	s.looked = now
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.agree(ctx, mine, now); err != nil && s.share < 1 {
		s.set(1, 0) // a trickle, until the others can be asked
	}
}

func (s *Shares) set(share, othersInvalid int) {
	s.share = share
	s.cfg.Share(share, othersInvalid)
}

// agree brings the key up to date, and the share with it.
func (s *Shares) agree(ctx context.Context, mine entry, now time.Time) error {
	value, revision, err := s.cfg.Backend.Get(ctx, sharesKey)
	if err != nil {
		return err
	}
	table := make(map[string]entry)
	_ = json.Unmarshal(value, &table) // what cannot be read is written anew
	v := s.cfg.View()
	settle(table, v, now)
	before := table[v.Self]
	delete(table, v.Self)
	free, invalid := s.cfg.Limit, 0
	wants := []int{mine.Wanted}
	for _, e := range table {
		free -= e.Held
		invalid += e.Invalid
		if e.Until == 0 {
			wants = append(wants, e.Wanted)
		}
	}
	share := s.fair(wants, len(v.Processes))
	if share > before.Held { // what it holds by the key is its own, and what nobody holds
		share = min(share, max(before.Held, free))
	}
	mine.Held = max(mine.Held, share)
	if share <= before.Held && mine.Held > before.Held {
		mine.Held = before.Held // it was sent before the process had a share
	}
	if mine != before {
		if mine != (entry{}) {
			table[v.Self] = mine
		}
		value, _ = json.Marshal(table) // cannot fail
		_, ok, err := s.cfg.Backend.Put(ctx, sharesKey, value, revision, 0)
		if err != nil || !ok { // another process was faster: it is tried again with the next tick
			s.looked = time.Time{}
			return err
		}
	}
	s.noted, s.known = mine, true
	s.set(share, invalid)
	return nil
}

// settle removes the processes that are dead. Their invalid requests go on to count for a while.
func settle(table map[string]entry, v View, now time.Time) {
	if !v.Synced {
		return
	}
	for id, e := range table {
		switch {
		case e.Until != 0 && now.Unix() >= e.Until:
			delete(table, id)
		case e.Until != 0 || slices.ContainsFunc(v.Processes, func(p Process) bool { return p.ID == id }):
		case e.Invalid == 0:
			delete(table, id)
		default:
			table[id] = entry{Invalid: e.Invalid, Until: now.Add(invalidFor).Unix()}
		}
	}
}

// fair returns what the first of those who want something should have. Nobody has more than it
// wants, and nobody more than another one that wants more, except for what is left over. Few
// processes have one each whether they want it or not: so the first request does not wait.
func (s *Shares) fair(wants []int, processes int) int {
	if processes <= s.cfg.Limit/2 {
		for len(wants) < processes {
			wants = append(wants, 1)
		}
		for i := range wants {
			wants[i] = max(wants[i], 1)
		}
	}
	mine := wants[0]
	slices.Sort(wants)
	left := s.cfg.Limit
	for i, w := range wants {
		each := left / (len(wants) - i)
		if w > each {
			return min(mine, each)
		}
		left -= w
	}
	return mine
}
