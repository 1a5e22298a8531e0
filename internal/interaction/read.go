package interaction

import (
	"strconv"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
)

// This file reads the data of an interaction on the wire, before it is decoded.

// UsesCommand compares the name of a command, and those of the subcommands that are the first
// and only options, word by word. A name with a space in it can only be that of a context menu.
func UsesCommand(raw []byte, name string) bool {
	at, _ := frame.Find(raw, "data")
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
		if at, ok = frame.First(options); !ok || !IsSubcommand(at) {
			return false
		}
		name = rest[1:]
	}
}

// HasCustomID reports whether the custom id of a component or form begins with prefix.
func HasCustomID(raw []byte, prefix string) bool {
	data, _ := frame.Find(raw, "data")
	v, _ := frame.Find(data, "custom_id")
	id, ok := frame.Text(v)
	return ok && len(id) >= len(prefix) && string(id[:len(prefix)]) == prefix
}

// Read reads what it takes to answer an interaction; nil if it has none of that.
func Read(raw []byte) *discordgo.Interaction {
	read := func(name string) string { return stringIn(raw, name) }
	i := &discordgo.Interaction{
		ID:    read("id"),
		AppID: read("application_id"),
		Token: read("token"),
		Type:  TypeOf(raw),
	}
	if i.ID == "" || i.Token == "" {
		return nil
	}
	return i
}

// OnMessage reports whether an interaction comes from a message.
func OnMessage(raw []byte) bool {
	_, ok := frame.Find(raw, "message")
	return ok
}

// madeAt returns when an id was made, or otherwise if it is not a snowflake.
func madeAt(id string, otherwise time.Time) time.Time {
	t, err := discordgo.SnowflakeTimestamp(id)
	if err != nil {
		return otherwise
	}
	return t
}

// PermissionsOf returns what the user of an interaction may do in its channel.
func PermissionsOf(raw []byte) int64 {
	v, _ := frame.Find(raw, "member", "permissions")
	text, _ := frame.String(v)
	granted, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0
	}
	if granted&discordgo.PermissionAdministrator != 0 {
		return ^0
	}
	return granted
}
