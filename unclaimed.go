package botwright

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/interaction"
)

// An UnhandledInteractionError reports an interaction that no handler was there for: its user reads
// "The application did not respond". It goes to the [ErrorHandler], once for each command, and for
// each custom id up to its first colon, of the first hundred.
type UnhandledInteractionError struct {
	Type discordgo.InteractionType
	Name string // a command with its subcommands, such as "config set", or a custom id
	menu bool
}

func (e *UnhandledInteractionError) Error() string {
	switch e.Type {
	case discordgo.InteractionMessageComponent:
		return fmt.Sprintf("nobody handles clicks on %q: register a handler with Component(%[1]q), "+
			"unless the message is from before a restart", e.Name)
	case discordgo.InteractionModalSubmit:
		return fmt.Sprintf("nobody handles the form %q: register a handler with Modal(%[1]q)", e.Name)
	case discordgo.InteractionApplicationCommandAutocomplete:
		return fmt.Sprintf("nobody completes what users type in options of /%s: register a "+
			"handler with Autocomplete(%[1]q)", e.Name)
	}
	what := "/" + e.Name
	if e.menu {
		what = fmt.Sprintf("the menu entry %q", e.Name)
	}
	return fmt.Sprintf("nobody handles %s: register a handler with Command(%q)", what, e.Name)
}

// care is whether anybody sees to an interaction. It is known when all handlers that may want it
// have returned.
type care struct {
	claimed atomic.Bool  // a route matched, a handler was called, or the user was answered
	parts   atomic.Int32 // calls of handlers that have not returned
}

func (c *care) claim() { c.claimed.Store(true) }

// divide notes in how many parts an event is handled.
func (c *care) divide(parts int) { c.parts.Store(int32(parts)) }

// end notes that a part has been handled. It is true for the last one of what nobody claimed.
func (c *care) end() (unclaimed bool) { return c.parts.Add(-1) == 0 && !c.claimed.Load() }

// maxUnclaimed bounds how many names are reported: custom ids may differ without end.
const maxUnclaimed = 100

// unclaimed are the interactions that were reported as nobody's, by name.
type unclaimed struct {
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

// first reports whether a name is new.
func (u *unclaimed) first(n interaction.Name) bool {
	text, _, _ := strings.Cut(n.Text, ":")
	key := fmt.Sprint(n.Type, n.Menu, text)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen[key] || len(u.seen) >= maxUnclaimed {
		return false
	}
	if u.seen == nil {
		u.seen = make(map[string]bool)
	}
	u.seen[key] = true
	return true
}

// endCare notes that a part of an event has been handled, and reports an interaction that nobody
// sees to.
func (b *Bot) endCare(e *Event) {
	if e.Type != interactionCreate || !e.care.end() {
		return
	}
	n := interaction.NameOf(e.raw)
	if n.Type == discordgo.InteractionPing || !b.unclaimed.first(n) {
		return
	}
	b.report(b.handlerCtx, e, &UnhandledInteractionError{Type: n.Type, Name: n.Text, menu: n.Menu})
}
