package discordtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"
)

func pollRoutes(r router) {
	const poll, history = "/channels/{channel}/polls/{message}", discordgo.PermissionReadMessageHistory
	r.on("GET", poll+"/answers/{answer}", (*exchange).listVoters, history)
	r.on("POST", poll+"/expire", (*exchange).expirePoll)
}

// A poll is part of a message.
type poll struct {
	Question    pollMedia    `json:"question"`
	Answers     []pollAnswer `json:"answers"`
	Expiry      string       `json:"expiry"`
	Multiselect bool         `json:"allow_multiselect"`
	Layout      int          `json:"layout_type"`
	Results     pollResults  `json:"results"`
}

type pollMedia struct {
	Text  string         `json:"text,omitempty"`
	Emoji map[string]any `json:"emoji,omitempty"`
}

type pollAnswer struct {
	ID    int       `json:"answer_id"`
	Media pollMedia `json:"poll_media"`

	voters []string
}

type pollResults struct {
	Finalized bool        `json:"is_finalized"`
	Counts    []pollCount `json:"answer_counts"`
}

type pollCount struct {
	ID    int  `json:"id"`
	Count int  `json:"count"`
	Me    bool `json:"me_voted"`
}

// A pollDraft is a poll as it is sent.
type pollDraft struct {
	Question    pollMedia    `json:"question"`
	Answers     []pollAnswer `json:"answers"`
	Duration    int          `json:"duration"` // hours
	Multiselect bool         `json:"allow_multiselect"`
}

func (d *pollDraft) check(f *form) {
	if d == nil {
		return
	}
	f.text("poll.question.text", d.Question.Text, 1, 300)
	f.length("poll.answers", len(d.Answers), 1, 10)
	for i, a := range d.Answers {
		f.text(fmt.Sprintf("poll.answers.%d.poll_media.text", i), a.Media.Text, 1, 55)
	}
	f.number("poll.duration", float64(d.Duration), 0, 768)
}

// open makes the poll of a message.
func (d *pollDraft) open(now time.Time) *poll {
	if d == nil {
		return nil
	}
	hours := d.Duration
	if hours == 0 {
		hours = 24
	}
	p := &poll{
		Question: d.Question, Answers: slices.Clone(d.Answers), Multiselect: d.Multiselect, Layout: 1,
		Expiry: timestamp(now.Add(time.Duration(hours) * time.Hour)), Results: pollResults{Counts: []pollCount{}},
	}
	for i := range p.Answers {
		p.Answers[i].ID = i + 1
	}
	return p
}

// answer returns an answer by id, or nil.
func (p *poll) answer(id int) *pollAnswer {
	if p == nil || id < 1 || id > len(p.Answers) {
		return nil
	}
	return &p.Answers[id-1]
}

// tally counts the votes.
func (p *poll) tally(botID string) {
	counts := []pollCount{}
	for _, a := range p.Answers {
		if len(a.voters) > 0 {
			counts = append(counts, pollCount{a.ID, len(a.voters), slices.Contains(a.voters, botID)})
		}
	}
	p.Results.Counts = counts
}

// over reports whether nobody can vote any more.
func (p *poll) over(now time.Time) bool {
	end := parseTime(&p.Expiry)
	return p.Results.Finalized || (end != nil && !now.Before(*end))
}

func (x *exchange) listVoters() (any, error) {
	_, m, err := x.message()
	if err != nil {
		return nil, err
	}
	id, _ := strconv.Atoi(x.params["answer"])
	a := m.Poll.answer(id)
	if a == nil {
		return nil, errNoPoll
	}
	limit, after := x.number("limit", 25, 1, 100), x.req.URL.Query().Get("after")
	users := []*user{}
	for _, id := range slices.SortedFunc(slices.Values(a.voters), compareIDs) {
		if len(users) < limit && (after == "" || compareIDs(id, after) > 0) {
			users = append(users, x.world.users[id])
		}
	}
	return map[string]any{"users": users}, nil
}

var errNoPoll = &apiError{400, 520001, "Cannot find a poll on this message", nil}

func (x *exchange) expirePoll() (any, error) {
	c, m, err := x.message()
	if err != nil {
		return nil, err
	}
	switch {
	case m.Poll == nil:
		return nil, errNoPoll
	case m.Author.ID != x.world.bot.ID:
		return nil, errNotAuthor
	case m.Poll.over(x.nowLocked()):
		return nil, &apiError{400, 520006, "Poll expired", nil}
	}
	m.Poll.Results.Finalized = true
	m.Poll.Expiry = timestamp(x.nowLocked())
	x.publishLocked("MESSAGE_UPDATE", c, m)
	return m, nil
}

// Vote lets a user vote for an answer of a poll; answers count from 1. Where one vote is all that
// the poll allows, an earlier one is taken back.
func (s *Server) Vote(channelID, messageID, userID string, answer int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, m, err := s.world.message(channelID, messageID)
	if err != nil {
		return err
	}
	if _, err := s.world.mustBeIn(c, userID); err != nil {
		return err
	}
	a := m.Poll.answer(answer)
	if a == nil || m.Poll.over(s.nowLocked()) {
		return fmt.Errorf("%w: message %s has no open poll with an answer %d", ErrBadInput, messageID, answer)
	}
	if slices.Contains(a.voters, userID) {
		return nil
	}
	for i := range m.Poll.Answers {
		if old := &m.Poll.Answers[i]; !m.Poll.Multiselect && slices.Contains(old.voters, userID) {
			old.voters = slices.DeleteFunc(old.voters, func(id string) bool { return id == userID })
			s.voteLocked("MESSAGE_POLL_VOTE_REMOVE", c, m, userID, old.ID)
		}
	}
	a.voters = append(a.voters, userID)
	s.voteLocked("MESSAGE_POLL_VOTE_ADD", c, m, userID, answer)
	return nil
}

func (s *Server) voteLocked(typ string, c *channel, m *message, userID string, answer int) {
	m.Poll.tally(s.world.bot.ID)
	s.emitInLocked(c, typ, inGuild(c, map[string]any{
		"user_id": userID, "channel_id": c.ID, "message_id": m.ID, "answer_id": answer,
	}))
}
