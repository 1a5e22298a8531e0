// Package commands tells whether application commands are already registered as they should be.
//
// Discord gives back what was registered with fields of its own: ids, a version, defaults, nulls for
// what is not set. [Equal] compares what is left without those.
package commands

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/bwmarrin/discordgo"
)

// Equal reports whether the commands that Discord has are those that are wanted, in any order. The
// order of options and choices counts: users see it. What Discord chooses for a command that does
// not say it (contexts, integration types and what came before those) is then not compared.
func Equal(have, want []*discordgo.ApplicationCommand) (bool, error) {
	if len(have) != len(want) {
		return false, nil
	}
	registered := make(map[Key]*discordgo.ApplicationCommand)
	for _, c := range have {
		registered[KeyOf(c)] = c
	}
	for _, c := range want {
		h := registered[KeyOf(c)]
		if h == nil {
			return false, nil
		}
		same, err := equal(h, c)
		if !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// A Key is what there can be only one command of, in one guild or globally.
type Key struct {
	Type discordgo.ApplicationCommandType
	Name string
}

// KeyOf returns the key of a command; no type means a slash command.
func KeyOf(c *discordgo.ApplicationCommand) Key {
	if c.Type == 0 {
		return Key{discordgo.ChatApplicationCommand, c.Name}
	}
	return Key{c.Type, c.Name}
}

func equal(have, want *discordgo.ApplicationCommand) (bool, error) {
	h, w := *have, *want
	for _, c := range []*discordgo.ApplicationCommand{&h, &w} {
		c.Type = KeyOf(c).Type
		c.ID, c.ApplicationID, c.GuildID, c.Version = "", "", "", ""
		if c.NSFW == nil {
			c.NSFW = new(bool)
		}
	}
	left, err := plain(&h)
	if err != nil {
		return false, err
	}
	right, err := plain(&w)
	if err != nil {
		return false, err
	}
	for _, name := range [...]string{
		"contexts", "integration_types", "dm_permission", "default_permission",
	} {
		if _, set := right[name]; !set {
			delete(left, name)
		}
	}
	return reflect.DeepEqual(left, right), nil
}

// plain returns a command as decoded JSON without what is null or empty.
func plain(c *discordgo.ApplicationCommand) (map[string]any, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode command %q: %w", c.Name, err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("decode command %q: %w", c.Name, err)
	}
	prune(v)
	return v, nil
}

// prune removes members that say no more than their absence: null, "" and what is empty.
func prune(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			prune(member)
			if blank(member) {
				delete(v, name)
			}
		}
	case []any:
		for _, element := range v {
			prune(element)
		}
	}
}

func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
