package runner

import (
	"fmt"
	"strings"
	"sync"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/interaction"
)

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

// reportUnclaimed reports an interaction that nobody sees to.
func (r *Runner[E]) reportUnclaimed(e E) {
	n := interaction.NameOf(r.cfg.About(e).Raw)
	if n.Type == discordgo.InteractionPing || !r.unclaimed.first(n) {
		return
	}
	r.report(r.ctx, e, r.cfg.Errors.Unclaimed(n))
}
