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

// Payloads returns the payloads of the websocket frames in what was written in pieces.
func Payloads(pieces [][]byte) (payloads [][]byte, err error) {
	var rest []byte
	for _, piece := range pieces {
		rest = append(rest, piece...)
		for {
			f, after, err := cutFrame(rest)
			if err != nil {
				return payloads, err
			}
			if f == nil {
				break
			}
			payloads, rest = append(payloads, f.payload), after
		}
	}
	return payloads, nil
}
