package events

import (
	"reflect"
	"strings"
	"unicode"
)

// WireName turns the name of discordgo's struct for an event, such as MessageCreate, into that on
// the wire, MESSAGE_CREATE.
func WireName(structName string) string {
	var b strings.Builder
	for i, r := range structName {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// IsWireName reports whether a name has the form of those on the wire.
func IsWireName(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// HasBefore reports whether discordgo's struct for an event has what State knew before.
func HasBefore(eventType string) bool {
	p := newPayload(eventType)
	if p == nil {
		return false
	}
	t := reflect.TypeOf(p).Elem()
	if t.Kind() != reflect.Struct {
		return false
	}
	_, update := t.FieldByName("BeforeUpdate")
	_, remove := t.FieldByName("BeforeDelete")
	return update || remove
}
