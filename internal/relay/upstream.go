package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/botwright/botwright/internal/protect"
)

// Gateway opcodes that a session writes and that mean something to the relay.
const (
	opHeartbeat      = 1
	opIdentify       = 2
	opPresence       = 3
	opResume         = 6
	opRequestMembers = 8
)

// forward puts d into documented form and gives it to Send. It does not block.
func (r *Relay) forward(op int, d json.RawMessage) {
	frames, err := documented(op, d)
	if err != nil {
		r.counts.refused.Add(1)
		r.cfg.Failed(op, fmt.Errorf("malformed: %w", err))
		return
	}
	for _, frame := range frames {
		if err := r.send(op, frame); err != nil {
			r.counts.sendErrors.Add(1)
			r.cfg.Failed(op, err)
			continue
		}
		r.counts.sent.Add(1)
	}
}

// send calls Send and contains its panic.
func (r *Relay) send(op int, d json.RawMessage) error {
	return protect.Call(func() error { return r.cfg.Send(op, d) }, func(v any, _ []byte) error {
		return fmt.Errorf("send panicked: %v", v)
	})
}

// refuse counts and logs a frame that is dropped, never with its content: op 2 carries the token.
func (r *Relay) refuse(size int, err error) {
	r.counts.refused.Add(1)
	r.cfg.Logger.Error("dropped an invalid frame of the session", "error", err, "bytes", size)
}

// parse splits a frame of the session. d is a copy, null when absent.
func parse(message []byte) (op int, d json.RawMessage, err error) {
	if !utf8.Valid(message) {
		return 0, nil, errors.New("invalid UTF-8")
	}
	var frame struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if err := json.Unmarshal(message, &frame); err != nil {
		return 0, nil, err
	}
	if frame.Op == nil {
		return 0, nil, errors.New("op is missing")
	}
	if frame.D == nil {
		frame.D = json.RawMessage("null")
	}
	return *frame.Op, frame.D, nil
}

// documented returns the frames that Discord documents for what discordgo writes: mostly d
// itself, made compact.
func documented(op int, d json.RawMessage) ([]json.RawMessage, error) {
	switch op {
	case opPresence:
		return presence(d)
	case opRequestMembers:
		return requestMembers(d)
	default:
		var compact bytes.Buffer
		if err := json.Compact(&compact, d); err != nil {
			return nil, err
		}
		return []json.RawMessage{compact.Bytes()}, nil
	}
}

// requestMembers makes one request per guild: discordgo writes guild_id as an array, of which
// Discord documents one snowflake.
func requestMembers(d json.RawMessage) ([]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(d, &fields); err != nil {
		return nil, err
	}
	ids, err := guildIDs(fields["guild_id"])
	if err != nil {
		return nil, err
	}
	frames := make([]json.RawMessage, 0, len(ids))
	for _, id := range ids {
		if fields["guild_id"], err = encode(id); err != nil {
			return nil, err
		}
		frame, err := encode(fields)
		if err != nil {
			return nil, err
		}
		frames = append(frames, frame)
	}
	return frames, nil
}

// guildIDs reads one snowflake or an array of them.
func guildIDs(d json.RawMessage) ([]string, error) {
	var ids []string
	if bytes.HasPrefix(d, []byte(`"`)) {
		ids = make([]string, 1)
		if err := json.Unmarshal(d, &ids[0]); err != nil {
			return nil, err
		}
	} else if d != nil {
		if err := json.Unmarshal(d, &ids); err != nil {
			return nil, err
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("guild_id is missing")
	}
	for _, id := range ids {
		if _, err := strconv.ParseUint(id, 10, 64); err != nil {
			return nil, errors.New("guild_id is not a snowflake")
		}
	}
	return ids, nil
}

// encode is json.Marshal without its HTML escapes, which Discord would count as bytes.
func encode(v any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
