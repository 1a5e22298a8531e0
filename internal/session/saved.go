package session

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// A Saved is what is stored of one shard. It has the fields of the root package's SavedSession.
type Saved struct {
	ShardID       int             `json:"shard_id"`
	ShardCount    int             `json:"shard_count"`
	ID            string          `json:"id"`
	ResumeURL     string          `json:"resume_url"`
	Sequence      int64           `json:"sequence"`
	Handled       []Range         `json:"handled,omitempty"`
	StateSequence int64           `json:"state_sequence,omitempty"`
	StateParts    int             `json:"state_parts,omitempty"`
	Intents       int             `json:"intents"`
	TokenHash     string          `json:"token_hash"`
	AliveAt       time.Time       `json:"alive_at"`
	Ready         json.RawMessage `json:"ready"`
	Guilds        []string        `json:"guilds"`
}

// Position returns what had been handled when s was saved.
func (s *Saved) Position() Position { return Position{Sequence: s.Sequence, Handled: s.Handled} }

// sameSession reports whether s and o differ at most in what changes while a session lasts.
func (s *Saved) sameSession(o *Saved) bool {
	return s.ID == o.ID && s.ShardCount == o.ShardCount && s.ResumeURL == o.ResumeURL &&
		s.Intents == o.Intents && s.TokenHash == o.TokenHash && bytes.Equal(s.Ready, o.Ready)
}

// progress is what changes of a Saved while its session lasts.
type progress struct {
	ShardID       int       `json:"shard_id"`
	ID            string    `json:"id"`
	Sequence      int64     `json:"sequence"`
	Handled       []Range   `json:"handled,omitempty"`
	StateSequence int64     `json:"state_sequence,omitempty"`
	StateParts    int       `json:"state_parts,omitempty"`
	AliveAt       time.Time `json:"alive_at"`
	Joined        []string  `json:"joined,omitempty"` // guilds that are not in the Saved
	Left          []string  `json:"left,omitempty"`   // guilds that are there still
}

// progressOf returns how now differs from what was stored of the same session.
func progressOf(now, stored *Saved) progress {
	p := progress{
		ShardID: now.ShardID, ID: now.ID, Sequence: now.Sequence, Handled: now.Handled,
		StateSequence: now.StateSequence, StateParts: now.StateParts, AliveAt: now.AliveAt,
	}
	if !slices.Equal(now.Guilds, stored.Guilds) {
		p.Joined = missing(now.Guilds, stored.Guilds)
		p.Left = missing(stored.Guilds, now.Guilds)
	}
	return p
}

// apply brings a stored session to where it is now.
func (p *progress) apply(s *Saved) {
	s.Sequence, s.Handled, s.AliveAt = p.Sequence, p.Handled, p.AliveAt
	s.StateSequence, s.StateParts = p.StateSequence, p.StateParts
	if len(p.Joined)+len(p.Left) > 0 {
		stay := missing(s.Guilds, p.Left)
		s.Guilds = append(stay, missing(p.Joined, stay)...)
	}
}

// missing returns those of list that are not in other.
func missing(list, other []string) []string {
	known := make(map[string]bool, len(other))
	for _, id := range other {
		known[id] = true
	}
	var out []string
	for _, id := range list {
		if !known[id] {
			out = append(out, id)
		}
	}
	return out
}
