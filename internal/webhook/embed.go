// Package webhook posts embeds to a Discord webhook and edits them, within Discord's limits. It
// has its own way to Discord, so that it works while no bot does.
package webhook

import (
	"strings"
	"time"
	"unicode/utf16"
)

// A Message is what is posted.
type Message struct {
	Content         string          `json:"content,omitempty"`
	Username        string          `json:"username,omitempty"`
	Embeds          []Embed         `json:"embeds"`
	AllowedMentions AllowedMentions `json:"allowed_mentions"`
}

// AllowedMentions says whom a message may notify. Nobody, if Parse and the others are empty.
type AllowedMentions struct {
	Parse []string `json:"parse"` // must not be nil: null means everybody
	Roles []string `json:"roles,omitempty"`
	Users []string `json:"users,omitempty"`
}

// An Embed is a part of a message.
type Embed struct {
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Color       int       `json:"color"`
	Fields      []Field   `json:"fields,omitempty"`
	Footer      *Footer   `json:"footer,omitempty"`
	Timestamp   time.Time `json:"timestamp"`
}

// A Field is a part of an embed. Neither Name nor Value may be empty.
type Field struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

// A Footer is the last line of an embed.
type Footer struct {
	Text string `json:"text"`
}

// Discord's limits, in characters, which it counts as JavaScript does.
const (
	maxContent     = 2000
	maxTitle       = 256
	maxDescription = 4096
	maxFields      = 25
	maxName        = 256
	maxValue       = 1024
	maxFooter      = 2048
	maxEmbed       = 6000 // everything together
)

// fit returns the message cut to what Discord accepts. Of the fields that are too many the last
// ones go, and one says how many they were.
func (m Message) fit() Message {
	m.Content = cut(m.Content, maxContent)
	if m.AllowedMentions.Parse == nil {
		m.AllowedMentions.Parse = []string{}
	}
	left := maxEmbed
	embeds := make([]Embed, len(m.Embeds))
	for i, e := range m.Embeds {
		embeds[i] = e.fit(&left)
	}
	m.Embeds = embeds
	return m
}

func (e Embed) fit(left *int) Embed {
	take := func(s string, limit int) string {
		s = cut(s, min(limit, *left))
		*left -= length(s)
		return s
	}
	e.Title = take(e.Title, maxTitle)
	if e.Footer != nil {
		e.Footer = &Footer{take(e.Footer.Text, maxFooter)}
	}
	e.Description = take(e.Description, maxDescription)
	fields := e.Fields
	e.Fields = nil
	for i, f := range fields {
		f.Name, f.Value = cut(orBlank(f.Name), maxName), cut(orBlank(f.Value), maxValue)
		last := i == len(fields)-1
		room := *left
		if !last {
			room -= moreReserve
		}
		if length(f.Name)+length(f.Value) > room || (len(e.Fields) == maxFields-1 && !last) {
			return e.andMore(len(fields)-i, left)
		}
		*left -= length(f.Name) + length(f.Value)
		e.Fields = append(e.Fields, f)
	}
	return e
}

// moreReserve is what is kept for the field that says how many there are no room for.
const moreReserve = 64

func (e Embed) andMore(n int, left *int) Embed {
	more := Field{Name: "And more", Value: "There is no room for " + count(n, "other") + "."}
	if size := length(more.Name) + length(more.Value); size <= *left {
		*left -= size
		e.Fields = append(e.Fields, more)
	}
	return e
}

// orBlank stands in for what Discord would refuse as empty: it trims spaces.
func orBlank(s string) string {
	if strings.TrimSpace(s) == "" {
		return "–"
	}
	return s
}

// cut shortens s to a number of characters, the last of which is then an ellipsis.
func cut(s string, limit int) string {
	if length(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n > limit-1 {
			if limit < 1 {
				return ""
			}
			return s[:i] + "…"
		}
	}
	return s
}

// length counts as Discord does: UTF-16 code units.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}
