package relay

import "encoding/json"

// Rewrite is what a frame of the session goes through before Send.
func Rewrite(message []byte) (op int, frames []json.RawMessage, err error) {
	op, d, err := parse(message)
	if err != nil {
		return 0, nil, err
	}
	frames, err = documented(op, d)
	return op, frames, err
}
