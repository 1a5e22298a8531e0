package botwright

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/interaction"
)

var (
	// ErrInteractionAnswered says that an interaction was responded to before.
	ErrInteractionAnswered = interaction.ErrAnswered

	// ErrInteractionExpired says that an answer came too late: the response to an interaction is
	// due within 3 seconds, edits of it and further messages within 15 minutes.
	ErrInteractionExpired = interaction.ErrExpired

	// ErrInteractionDeferred says that a response is not possible since [AutoDefer] has deferred
	// the interaction, such as to open a modal.
	ErrInteractionDeferred = interaction.ErrDeferred
)

// An InteractionError says why an answer to an interaction did not reach its user. It is returned
// by the methods of the bot's sessions, such as InteractionRespond, InteractionResponseEdit and
// FollowupMessageCreate. It wraps [ErrInteractionAnswered], [ErrInteractionExpired] or
// [ErrInteractionDeferred] where they apply, and the *discordgo.RESTError with what Discord said
// if it was asked. The interaction's token is not part of the message.
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

// interactionTimeout is the time in which Discord wants the response to an interaction.
const interactionTimeout = 3 * time.Second

// deferTimeout bounds the sending of a deferral. One that takes longer is too late.
const deferTimeout = interactionTimeout

// AutoDefer defers an interaction for its handler if there is no response when it is as old as
// after, for which 2 s is a good value: Discord wants a response within 3 s, and a deferral has
// to get there. A command, and a form that a command opened, is deferred with a placeholder that
// everyone sees, see [AutoDeferEphemeral]; a click, and a form that a click opened, as an update
// of the message that was clicked, which shows nothing.
//
// The handler need not know. It calls InteractionRespond as ever, from then on for 15 minutes: a
// message becomes the placeholder's contents or, after a click or if it is for other eyes than
// the placeholder (ephemeral or not), a new message; an update updates the message; a deferral is
// there already. InteractionResponseEdit and FollowupMessageCreate go on to work. Only a modal
// cannot be opened any more: that is [ErrInteractionDeferred].
//
// The age is counted from the interaction's id, which Discord makes by its clock: on a host whose
// clock is fast by seconds everything is deferred at once. A deferral that fails is an error of
// the handler, beside its own. Once the handler has returned nothing is deferred: code that goes
// on to answer must have the handler wait for it, or respond in time. Completions of what a user
// is typing cannot be deferred, and events other than interactions are passed on.
//
// AutoDefer panics if after is not between 0 and 3 s.
func AutoDefer(after time.Duration) Middleware { return autoDefer("AutoDefer", after, false) }

// AutoDeferEphemeral is [AutoDefer] with placeholders that only the user sees who waits for the
// answer.
func AutoDeferEphemeral(after time.Duration) Middleware {
	return autoDefer("AutoDeferEphemeral", after, true)
}

func autoDefer(name string, after time.Duration, ephemeral bool) Middleware {
	if after < 0 || after >= interactionTimeout {
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
			_, onMessage := frame.Find(e.raw, "message")
			answer := e.home.answers.Track(i, onMessage)
			defer e.home.answers.Release(answer)
			deferral := make(chan error, 1)
			age := time.Since(madeAt(i.ID, e.Received))
			timer := time.AfterFunc(min(after-age, after), func() {
				ctx, cancel := context.WithTimeout(ctx, deferTimeout)
				defer cancel()
				deferral <- answer.Defer(ctx, e.Session.Client, e.Session.UserAgent, ephemeral)
			})
			defer func() {
				if timer.Stop() {
					return
				}
				if failed := <-deferral; failed != nil {
					err = errors.Join(err, fmt.Errorf("defer the interaction: %w",
						&InteractionError{ID: i.ID, Err: failed}))
				}
			}()
			return next(ctx, e)
		}
	}
}

// ReplyOnError tells the user of an interaction that its handler has failed or panicked, in a
// message that only that user sees. The error is passed on as it is: to middleware around it, and
// to the bot's [ErrorHandler]. An [*OptionError] is the user's own mistake: it is told in its own
// words in place of text, and not passed on. It works whether the handler has responded or not, and with what
// [AutoDefer] has deferred. ReplyOnError panics if the text is empty.
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

// ReplyOnErrorFunc is [ReplyOnError] with a text for each error, such as one in the user's
// language. For "" nothing is said. Of an [*OptionError] that was told, nothing is passed on.
func ReplyOnErrorFunc(text func(e *Event, err error) string) Middleware {
	if text == nil {
		panic("botwright: ReplyOnErrorFunc was given a nil function: " +
			"pass a func(*botwright.Event, error) string")
	}
	return func(next Handler) Handler {
		return func(ctx context.Context, e *Event) (err error) {
			defer func() {
				if v := recover(); v != nil {
					err = &PanicError{Value: v, Stack: debug.Stack()}
				}
				told, failed := replyOnError(ctx, e, err, text)
				if _, wrong := errors.AsType[*OptionError](err); wrong && told {
					err = nil
				}
				if failed != nil {
					err = errors.Join(err, failed)
				}
			}()
			return next(ctx, e)
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
	reply := e.Session.InteractionRespond(i, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{
			Content: content, Flags: discordgo.MessageFlagsEphemeral,
		},
	}, discordgo.WithContext(ctx))
	if errors.Is(reply, ErrInteractionAnswered) {
		_, reply = e.Session.FollowupMessageCreate(i, false, &discordgo.WebhookParams{
			Content: content, Flags: discordgo.MessageFlagsEphemeral,
		}, discordgo.WithContext(ctx))
	}
	if reply != nil {
		return false, fmt.Errorf("tell the user of the error: %w", reply)
	}
	return true, nil
}
