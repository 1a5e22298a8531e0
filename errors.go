package botwright

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	protection "github.com/botwright/botwright/internal/protect"
	"github.com/botwright/botwright/internal/runner"
)

var (
	// ErrShutdown is the cause of a handler's context that ends because the bot is stopping.
	ErrShutdown = errors.New("botwright: the bot is shutting down")

	// ErrGoexit is reported for a handler that ended its goroutine, as FailNow and Fatal of a test
	// do. The event counts as handled, and its other handlers are called.
	ErrGoexit = runner.ErrGoexit

	// ErrHandlerTimeout is the cause of a handler's context that [Timeout] has ended.
	ErrHandlerTimeout = errors.New("botwright: the handler's deadline has passed")

	// ErrAlreadyOpen is returned by Open and Run if the bot was opened before.
	ErrAlreadyOpen = errors.New("botwright: the bot was opened before: make a new one with New")

	// ErrUnauthorized says that Discord does not accept the bot's token.
	ErrUnauthorized = errors.New("botwright: Discord does not accept the token: " + badToken)

	// ErrWebhookGone is returned for a webhook that no longer exists, as Discord said before, or
	// for an interaction whose token has expired. The request was not sent, because Discord
	// restricts bots that keep asking.
	ErrWebhookGone = errors.New("botwright: the webhook no longer exists, or the " +
		"interaction's token has expired")

	// ErrNotOwned is returned for a shard that this process does not have, and for its guilds.
	ErrNotOwned = errors.New("botwright: this process does not have the shard")

	// ErrMissingIntent is returned for what Discord does not give to a bot without a certain
	// intent.
	ErrMissingIntent = errors.New("botwright: an intent is missing")

	// ErrNotOpen is returned by what needs the number of shards before the bot knows it.
	ErrNotOpen = errors.New("botwright: the bot is not open yet")
)

const (
	portal   = "https://discord.com/developers/applications"
	badToken = "it is wrong or was reset; copy the current one from the Bot page at " + portal
)

// A PanicError is a panic of a handler or another function of yours.
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

func newPanicError(value any, stack []byte) error { return &PanicError{Value: value, Stack: stack} }

// protect calls f and makes an error of its panic.
func protect(f func() error) error { return protection.Call(f, newPanicError) }

// A DecodeError says that the payload of an event does not fit discordgo's struct for it. The
// payload's contents are not part of the message.
type DecodeError struct {
	Type string // of the event
	Err  error
}

func (e *DecodeError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// A SlowHandlerError reports a handler that runs for longer than QueueConfig.Slow. It goes to the
// ErrorHandler when the handler is slow for the first time, with its stack, then once a minute
// while that lasts, however many calls there are, and when all of them have returned. The handler
// keeps running.
type SlowHandlerError struct {
	Handler string        // the name of its function
	Type    string        // of the event
	Key     string        // the guild and channel of the event, or its shard if it has neither
	Age     time.Duration // since it began; of several calls the one that began first
	Calls   int           // that are slow now, or were and have returned since the last report
	Ended   bool          // they have returned; Age is how long the last one took
	Stack   string        // what it was doing; empty when it has returned

	// Blocks says that later events of the same channel or guild wait for the handler, because it
	// was registered with neither Concurrent nor Ordered and the event is not an interaction.
	Blocks bool
}

func (e *SlowHandlerError) Error() string {
	state := "has been running for"
	if e.Ended {
		state = "returned after"
	}
	text := fmt.Sprintf("handler %s of %s (%s) %s %s",
		e.Handler, e.Type, e.Key, state, e.Age.Round(time.Millisecond))
	if e.Calls > 1 {
		text += fmt.Sprintf("; %d calls of it were slow", e.Calls)
	}
	if e.Blocks && !e.Ended {
		text += "; what happens there meanwhile waits for it: register a handler that waits with " +
			"Concurrent"
	}
	return text
}

// An OverflowError reports events that were dropped before their handlers, because a guild had more
// than its share of a filling queue; see [QueueConfig]. State has still seen them. The error goes
// to the ErrorHandler, at most once a minute per guild. GuildID says whose events they were, or
// ChannelID for direct messages. Both are empty for events of the bot itself, and when too many
// guilds lose events to name them all.
type OverflowError struct {
	GuildID, ChannelID string
	Dropped            uint64 // since it was last reported
}

func (e *OverflowError) Error() string {
	of := "of no guild"
	switch {
	case e.GuildID != "":
		of = "of guild " + e.GuildID
	case e.ChannelID != "":
		of = "of the direct messages in channel " + e.ChannelID
	}
	return fmt.Sprintf("%d events %s were dropped, as more of them waited than its share of the "+
		"queue: its handlers are slower than its events come. Make them faster, filter before "+
		"they begin, or raise the limits with WithQueue", e.Dropped, of)
}

// An UnhandledInteractionError reports an interaction that had no handler: its user sees "The
// application did not respond". It goes to the ErrorHandler once for each command, and for each
// custom id up to its first colon, for the first hundred of them.
type UnhandledInteractionError struct {
	Type discordgo.InteractionType
	Name string // a command with its subcommands, such as "config set", or a custom id
	menu bool
}

func (e *UnhandledInteractionError) Error() string {
	switch e.Type {
	case discordgo.InteractionMessageComponent:
		return fmt.Sprintf("nobody handles clicks on %q: register a handler with Component(%[1]q), "+
			"unless the message is from before a restart", e.Name)
	case discordgo.InteractionModalSubmit:
		return fmt.Sprintf("nobody handles the form %q: register a handler with Modal(%[1]q)", e.Name)
	case discordgo.InteractionApplicationCommandAutocomplete:
		return fmt.Sprintf("nobody completes what users type in options of /%s: register a "+
			"handler with Autocomplete(%[1]q)", e.Name)
	}
	what := "/" + e.Name
	if e.menu {
		what = fmt.Sprintf("the menu entry %q", e.Name)
	}
	return fmt.Sprintf("nobody handles %s: register a handler with Command(%q)", what, e.Name)
}

// A ShardError says that Discord refuses a shard for good. It ends [Bot.Run].
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

// An IdentifyBudgetError reports that the day's IDENTIFYs are used up, except for a reserve. Shards
// that have lost their session wait until ResetAt and then identify by themselves.
type IdentifyBudgetError struct {
	Remaining int
	ResetAt   time.Time
}

func (e *IdentifyBudgetError) Error() string {
	return fmt.Sprintf("only %d IDENTIFYs are left until %s: shards without a session wait "+
		"until then; find out why sessions are lost so often",
		e.Remaining, e.ResetAt.Format(time.RFC3339))
}

// A ShutdownError says what [Bot.Shutdown] had to leave behind when its time was up.
type ShutdownError struct {
	Running  int      // handlers that had not returned
	Handlers []string // their names, sorted; one that runs twice is there twice
	Waiting  int      // events that no handler had begun with, those put off by Debounce included

	// Others names what else had not returned, such as "shard 3" if a [KeyFunc] holds up its
	// events, "session store", "health checks and alerts" or "error handler".
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
