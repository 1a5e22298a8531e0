package botwright

import (
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
	"github.com/botwright/botwright/internal/interaction"
)

// Command passes uses of the application command with that name, such as "ping" for /ping or
// "Report message" for an entry of a context menu. "config set" is the subcommand set of /config,
// and "config role add" is a subcommand in the group role. "config" alone is all of /config. Like
// all filters of interactions, it decides before the event is decoded. Command panics if the name
// is empty.
func Command(name string) Middleware {
	mustRoute("Command", name, `the command's name, such as "ping" or "config set"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionApplicationCommand) && usesCommand(e, name)
	})
}

// Autocomplete passes requests to complete what a user is typing in an option of that command. The
// name works as in [Command].
func Autocomplete(command string) Middleware {
	mustRoute("Autocomplete", command, `the command's name, such as "ping" or "config set"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionApplicationCommandAutocomplete) &&
			usesCommand(e, command)
	})
}

// Component passes clicks on buttons, and choices from select menus, whose custom id begins with
// prefix. To match one id only, pass the whole id. End a prefix with a separator, as in "page:", or
// it matches "pages" too. Component panics if the prefix is empty.
func Component(prefix string) Middleware {
	mustRoute("Component", prefix, `what the custom ids begin with, such as "page:"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionMessageComponent) && hasCustomID(e, prefix)
	})
}

// Modal passes submissions of forms whose custom id begins with prefix; see [Component].
func Modal(prefix string) Middleware {
	mustRoute("Modal", prefix, `what the custom ids begin with, such as "report:"`)
	return route(func(e *Event) bool {
		return isInteraction(e, discordgo.InteractionModalSubmit) && hasCustomID(e, prefix)
	})
}

// route is a Filter whose yes means that somebody sees to the interaction; see runner.Ticket.
func route(matches func(*Event) bool) Middleware {
	return Filter(func(e *Event) bool {
		if !matches(e) {
			return false
		}
		e.ticket.Claim()
		return true
	})
}

func mustRoute(filter, value, want string) {
	if strings.TrimSpace(value) == "" {
		panic("botwright: " + filter + " was given an empty string: pass " + want)
	}
}

const interactionCreate = "INTERACTION_CREATE"

func isInteraction(e *Event, kind discordgo.InteractionType) bool {
	return e.Type == interactionCreate && interaction.TypeOf(e.raw) == kind
}

// usesCommand compares the name of a command, and those of the subcommands that are the first
// and only options, word by word. A name with a space in it can only be that of a context menu.
func usesCommand(e *Event, name string) bool {
	at, _ := frame.Find(e.raw, "data")
	for {
		v, _ := frame.Find(at, "name")
		used, ok := frame.Text(v)
		if !ok {
			return false
		}
		rest, found := strings.CutPrefix(name, string(used))
		if found && rest == "" {
			return true
		}
		if !found || rest[0] != ' ' {
			return false
		}
		options, _ := frame.Find(at, "options")
		if at, ok = frame.First(options); !ok || !interaction.IsSubcommand(at) {
			return false
		}
		name = rest[1:]
	}
}

func hasCustomID(e *Event, prefix string) bool {
	data, _ := frame.Find(e.raw, "data")
	v, _ := frame.Find(data, "custom_id")
	id, ok := frame.Text(v)
	return ok && len(id) >= len(prefix) && string(id[:len(prefix)]) == prefix
}

// interactionOf reads what it takes to answer an interaction; nil if the event is none.
func interactionOf(e *Event) *discordgo.Interaction {
	if e.Type != interactionCreate {
		return nil
	}
	read := func(name string) string {
		v, _ := frame.Find(e.raw, name)
		s, _ := frame.Text(v)
		return string(s)
	}
	i := &discordgo.Interaction{
		ID:    read("id"),
		AppID: read("application_id"),
		Token: read("token"),
		Type:  interaction.TypeOf(e.raw),
	}
	if i.ID == "" || i.Token == "" {
		return nil
	}
	return i
}

// madeAt returns when an id was made, or otherwise if it is no snowflake.
func madeAt(id string, otherwise time.Time) time.Time {
	t, err := discordgo.SnowflakeTimestamp(id)
	if err != nil {
		return otherwise
	}
	return t
}
