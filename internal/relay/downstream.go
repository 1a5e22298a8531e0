package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Frames from the relay to the session that never differ.
const (
	heartbeatACK = `{"op":11}`
	resumedFrame = `{"t":"RESUMED","s":0,"op":0,"d":{}}`
)

func helloFrame(interval time.Duration) []byte {
	// discordgo makes a ticker of it, which panics at zero.
	milliseconds := max(interval.Milliseconds(), 1)
	return fmt.Appendf(nil, `{"op":10,"d":{"heartbeat_interval":%d}}`, milliseconds)
}

// readyFrame returns the READY that the session gets for the d of Discord's. Its guilds are
// unavailable stubs which a session without State ignores and one with State gets from elsewhere.
func readyFrame(d json.RawMessage) ([]byte, error) {
	var essential struct {
		SessionID string `json:"session_id"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal(d, &essential); err != nil {
		return nil, err
	}
	if essential.SessionID == "" || essential.User.ID == "" {
		return nil, errors.New("session_id or user is missing")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(d, &fields); err != nil {
		return nil, err
	}
	fields["guilds"] = json.RawMessage("[]")
	d, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return dispatchFrame(1, "READY", d), nil
}

// isEvent reports whether the session survives an event of this type and payload: anything
// but an object would leave discordgo's struct without its embedded pointer.
func isEvent(eventType string, d []byte) bool {
	for i := range len(eventType) {
		if c := eventType[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return eventType != "" && bytes.HasPrefix(bytes.TrimLeft(d, " \t\r\n"), []byte("{"))
}

// dispatchFrame returns a new frame with a copy of d, which is not encoded again.
func dispatchFrame(seq int64, eventType string, d []byte) []byte {
	const around = len(`{"t":"","s":,"op":0,"d":}`) + len("-9223372036854775808")
	frame := make([]byte, 0, around+len(eventType)+len(d))
	frame = append(frame, `{"t":"`...)
	frame = append(frame, eventType...)
	frame = append(frame, `","s":`...)
	frame = strconv.AppendInt(frame, seq, 10)
	frame = append(frame, `,"op":0,"d":`...)
	frame = append(frame, d...)
	return append(frame, '}')
}
