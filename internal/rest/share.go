package rest

import "time"

// A Demand is what the requests of one process come to.
type Demand struct {
	Held    int // requests that it may send per second; what it gives up is held until it is free
	Wanted  int // requests that it has sent within a second, or would
	Invalid int // requests of the last 10 minutes that count as invalid
}

// Demand returns what other processes of the bot need to know.
func (t *Transport) Demand() Demand {
	now := time.Now()
	held, wanted := t.global.demand(now)
	return Demand{held, wanted, t.budget.used(now)}
}

// Share changes how many of the requests that Discord allows per second the Transport may send; the
// bot's other processes send the rest. With 0, those wait that are not exempt. othersInvalid is how
// many requests of theirs count as invalid.
func (t *Transport) Share(perSecond, othersInvalid int) {
	t.global.share(perSecond)
	t.budget.setOthers(othersInvalid)
}
