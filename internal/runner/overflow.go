package runner

import "time"

// An Overflow is what a guild has lost of its events, or a channel of direct messages; or nobody
// in particular, or too many to name.
type Overflow struct {
	GuildID, ChannelID string
	Dropped            uint64 // since it was last reported
}

// dropped is told of what the queue has taken and then dropped.
func (r *Runner[E]) dropped(w work[E]) {
	r.noteLoss(w.event)
	r.endWork(&w)
}

func (r *Runner[E]) noteLoss(e E) {
	about := r.cfg.About(e)
	of := Overflow{GuildID: about.GuildID}
	if of.GuildID == "" {
		of.ChannelID = about.ChannelID
	}
	r.losses.Note(of)
}

// lossesDue returns the errors that are to be reported now.
func (r *Runner[E]) lossesDue() []error {
	var errs []error
	for _, loss := range r.losses.Due(time.Now()) {
		of := loss.Of
		of.Dropped = loss.Dropped
		errs = append(errs, r.cfg.Errors.Overflow(of))
	}
	return errs
}
