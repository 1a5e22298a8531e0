package botwright

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
)

// InteractionsHandler returns the endpoint for an application that has Discord send interactions
// by HTTP and not over the gateway: serve it at the Interactions Endpoint URL of the developer
// portal's General Information page. publicKey is the application's, in hexadecimal, from the same
// page; the error says what is wrong with it.
//
// Interactions reach the handlers that those from the gateway reach, with the session of the
// guild's shard, or of the first one here. Handlers answer in the same way; the endpoint itself
// tells Discord that it has taken the interaction (202) and no more. It answers Discord's pings.
//
// A request is refused with 401 if it is not signed by Discord or not of this minute, 405 if it is
// no POST, 413 if it is larger than 1 MiB, 400 if it is no JSON, and 503 while the bot is not open
// or its queue is full. The handler may be called by many goroutines at once and waits for no
// handler. Put it behind a server with a ReadTimeout: Discord gives a request 3 s.
func (b *Bot) InteractionsHandler(publicKey string) (http.Handler, error) {
	key, err := hex.DecodeString(publicKey)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("botwright: InteractionsHandler: the public key must be %d "+
			"hexadecimal digits: copy it from the General Information page at %s",
			2*ed25519.PublicKeySize, portal)
	}
	return &interactionsEndpoint{bot: b, key: key}, nil
}

type interactionsEndpoint struct {
	bot *Bot
	key ed25519.PublicKey
}

// maxInteraction bounds a request. The largest interactions, a command on a message or a form
// with long answers, have tens of kilobytes.
const maxInteraction = 1 << 20

// ServeHTTP implements http.Handler.
func (h *interactionsEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInteraction))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		refuse(w, http.StatusRequestEntityTooLarge)
	case err != nil:
		refuse(w, http.StatusBadRequest)
	case !h.signed(r.Header, body, time.Now()):
		refuse(w, http.StatusUnauthorized)
	case !frame.Valid(body):
		refuse(w, http.StatusBadRequest)
	case isPing(body):
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"type":1}`)
	case !h.bot.takeInteraction(body):
		refuse(w, http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// freshTime is how far the time of a request may be from ours. An interaction is worth 3 s; the
// rest is for clocks that are off. Without a limit a request that was overheard could be repeated
// for ever.
const freshTime = time.Minute

// signed reports whether Discord has signed a request, and only just.
func (h *interactionsEndpoint) signed(header http.Header, body []byte, now time.Time) bool {
	signature, err := hex.DecodeString(header.Get("X-Signature-Ed25519"))
	if err != nil || len(signature) != ed25519.SignatureSize {
		return false
	}
	timestamp := header.Get("X-Signature-Timestamp")
	if !ed25519.Verify(h.key, append([]byte(timestamp), body...), signature) {
		return false
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	return err == nil && now.Sub(time.Unix(seconds, 0)).Abs() <= freshTime
}

func isPing(body []byte) bool {
	v, _ := frame.Lookup(body, "type")
	return string(v) == "1"
}

// takeInteraction queues an interaction for those who want it, and is false if that is not
// possible now.
func (b *Bot) takeInteraction(body []byte) bool {
	b.mu.Lock()
	f, isOpen := b.fleet, b.state == botOpen
	b.mu.Unlock()
	queued := b.queue.Stats()
	if !isOpen || f == nil ||
		queued.Events >= b.cfg.queue.MaxEvents || queued.Bytes >= b.cfg.queue.MaxBytes {
		return false
	}
	in := gateway.Frame{Type: []byte(interactionCreate), Data: body, Received: time.Now()}
	b.metrics.interaction(body, in.Received)
	to := b.handlers.current.Load().find(in.Type)
	forward := b.sessionEvents[interactionCreate]
	if to == nil {
		to = &wanted{}
	}
	s := f.shardOf(in.Data)
	e, key := s.newEvent(interactionCreate, &in)
	return s.putAll(e, key, to, forward, false) != gateway.Refused
}

// shardOf returns the shard that an interaction would have come from, or the first one if that is
// in another process.
func (f *fleet) shardOf(interaction []byte) *shard {
	v, _ := frame.Lookup(interaction, "guild_id")
	guild, _ := frame.String(v)
	if id, err := ShardID(string(guild), f.count); err == nil {
		if s := f.find(id); s != nil {
			return s
		}
	}
	return f.shards[0]
}
