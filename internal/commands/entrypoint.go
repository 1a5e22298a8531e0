package commands

import (
	"encoding/json"
	"fmt"

	"github.com/bwmarrin/discordgo"
)

// EntryPoint is the type of the command that opens an application's Activity. Discord makes it, and
// refuses an overwrite of all commands without it. discordgo has no field for its handler, so that
// it is kept as JSON.
const EntryPoint discordgo.ApplicationCommandType = 4

// Registered are the commands that Discord has, globally or in one guild.
type Registered struct {
	Commands []*discordgo.ApplicationCommand // without entry points
	Entry    []json.RawMessage               // entry points, as Discord gave them
}

// Decode reads Discord's list of commands.
func Decode(body []byte) (*Registered, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, fmt.Errorf("decode the list of commands: %w", err)
	}
	r := &Registered{}
	for _, b := range raw {
		c := new(discordgo.ApplicationCommand)
		if err := json.Unmarshal(b, c); err != nil {
			return nil, fmt.Errorf("decode a command: %w", err)
		}
		if c.Type == EntryPoint {
			r.Entry = append(r.Entry, b)
		} else {
			r.Commands = append(r.Commands, c)
		}
	}
	return r, nil
}

// Overwrite returns the list to send in place of what is registered: the commands that are wanted,
// and the entry points as they are. It is never null.
func (r *Registered) Overwrite(want []*discordgo.ApplicationCommand) []any {
	list := make([]any, 0, len(want)+len(r.Entry))
	for _, c := range want {
		list = append(list, c)
	}
	for _, e := range r.Entry {
		list = append(list, e)
	}
	return list
}
