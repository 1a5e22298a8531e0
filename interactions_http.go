package botwright

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/signed"
)

// InteractionsHandler returns the endpoint for an application to which Discord sends interactions
// by HTTP instead of over the gateway. Serve it at the Interactions Endpoint URL, which you set on
// the General Information page of the developer portal. publicKey is the application's public key
// in hexadecimal, from the same page. The error says what is wrong with it.
//
// Interactions reach the same handlers as those from the gateway, with the session of the guild's
// shard, or of the first shard of this process. Handlers answer in the same way: the endpoint
// itself only tells Discord that it has accepted the interaction (202). It answers Discord's pings.
//
// A request is refused with 401 if Discord did not sign it within the last minute, 405 if it is not
// a POST, 408 if its body takes longer than 3 s, 409 if it was handled before, 413 if it is larger
// than 1 MiB, 400 if it is not JSON, and 503 while the bot is not open or its queue is full. A
// request without a signature is refused before its body is read. The endpoint may be called from
// many goroutines and does not wait for handlers.
func (b *Bot) InteractionsHandler(publicKey string) (http.Handler, error) {
	key, err := signed.ParseKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("botwright: InteractionsHandler: %w: copy it from the General "+
			"Information page at %s", err, portal)
	}
	return &interactionsEndpoint{bot: b, key: key}, nil
}

type interactionsEndpoint struct {
	bot  *Bot
	key  signed.Key
	seen signed.Replays
}

// ServeHTTP implements http.Handler.
func (h *interactionsEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	body, status := h.key.Read(w, r)
	switch {
	case status != http.StatusOK:
		refuse(w, status)
	case !frame.Valid(body):
		refuse(w, http.StatusBadRequest)
	case isPing(body):
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"type":1}`)
	default:
		h.take(w, body)
	}
}

// take queues an interaction, once.
func (h *interactionsEndpoint) take(w http.ResponseWriter, body []byte) {
	v, _ := frame.Lookup(body, "id")
	id, hasID := frame.Snowflake(v)
	if hasID && !h.seen.Add(id) {
		refuse(w, http.StatusConflict)
		return
	}
	if !h.bot.takeInteraction(body) {
		h.seen.Forget(id)
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

// takeInteraction queues an interaction for those who want it, and is false if that is not
// possible now: it waits for nothing. Without a sequence it is no event of a session, which
// Discord could send again, so that nobody tracks it.
func (b *Bot) takeInteraction(body []byte) bool {
	b.mu.Lock()
	f, isOpen := b.fleet, b.state == botOpen
	b.mu.Unlock()
	if !isOpen || f == nil {
		return false
	}
	in := gateway.Frame{Type: []byte(interactionCreate), Data: body, Received: time.Now()}
	b.metrics.interaction(body, in.Received)
	return f.shardOf(in.Data).intake.Offer(&in)
}
