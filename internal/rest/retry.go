package rest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
)

// createMessage is the one POST that can be made safe to send twice: Discord returns the first
// message if another has the same nonce.
const createMessage = "/channels/{id}/messages"

// addNonce gives a message a nonce that Discord enforces, and reports whether the message may be
// sent twice. A form with files has its message in a part and is left alone, and so is a message
// that may have a nonce of its own.
func (c *call) addNonce() bool {
	r := c.request
	if r.GetBody == nil || r.ContentLength < minMessage || r.ContentLength > maxFailure ||
		r.Header.Get("Content-Type") != "application/json" {
		return false
	}
	content := make([]byte, 0, r.ContentLength+64)
	content = append(content, `{"nonce":"`...)
	content = strconv.AppendUint(content, rand.Uint64(), 10)
	content = append(content, `","enforce_nonce":true`...)
	begin := len(content)
	content = content[:begin+int(r.ContentLength)]
	message := content[begin:]
	if _, err := io.ReadFull(r.Body, message); err != nil {
		_ = c.rewind() // if that fails, so will sending it
		return false
	}
	closeBody(r)
	if message[0] != '{' || bytes.Contains(message, []byte(`"nonce"`)) {
		c.content = message
		return false
	}
	message[0] = ','
	c.content = content
	return true
}

// minMessage is the length of {"a":0}: no message is shorter.
const minMessage = 7

// A content is a request's body that was read before and can be sent any number of times.
type content struct{ bytes.Reader }

// Close implements io.Closer.
func (*content) Close() error { return nil }

// setContent makes the content the body of r.
func (c *call) setContent(r *http.Request) {
	body := &c.reader
	if c.attempts > 1 { // the first may still be read from, after an early answer
		body = new(content)
	}
	body.Reset(c.content)
	r.Body, r.ContentLength = body, int64(len(c.content))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.content)), nil }
}

// rewind makes the request ready for another attempt.
func (c *call) rewind() error {
	r := c.request
	if c.content != nil || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.GetBody == nil {
		return errNoBody
	}
	body, err := r.GetBody()
	if err != nil {
		return err
	}
	again := *r
	again.Body = body
	c.request = &again
	return nil
}

// errNoBody says that a request cannot be sent again.
var errNoBody = errors.New("the request's body cannot be sent a second time")

// replayable reports whether the request's body can be sent again.
func (c *call) replayable() bool {
	r := c.request
	return c.content != nil || r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
}

// neverSent reports whether a request has surely not reached Discord.
func neverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
