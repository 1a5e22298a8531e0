package botwright

import (
	"fmt"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/gateway"
)

// NewEvent returns an event as the gateway delivers it.
func NewEvent(eventType, raw string) *Event {
	route := frame.RouteOf(eventType, []byte(raw))
	return &Event{
		Type: eventType, raw: []byte(raw), GuildID: string(route.Guild),
		ChannelID: string(route.Channel), UserID: string(route.User),
	}
}

// NewReader returns a function that does with one prebuilt frame what the goroutine that reads
// does: look at the envelope, and make an event of it if it is wanted. The queue is stopped, so
// that nothing but reading is measured.
func NewReader(eventType, data string, b *Bot) func() {
	b.handlers.seal()
	s := b.newShard(&fleet{count: 1}, 0, b.session)
	s.opened = true
	payload := fmt.Appendf(nil, `{"t":%q,"s":1,"op":0,"d":%s}`, eventType, data)
	b.queue.Stop()
	return func() {
		e, err := frame.Peek(payload)
		if err != nil {
			panic(err)
		}
		f := gateway.Frame{Type: e.Type, Seq: e.Seq, Data: e.Data}
		s.receive(&f)
	}
}

// Waiting returns how many calls of Next wait for events of a type.
func Waiting(b *Bot, eventType string) int {
	w := b.waitersFor(eventType)
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.shows)
}
