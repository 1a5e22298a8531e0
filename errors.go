package botwright

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrShutdown is the cause of a handler's context that ends because the bot is stopping.
	ErrShutdown = errors.New("botwright: the bot is shutting down")

	// ErrGoexit is reported for a handler that has ended its goroutine, as the FailNow and Fatal of
	// a test do. The event counts as handled, and its other handlers are called.
	ErrGoexit = errors.New("botwright: the handler has ended its goroutine (runtime.Goexit): " +
		"return an error instead, and keep the FailNow and Fatal of tests out of handlers")

	// ErrHandlerTimeout is the cause of a handler's context that [Timeout] has ended.
	ErrHandlerTimeout = errors.New("botwright: the handler's deadline has passed")

	// ErrAlreadyOpen is returned by Open and Run if the bot was opened before.
	ErrAlreadyOpen = errors.New("botwright: the bot was opened before: make a new one with New")

	// ErrUnauthorized says that Discord does not accept the bot's token.
	ErrUnauthorized = errors.New("botwright: Discord does not accept the token: " + badToken)

	// ErrWebhookGone is returned for a webhook that Discord has said before does not exist any more, or
	// for an interaction whose token has expired. The request was not sent: Discord restricts bots
	// that go on asking.
	ErrWebhookGone = errors.New("botwright: the webhook does not exist any more, or the " +
		"interaction's token has expired")

	// ErrNotOwned is returned for a shard that this process does not have, and for its guilds.
	ErrNotOwned = errors.New("botwright: the shard is not one of this process")

	// ErrMissingIntent is returned for what Discord refuses to a bot without a certain intent.
	ErrMissingIntent = errors.New("botwright: an intent is missing")

	// ErrNotOpen is returned where the number of shards must be known and is not yet.
	ErrNotOpen = errors.New("botwright: the bot is not open yet")
)

const (
	portal   = "https://discord.com/developers/applications"
	badToken = "it is wrong or was reset; copy the current one from the Bot page at " + portal
)

// A PanicError is a panic of a handler.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of its goroutine, as by debug.Stack
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value that the handler panicked with if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A DecodeError says that the payload of an event does not fit discordgo's struct for it. The
// payload's contents are not part of the message.
type DecodeError struct {
	Type string // of the event
	Err  error
}

func (e *DecodeError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// A ShardError is the end of a shard that Discord will not have back. It ends [Bot.Run].
type ShardError struct {
	ShardID int
	Code    int // Discord's close code
	Err     error
	intents string // the privileged ones that were asked for
}

func (e *ShardError) Error() string {
	return fmt.Sprintf("shard %d cannot go on (close code %d): %s", e.ShardID, e.Code, e.advice())
}

// Unwrap returns the cause.
func (e *ShardError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrUnauthorized] and the token was the reason.
func (e *ShardError) Is(target error) bool {
	return e.Code == 4004 && target == ErrUnauthorized
}

// advice says what happened and what a person can do about it.
func (e *ShardError) advice() string {
	switch e.Code {
	case 4004:
		return "Discord does not accept the token: " + badToken
	case 4010:
		return "Discord does not accept the shard number or the number of shards: " +
			"use WithShards(0), or a multiple of what Discord recommends"
	case 4011:
		return "the bot is in too many guilds for so few shards: use WithShards(0)"
	case 4012:
		return "Discord has retired this version of its gateway: update botwright"
	case 4013:
		return "the intents hold a bit that Discord does not know: see WithIntents"
	case 4014:
		return "the application may not use the privileged intents it asks for (" + e.intents +
			"): enable them under Privileged Gateway Intents on the Bot page at " + portal
	}
	return e.Err.Error()
}

// An IdentifyBudgetError reports that the day's IDENTIFYs are used up but for a reserve. Shards
// that have lost their session wait until ResetAt and then go on by themselves.
type IdentifyBudgetError struct {
	Remaining int
	ResetAt   time.Time
}

func (e *IdentifyBudgetError) Error() string {
	return fmt.Sprintf("only %d IDENTIFYs are left until %s: shards without a session wait "+
		"until then; find out why sessions are lost so often",
		e.Remaining, e.ResetAt.Format(time.RFC3339))
}

// A ShutdownError says what [Bot.Shutdown] had to cut off when its time was up.
type ShutdownError struct {
	Running  int      // handlers that had not returned
	Handlers []string // their names, sorted; one that runs twice is there twice
	Waiting  int      // events that no handler had begun with, those put off by Debounce included

	// Others names what else had not returned, such as "shard 3", whose events a [KeyFunc] holds
	// up, "session store", "health checks and alerts" or "error handler".
	Others []string
}

func (e *ShutdownError) Error() string {
	names := ""
	if len(e.Handlers) > 0 {
		names = " (" + strings.Join(counted(e.Handlers), ", ") + ")"
	}
	text := fmt.Sprintf("shutdown: %d handlers%s had not returned in time and "+
		"%d events were not handled", e.Running, names, e.Waiting)
	if n := len(e.Others); n > 0 {
		shown := counted(e.Others[:min(n, maxOthers)])
		if n > maxOthers {
			shown = append(shown, fmt.Sprintf("and %d more", n-maxOthers))
		}
		text += "; these had not ended either: " + strings.Join(shown, ", ")
	}
	return text + ": let functions return when their context ends, or see WithShutdownTimeout"
}

// maxOthers is how many of a ShutdownError's Others its message names.
const maxOthers = 8

// counted returns each of the sorted names once, with the number of times that it is there.
func counted(names []string) []string {
	var list []string
	for len(names) > 0 {
		n := 1
		for n < len(names) && names[n] == names[0] {
			n++
		}
		if n == 1 {
			list = append(list, names[0])
		} else {
			list = append(list, fmt.Sprintf("%s ×%d", names[0], n))
		}
		names = names[n:]
	}
	return list
}
