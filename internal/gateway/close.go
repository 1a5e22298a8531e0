package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gorilla/websocket"
)

// A verdict says what becomes of the session when a connection has ended.
type verdict int

const (
	keep  verdict = iota // resume
	drop                 // identify anew
	fatal                // stop: trying again cannot help
)

// closeResumable is the code we close with when the session is to live on: any but 1000 and 1001
// does.
const closeResumable = 4000

// closeDecode is Discord's code for what it cannot decode.
const closeDecode = 4002

// closeVerdict maps the close code of the gateway to what to do. Discord documents which codes
// allow reconnecting, not which allow resuming: where in doubt the session is kept, which costs
// at most one refused RESUME. That goes for 1000 and 1001, too: it is our own that end a session,
// while a proxy in front of Discord that restarts sends 1001 on all shards at once.
func closeVerdict(code int) verdict {
	switch code {
	case 4004, // authentication failed
		4010, // invalid shard
		4011, // sharding required
		4012, // invalid API version
		4013, // invalid intents
		4014: // disallowed intents
		return fatal
	case 4001, // unknown opcode: never resumable
		4003, // not authenticated, or the session was invalidated
		4005, // already authenticated
		4007, // invalid sequence
		4009: // session timed out
		return drop
	}
	return keep
}

// A CloseError is a close frame from Discord.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("closed by Discord with code %d", e.Code)
	}
	return fmt.Sprintf("closed by Discord with code %d: %s", e.Code, e.Reason)
}

// An ending is why a connection ended and what follows.
type ending struct {
	verdict verdict
	err     error
	code    int           // close code from Discord, 0 without one
	stop    bool          // Run's context is done
	invalid bool          // op 9: Discord wants 1 to 5 s of peace before the next IDENTIFY
	dialed  bool          // there was a connection
	dialing time.Duration // how long there was none
	hello   bool          // the handshake had begun
	resume  bool          // it was a RESUME

	identify bool // an IDENTIFY was spent
	ready    bool // the connection was ready
	stable   bool // it was for stableAfter
}

// level returns how loudly to log the ending. The codes by which Discord complains of what we
// sent mean a mistake in the program; that it asks for a reconnect is routine.
func (e ending) level() slog.Level {
	if errors.Is(e.err, errReconnect) || errors.Is(e.err, errRestart) {
		return slog.LevelInfo
	}
	switch e.code {
	case 4001, 4002, 4003, 4005, 4007, 4008:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// endingOf classifies an error of the socket.
func endingOf(err error) ending {
	var ce *websocket.CloseError
	if errors.As(err, &ce) && ce.Code != websocket.CloseAbnormalClosure {
		return ending{
			verdict: closeVerdict(ce.Code),
			code:    ce.Code,
			err:     &CloseError{Code: ce.Code, Reason: ce.Text},
		}
	}
	return ending{err: err}
}
