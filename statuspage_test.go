package botwright_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	statuspage "github.com/botwright/botwright/internal/status"
)

// pageOf returns what the page of the bot shows.
func pageOf(t *testing.T, bot *botwright.Bot) statuspage.Page {
	t.Helper()
	w := httptest.NewRecorder()
	bot.AdminHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/status.json", http.NoBody))
	var page statuspage.Page
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	return page
}

// A shard is down since it was lost, not since its last attempt, and nothing reaches its guilds.
func TestPageOfADeadShard(t *testing.T) {
	t.Parallel()
	srv := newServer(t, discordtest.Config{Guilds: 6, MaxConcurrency: 2})
	bot := newBot(t, srv, botwright.WithShards(2))
	open(t, bot)
	poll(t, func() bool { return bot.Report().Guilds == 6 })
	dead := bot.Shards()[1].Guilds

	srv.RefuseGateway(true)
	srv.RefuseResume(true)
	srv.Conn(1).Reset()
	poll(t, func() bool { return bot.Shards()[1].FailedDials >= 2 })
	down := bot.Shards()[1].DownSince
	poll(t, func() bool { return bot.Shards()[1].FailedDials >= 4 && !bot.Shards()[1].RetryAt.IsZero() })
	if st := bot.Shards()[1]; !st.DownSince.Equal(down) || st.RetryAt.Before(down) {
		t.Errorf("down since %v, want %v; next try at %v", st.DownSince, down, st.RetryAt)
	}
	var page statuspage.Page
	poll(t, func() bool { // it is made once a second
		page = pageOf(t, bot)
		return page.Totals.Ready == 1
	})
	if page.Totals.Guilds != 6-dead || page.Totals.Unavailable != dead {
		t.Errorf("%d guilds and %d that cannot be reached, of 6; shard 1 had %d",
			page.Totals.Guilds, page.Totals.Unavailable, dead)
	}
	if s := page.Processes[0].Shards[1]; s.Down != down.Unix() || s.Guilds != 0 || s.Unavailable != dead {
		t.Errorf("the shard: %+v", s)
	}
}
