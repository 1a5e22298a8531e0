// Package legacy looks at what a program that was written for discordgo does to a session: what of
// it has no effect when a bot owns the session, so that the program can be told.
package legacy

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// Settings are the fields of a session that belong to the bot.
type Settings struct {
	ShardID, ShardCount int
	Token               string
	Client              *http.Client
}

// SettingsOf returns what a session has.
func SettingsOf(s *discordgo.Session) Settings {
	return Settings{s.ShardID, s.ShardCount, s.Token, s.Client}
}

// Changed returns what of the settings is different in a session, in words that say what to do
// instead, and puts it right.
func (want Settings) Changed(s *discordgo.Session) []string {
	var changes []string
	if s.ShardID != want.ShardID || s.ShardCount != want.ShardCount {
		changes = append(changes, "the session's ShardID or ShardCount was set: use WithShards")
	}
	if s.Token != want.Token {
		changes = append(changes, "the session's Token was set: pass it to New")
	}
	if s.Client != want.Client {
		changes = append(changes, "the session's Client was replaced: use WithHTTPClient, or wrap "+
			"its Transport")
	}
	s.ShardID, s.ShardCount, s.Token, s.Client = want.ShardID, want.ShardCount, want.Token, want.Client
	return changes
}

// RefuseOpen makes the session's Open fail with err, until something else sets its Dialer.
func RefuseOpen(s *discordgo.Session, err error) {
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, err }
	s.Dialer = &websocket.Dialer{NetDialContext: refuse, NetDialTLSContext: refuse}
}

// Handled returns the names of the events that handlers were added for with Session.AddHandler or
// AddHandlerOnce, sorted. Handlers that take all events, as an interface or a *discordgo.Event, are
// "*". What discordgo makes up itself, such as Connect, is left out.
//
// It reads the keys of the private maps that discordgo keeps its handlers in (session.go), which
// nothing public shows, and none of their values. If a later version has no such maps, nothing is
// found. No handler may be added meanwhile.
func Handled(s *discordgo.Session) []string {
	var types []string
	for _, name := range []string{"handlers", "onceHandlers"} {
		m := reflect.ValueOf(s).Elem().FieldByName(name)
		if m.Kind() != reflect.Map || m.Type().Key().Kind() != reflect.String {
			continue
		}
		for _, key := range m.MapKeys() {
			switch t := key.String(); {
			case t == "__EVENT__" || t == "__INTERFACE__":
				types = append(types, "*")
			case !strings.HasPrefix(t, "__"):
				types = append(types, t)
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}
