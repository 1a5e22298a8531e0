package interaction

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/redact"
)

// A state is where an interaction is; see the package documentation.
type state int

const (
	open state = iota
	loading
	quiet
	promised
	answered
	lost
)

// An Answer is the record of one interaction. Its methods may be called from any goroutine.
type Answer struct {
	id, app, token string
	onMessage      bool

	// Guarded by Answers.mu.
	users int
	kept  bool
	until time.Time

	mu       sync.Mutex // guards what follows
	state    state
	original string        // id of the message that stands in for @original; "" if none does
	turn     chan struct{} // closed when the request on its way has an outcome; nil if none is

	// Used by whoever has the turn.
	ephemeral bool // so is the placeholder, or what was promised
	unsure    bool // a deferral was sent and its outcome is unknown
}

// unfinished reports whether requests may still have to be changed.
func (a *Answer) unfinished() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.turn != nil || a.unsure || a.original != "" ||
		a.state == loading || a.state == quiet || a.state == promised
}

// Settled reports whether the handler can no longer respond: it has responded or deferred by
// itself, or Discord takes no response any more. Requests that are on their way do not count.
func (a *Answer) Settled() bool {
	s, _ := a.now()
	return s == promised || s == answered || s == lost
}

// now returns the state, and the id that stands in for @original.
func (a *Answer) now() (s state, original string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state, a.original
}

// take waits for the turn to send something. Whoever has it may use state and the other fields.
func (a *Answer) take(ctx context.Context) error {
	for {
		a.mu.Lock()
		turn := a.turn
		if turn == nil {
			a.turn = make(chan struct{})
			a.mu.Unlock()
			return nil
		}
		a.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// give ends the turn.
func (a *Answer) give() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.turn)
	a.turn = nil
}

// become changes the state. Only who has the turn calls it.
func (a *Answer) become(s state) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state = s
}

// replaceOriginal sets what stands in for @original. Only who has the turn calls it.
func (a *Answer) replaceOriginal(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.original = id
}

// Defer responds to the interaction with a deferral, unless there was a response; one that is on
// its way is waited for. An interaction from a message is deferred as an update of that message,
// which shows the user nothing; another with a placeholder that only the user sees if ephemeral
// is set. The errors are [ErrExpired] and those of the client.
func (a *Answer) Defer(
	ctx context.Context, client *http.Client, userAgent string, ephemeral bool,
) error {
	if err := a.take(ctx); err != nil {
		return err
	}
	defer a.give()
	if s, _ := a.now(); s != open {
		return nil
	}
	a.ephemeral = ephemeral
	r, err := a.deferral(ctx)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", userAgent)
	resp, err := client.Do(r)
	if err != nil {
		a.unsure = true
		if shown, ok := errors.AsType[*url.Error](err); ok {
			err = shown.Err // without the URL, which has the token
		}
		return err
	}
	defer resp.Body.Close()
	err = failure(resp)
	switch {
	case err == nil:
		a.deferred()
	case errors.Is(err, ErrAnswered): // by another process, say: then it is in good hands
		a.become(answered)
		return nil
	case errors.Is(err, ErrExpired):
		a.become(lost)
	}
	return err
}

// deferred notes that Discord has the deferral.
func (a *Answer) deferred() {
	a.unsure = false
	if a.onMessage {
		a.become(quiet)
	} else {
		a.become(loading)
	}
}

// ownKey marks, in a request's context, what a Transport is to let through.
type ownKey struct{}

func (a *Answer) deferral(ctx context.Context) (*http.Request, error) {
	response := discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseDeferredChannelMessageWithSource,
	}
	switch {
	case a.onMessage:
		response.Type = discordgo.InteractionResponseDeferredMessageUpdate
	case a.ephemeral:
		response.Data = &discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral}
	}
	body, err := json.Marshal(response)
	if err != nil {
		return nil, err
	}
	ctx = redact.Bare(context.WithValue(ctx, ownKey{}, true))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost,
		discordgo.EndpointInteractionResponse(a.id, a.token), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}
