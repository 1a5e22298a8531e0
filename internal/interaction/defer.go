package interaction

import (
	"context"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"
)

// ResponseTimeout is the time in which Discord wants the response to an interaction.
const ResponseTimeout = 3 * time.Second

// deferTimeout bounds the sending of a deferral. One that takes longer is too late.
const deferTimeout = ResponseTimeout

// A Deferral says what is to be deferred, and how.
type Deferral struct {
	Of        *discordgo.Interaction
	OnMessage bool      // see Answers.Track
	Received  time.Time // its age counts from here if its id does not tell
	Client    *http.Client
	UserAgent string
	Ephemeral bool // the placeholder is for the user alone
}

// DeferAfter defers an interaction when it is as old as that, unless it was responded to or settle
// was called before. The caller must call settle, which waits for a deferral that is on its way and
// returns its error.
func (s *Answers) DeferAfter(
	ctx context.Context, after time.Duration, d Deferral,
) (settle func() error) {
	answer := s.Track(d.Of, d.OnMessage)
	deferred := make(chan error, 1)
	age := time.Since(madeAt(d.Of.ID, d.Received))
	timer := time.AfterFunc(min(after-age, after), func() {
		ctx, cancel := context.WithTimeout(ctx, deferTimeout)
		defer cancel()
		deferred <- answer.Defer(ctx, d.Client, d.UserAgent, d.Ephemeral)
	})
	return func() error {
		defer s.Release(answer)
		if timer.Stop() {
			return nil
		}
		return <-deferred
	}
}
