package interaction

import (
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
)

// tokenLife is how long Discord takes edits and messages for an interaction.
const tokenLife = 15 * time.Minute

// maxKept is how many answers are kept after their handlers have returned. It is ten a second for
// a token's life, of interactions that were deferred for a handler; each takes about 500 bytes.
const maxKept = 10_000

// Answers are the interactions that handlers are at work on, by their token. The zero value is
// ready; the methods may be called from any goroutine.
type Answers struct {
	mu      sync.Mutex // guards what follows, and the fields of Answer that say so
	byToken map[string]*Answer
	kept    []*Answer // after their handlers, oldest first
}

// Track returns the record of an interaction, which all who track it share. Each of them calls
// Release in the end. onMessage says that the interaction comes from a message, which can then be
// updated in response.
func (s *Answers) Track(i *discordgo.Interaction, onMessage bool) *Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruneLocked()
	a := s.byToken[i.Token]
	if a == nil {
		a = &Answer{id: i.ID, app: i.AppID, token: i.Token, onMessage: onMessage,
			until: time.Now().Add(tokenLife)}
		if s.byToken == nil {
			s.byToken = make(map[string]*Answer)
		}
		s.byToken[i.Token] = a
	}
	a.users++
	return a
}

// Release forgets the record when its last user has released it, at once if nothing remains to
// be done for the interaction and otherwise when its token has expired.
func (s *Answers) Release(a *Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.users--
	switch {
	case a.users > 0 || a.kept:
	case a.unfinished():
		a.kept = true
		s.kept = append(s.kept, a)
	default:
		delete(s.byToken, a.token)
	}
	s.pruneLocked()
}

func (s *Answers) pruneLocked() {
	now := time.Now()
	for len(s.kept) > 0 && (len(s.kept) > maxKept || now.After(s.kept[0].until)) {
		a := s.kept[0]
		s.kept[0], s.kept = nil, s.kept[1:]
		a.kept = false
		if a.users == 0 {
			delete(s.byToken, a.token)
		}
	}
}

func (s *Answers) find(token string) *Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byToken[token]
}
