package signed

import (
	"io"
	"net/http"

	"github.com/botwright/botwright/internal/frame"
)

// An Endpoint is what Discord sends interactions to. It answers pings, refuses what Discord has not
// signed or has sent before, and tells Discord of the rest no more than that it has it.
type Endpoint struct {
	Key  Key
	Take func(body []byte) bool // false if there is no room; must not block

	seen Replays
}

// ServeHTTP implements http.Handler.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	body, status := e.Key.Read(w, r)
	switch {
	case status != http.StatusOK:
		refuse(w, status)
	case !frame.Valid(body):
		refuse(w, http.StatusBadRequest)
	case isPing(body):
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"type":1}`)
	default:
		e.take(w, body)
	}
}

// take queues an interaction, once.
func (e *Endpoint) take(w http.ResponseWriter, body []byte) {
	v, _ := frame.Lookup(body, "id")
	id, hasID := frame.Snowflake(v)
	if hasID && !e.seen.Add(id) {
		refuse(w, http.StatusConflict)
		return
	}
	if !e.Take(body) {
		e.seen.Forget(id)
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

func isPing(body []byte) bool {
	v, _ := frame.Lookup(body, "type")
	return string(v) == "1"
}
