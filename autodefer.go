package botwright

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/interaction"
)

var (
	// ErrInteractionAnswered says that an interaction already has a response.
	ErrInteractionAnswered = interaction.ErrAnswered

	// ErrInteractionExpired says that an answer came too late. Discord accepts the response to an
	// interaction for 3 seconds, and edits and follow-up messages for 15 minutes.
	ErrInteractionExpired = interaction.ErrExpired

	// ErrInteractionDeferred says that a response, such as opening a modal, is no longer possible
	// because [AutoDefer] has deferred the interaction.
	ErrInteractionDeferred = interaction.ErrDeferred
)

// An InteractionError says why an answer to an interaction did not reach its user. It is returned
// by the methods of the bot's sessions, such as InteractionRespond, InteractionResponseEdit and
// FollowupMessageCreate. It wraps [ErrInteractionAnswered], [ErrInteractionExpired] or
// [ErrInteractionDeferred] where they apply, and the [*discordgo.RESTError] with Discord's answer
// if a request was made. The interaction's token is not part of the message.
type InteractionError struct {
	ID  string // of the interaction
	Err error
}

func (e *InteractionError) Error() string {
	return fmt.Sprintf("answer interaction %s: %v", e.ID, e.Err)
}

// Unwrap returns the cause.
func (e *InteractionError) Unwrap() error { return e.Err }

// answering returns the outermost part of a session's transport.
func (b *Bot) answering(next http.RoundTripper) http.RoundTripper {
	return &interaction.Transport{
		Answers: &b.home.answers,
		Fail:    func(id string, err error) error { return &InteractionError{ID: id, Err: err} },
		Next:    next,
	}
}

// AutoDefer defers an interaction if its handler has not responded when the interaction is as old
// as after. 2s is a good value: Discord wants a response within 3 s, and the deferral takes time to
// arrive. For a command, or a form that a command opened, the deferral shows a placeholder that
// everyone sees; see [AutoDeferEphemeral]. For a click, or a form that a click opened, it shows
// nothing.
//
// The handler need not know. It calls InteractionRespond as usual, for up to 15 minutes. A message
// then replaces the placeholder, or becomes a new message after a click or if only one of the two
// is ephemeral. An update updates the message. A deferral does nothing. InteractionResponseEdit and
// FollowupMessageCreate keep working. Only a modal can no longer be opened: that returns
// [ErrInteractionDeferred].
//
// The age follows from the interaction's id, which has Discord's time: if the host's clock is ahead
// by seconds, everything is deferred at once. If the deferral fails, its error is joined with the
// handler's. Nothing is deferred once the handler has returned, so the handler must wait for code
// that answers later. Autocompletions cannot be deferred, and events other than interactions pass
// through.
//
// AutoDefer panics if after is not between 0 and 3 s.
func AutoDefer(after time.Duration) Middleware { return autoDefer("AutoDefer", after, false) }

// AutoDeferEphemeral is [AutoDefer] with placeholders that only the waiting user sees.
func AutoDeferEphemeral(after time.Duration) Middleware {
	return autoDefer("AutoDeferEphemeral", after, true)
}

func autoDefer(name string, after time.Duration, ephemeral bool) Middleware {
	if after < 0 || after >= interaction.ResponseTimeout {
		panic(fmt.Sprintf("botwright: %s(%v): pass a duration under 3 s, such as 2 s, that "+
			"leaves a deferral the time to reach Discord", name, after))
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) (err error) {
			i := interactionOf(e)
			if i == nil || e.home == nil ||
				i.Type == discordgo.InteractionApplicationCommandAutocomplete {
				return next(ctx, e)
			}
			settle := e.home.answers.DeferAfter(ctx, after, interaction.Deferral{
				Of: i, OnMessage: interaction.OnMessage(e.raw), Received: e.Received,
				Client: e.Session.Client, UserAgent: e.Session.UserAgent, Ephemeral: ephemeral,
			})
			defer func() {
				if failed := settle(); failed != nil {
					err = errors.Join(err, fmt.Errorf("defer the interaction: %w",
						&InteractionError{ID: i.ID, Err: failed}))
				}
			}()
			return next(ctx, e)
		}
	}
}

// ReplyOnError tells the user of an interaction that its handler failed or panicked, in a message
// that only that user sees. It returns the error unchanged, to middleware around it and to the
// bot's ErrorHandler. An [*OptionError] is the user's own mistake: the user gets its text instead,
// and the error goes no further. ReplyOnError works whether or not the handler has responded, and
// with what [AutoDefer] has deferred. ReplyOnError panics if the text is empty.
func ReplyOnError(text string) Middleware {
	if text == "" {
		panic("botwright: ReplyOnError was given an empty text: pass what users are to read")
	}
	return ReplyOnErrorFunc(func(_ *Event, err error) string {
		if wrong, ok := errors.AsType[*OptionError](err); ok {
			return "The " + wrong.Error() + "."
		}
		return text
	})
}

// ReplyOnErrorFunc is [ReplyOnError] with a text for each error, for example in the user's
// language. "" sends no message. An [*OptionError] whose text was sent goes no further.
func ReplyOnErrorFunc(text func(e *Event, err error) string) Middleware {
	if text == nil {
		panic("botwright: ReplyOnErrorFunc was given a nil function: " +
			"pass a func(*botwright.Event, error) string")
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) error {
			err := protect(func() error { return next(ctx, e) })
			told, failed := replyOnError(ctx, e, err, text)
			if _, wrong := errors.AsType[*OptionError](err); wrong && told {
				err = nil
			}
			if failed != nil {
				err = errors.Join(err, failed)
			}
			return err
		}
	}
}

// replyTimeout bounds what the user of a failed handler is told with, in two requests at most.
const replyTimeout = 5 * time.Second

func replyOnError(
	ctx context.Context, e *Event, err error, text func(*Event, error) string,
) (told bool, failed error) {
	i := interactionOf(e)
	if err == nil || i == nil || i.Type == discordgo.InteractionApplicationCommandAutocomplete ||
		errors.Is(err, ErrInteractionExpired) {
		return false, nil
	}
	content := text(e, err)
	if content == "" {
		return false, nil
	}
	// The handler may have failed because its context had ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), replyTimeout)
	defer cancel()
	reply := interaction.Tell(ctx, e.Session, i, content)
	if reply != nil {
		return false, fmt.Errorf("tell the user of the error: %w", reply)
	}
	return true, nil
}
