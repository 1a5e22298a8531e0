// Package signed reads the requests by which Discord sends interactions.
//
// What costs little is checked first, so that a stranger costs little: the form of the signature and
// the age of the timestamp before the body is read, the signature when it has come. A request has
// [ReadTimeout] for its body. One that was signed and overheard can be sent again while its
// timestamp is fresh; a [Replays] knows it then.
package signed

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	// MaxBody bounds a request. The largest interactions, a command on a message or a form with
	// long answers, have tens of kilobytes.
	MaxBody = 1 << 20

	// ReadTimeout is how long a body may take. Discord gives a request 3 s, answer included.
	ReadTimeout = 3 * time.Second

	// Fresh is how far the time of a request may be from ours. An interaction is worth 3 s; the
	// rest is for clocks that are off.
	Fresh = time.Minute
)

// A Key is the public key of an application.
type Key struct{ key ed25519.PublicKey }

// ParseKey reads a key in hexadecimal.
func ParseKey(s string) (Key, error) {
	key, err := hex.DecodeString(s)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return Key{}, fmt.Errorf("the public key must be %d hexadecimal digits",
			2*ed25519.PublicKeySize)
	}
	return Key{key}, nil
}

// Read returns the body of a request if Discord has signed it, and only just, or else the status
// to answer with.
func (k Key) Read(w http.ResponseWriter, r *http.Request) (body []byte, status int) {
	timestamp := r.Header.Get("X-Signature-Timestamp")
	signature, err := hex.DecodeString(r.Header.Get("X-Signature-Ed25519"))
	if err != nil || len(signature) != ed25519.SignatureSize || !fresh(timestamp, time.Now()) {
		return nil, http.StatusUnauthorized
	}
	if r.ContentLength > MaxBody {
		return nil, http.StatusRequestEntityTooLarge
	}
	// Not every server can have deadlines; it has its own limits then. The deadline must not
	// outlast the body: it would end the request.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(ReadTimeout))
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, http.StatusRequestEntityTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout
	case err != nil:
		return nil, http.StatusBadRequest
	}
	_ = control.SetReadDeadline(time.Time{})
	if !ed25519.Verify(k.key, append([]byte(timestamp), body...), signature) {
		return nil, http.StatusUnauthorized
	}
	return body, http.StatusOK
}

func fresh(timestamp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && now.Sub(time.Unix(seconds, 0)).Abs() <= Fresh
}

// Replays remembers ids for as long as a request with one could be sent again: between one and two
// times twice [Fresh]. The zero value remembers none. Its methods may be called from any goroutine.
type Replays struct {
	mu            sync.Mutex // guards what follows
	recent, older map[uint64]struct{}
	since         time.Time // when recent was begun
}

// Add is false if the id is known.
func (p *Replays) Add(id uint64) bool {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := now.Sub(p.since); age > 2*Fresh {
		p.older, p.recent, p.since = p.recent, nil, now
		if age > 4*Fresh {
			p.older = nil
		}
	}
	_, known := p.recent[id]
	if _, before := p.older[id]; known || before {
		return false
	}
	if p.recent == nil {
		p.recent = make(map[uint64]struct{})
	}
	p.recent[id] = struct{}{}
	return true
}

// Forget makes an id unknown: what it is of was not taken, and may be sent again.
func (p *Replays) Forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.recent, id)
	delete(p.older, id)
}
