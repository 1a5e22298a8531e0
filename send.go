package botwright

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/botwright/botwright/internal/gateway"
)

var (
	// ErrPayloadTooLarge says that a gateway payload is larger than Discord's limit of 4096 bytes,
	// or a presence larger than 3072, which leaves room for the rest of an IDENTIFY.
	ErrPayloadTooLarge = gateway.ErrPayloadTooLarge

	// ErrSendQueueFull says that 1024 payloads are already waiting for one shard's connection.
	// Discord accepts 120 a minute.
	ErrSendQueueFull = gateway.ErrQueueFull

	// ErrOtherShard says that a guild's members were requested on a shard that does not have the
	// guild. [Bot.SessionFor] returns the session of the right one.
	ErrOtherShard = errors.New("botwright: the guild is on another shard: use SessionFor")
)

// A SendError says that a payload of a discordgo session for the gateway, such as a presence or a
// request for members, was not sent and will not be. It goes to the ErrorHandler, because the
// session's method has returned by then. Err may be [ErrPayloadTooLarge], [ErrSendQueueFull] or
// [ErrOtherShard].
type SendError struct {
	ShardID int
	Op      int // the gateway's opcode: 3 for a presence, 8 for a request for members
	Err     error
}

func (e *SendError) Error() string {
	return fmt.Sprintf("send op %d on shard %d: %v", e.Op, e.ShardID, e.Err)
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// Opcodes of the gateway that concern one guild or are sent by the bot itself.
const (
	opPresence       = 3
	opVoiceState     = 4
	opRequestMembers = 8
)

// send queues what the session wrote for the gateway.
func (s *shard) send(op int, d json.RawMessage) error {
	if op == opRequestMembers || op == opVoiceState {
		if err := s.checkGuild(d); err != nil {
			return err
		}
	}
	return s.gateway.Send(op, d)
}

// checkGuild refuses a guild of another shard: Discord does not answer there.
func (s *shard) checkGuild(d json.RawMessage) error {
	var command struct {
		GuildID string `json:"guild_id"`
	}
	if err := json.Unmarshal(d, &command); err != nil {
		return errors.New("its guild_id is not a string")
	}
	id, err := ShardID(command.GuildID, s.fleet.Count)
	if err != nil {
		return err
	}
	if id != s.id {
		return fmt.Errorf("%w: guild %s is on shard %d", ErrOtherShard, command.GuildID, id)
	}
	return nil
}

// sendFailed reports what the session wrote in vain. It is called within the call of the session,
// which holds its locks; an error handler may want to use the session.
func (s *shard) sendFailed(op int, err error) {
	s.bot.reportAside(nil, &SendError{ShardID: s.id, Op: op, Err: err})
}
