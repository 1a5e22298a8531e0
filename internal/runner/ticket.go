package runner

import (
	"strconv"
	"sync/atomic"

	"github.com/botwright/botwright/internal/session"
)

// A Ticket goes with one event. The zero Ticket is that of an event that no session has brought. Its
// methods may be called from any goroutine.
type Ticket struct {
	arrived uint64 // when, as events are counted
	tracker *session.Tracker
	tracked *session.Event // who holds it keeps the event from counting as handled
	owns    func() bool    // see ShardConfig

	claimed atomic.Bool  // somebody sees to the interaction
	parts   atomic.Int32 // of an interaction: those that have not ended
}

// Claim notes that somebody sees to an interaction: a route matched, a handler was called, or the
// user was answered.
func (t *Ticket) Claim() { t.claimed.Store(true) }

// Hold keeps the event from counting as handled until Release was called once more. The caller must
// hold it, or be called by what does.
func (t *Ticket) Hold() { t.tracked.Hold() }

// Release ends a hold.
func (t *Ticket) Release() { t.tracked.Release() }

// owned reports whether the event is this process's to handle.
func (t *Ticket) owned() bool { return t.owns == nil || t.owns() }

// isInteraction reports whether the event is an interaction, for a part of it that has not ended.
func (t *Ticket) isInteraction() bool { return t.parts.Load() > 0 }

// end notes that a part has ended. It is true for the last one of an interaction that nobody claimed.
func (t *Ticket) end() (unclaimed bool) {
	return t.isInteraction() && t.parts.Add(-1) == 0 && !t.claimed.Load()
}

// About says what an event is.
type About struct {
	Type               string // its name on the wire
	ShardID            int
	Sequence           int64
	GuildID, ChannelID string
	Raw                []byte // its data
}

// place says where an event belongs, for people to read.
func (a *About) place() string {
	switch {
	case a.GuildID == "" && a.ChannelID == "":
		return "shard " + strconv.Itoa(a.ShardID)
	case a.ChannelID == "":
		return "guild " + a.GuildID
	case a.GuildID == "":
		return "channel " + a.ChannelID
	}
	return "guild " + a.GuildID + ", channel " + a.ChannelID
}

// interactionCreate is the type of the events whose users wait.
const interactionCreate = "INTERACTION_CREATE"
