// Package members asks Discord for all members of a guild: a request over the gateway that is
// answered in chunks of a thousand, which come in among the events.
package members

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
)

// opRequest is the opcode of a request.
const opRequest = 8

// maxShared is how many chunks, of 1,000 members each, are kept for callers that join a request:
// some 20 MB. Whoever comes later waits for a request of their own.
const maxShared = 32

// ErrEnded ends what waits when the shards end.
var ErrEnded = errors.New("the shards have ended")

// errLost ends a request whose session has ended after a part of the answer.
var errLost = errors.New("the session that was sending them has ended: ask again")

// A Shard sends requests, and its events bring the answers.
type Shard interface {
	Send(op int, d json.RawMessage) error // puts a request in line and does not wait
	SessionID() string                    // of the present session
}

// Requests are the requests for all members of a guild that are under way. The zero value has
// none. Its methods may be called from any goroutine.
type Requests struct {
	open  atomic.Int32 // requests, so that chunks nobody waits for cost nothing
	nonce atomic.Uint64

	mu      sync.Mutex // guards what follows
	byNonce map[string]*request
	joining map[string]*request // by guild
}

// Each calls yield with each member of a guild, until it returns false. Callers that ask for the
// same guild at the same time share one request. running ends with what runs the shards: the error
// is [ErrEnded] then. If the bot is not in the guild, Discord does not answer.
func (q *Requests) Each(
	ctx, running context.Context, s Shard, guildID string, yield func(*discordgo.Member) bool,
) error {
	r, at, err := q.join(s, guildID)
	if err != nil {
		return err
	}
	defer q.part(r)
	for {
		c, err := at.wait(ctx, running)
		if err != nil || c == nil {
			return err
		}
		for _, m := range c.members {
			if !yield(m) {
				return nil
			}
		}
		at = c.next
	}
}

// A request is one request, with those who wait for it.
type request struct {
	shard   Shard
	guildID string
	nonce   string
	session string // that it was sent in
	waiting int    // callers
	chunks  int    // received
	first   *link  // nil when it is too late to join
	last    *link
}

// A link is a place in the chain of chunks. Each caller has its own place, so that chunks
// that all have taken are freed.
type link struct {
	filled chan struct{} // closed when the rest is set
	chunk  *chunk        // nil at the end
	err    error
}

type chunk struct {
	members []*discordgo.Member
	next    *link
}

func newLink() *link { return &link{filled: make(chan struct{})} }

// wait returns the chunk at a place, nil at the end.
func (l *link) wait(ctx, running context.Context) (*chunk, error) {
	select {
	case <-l.filled:
		return l.chunk, l.err
	default:
	}
	select {
	case <-l.filled:
		return l.chunk, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-running.Done():
		return nil, ErrEnded
	}
}

// join returns the request for a guild that is under way, or sends one.
func (q *Requests) join(s Shard, guildID string) (*request, *link, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.joining[guildID]; r != nil && r.shard == s { // of the shards before a Reshard
		r.waiting++
		return r, r.first, nil
	}
	first := newLink()
	nonce := "members-" + strconv.FormatUint(q.nonce.Add(1), 36)
	r := &request{
		shard: s, guildID: guildID, nonce: nonce, waiting: 1, first: first, last: first}
	if q.joining == nil {
		q.joining, q.byNonce = make(map[string]*request), make(map[string]*request)
	}
	q.joining[guildID], q.byNonce[nonce] = r, r
	q.open.Add(1) // before it is sent: the answer may be quick
	if err := r.send(); err != nil {
		q.forgetLocked(r)
		return nil, nil, err
	}
	return r, first, nil
}

// send puts a request in line. That does not wait.
func (r *request) send() error {
	d, err := json.Marshal(map[string]any{
		"guild_id": r.guildID, "query": "", "limit": 0, "nonce": r.nonce})
	if err != nil {
		return err
	}
	r.session = r.shard.SessionID()
	if err := r.shard.Send(opRequest, d); err != nil {
		return fmt.Errorf("ask for them: %w", err)
	}
	return nil
}

// part forgets a request that nobody waits for any more.
func (q *Requests) part(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.waiting--; r.waiting == 0 {
		q.forgetLocked(r)
	}
}

func (q *Requests) forgetLocked(r *request) {
	if q.joining[r.guildID] == r {
		delete(q.joining, r.guildID)
	}
	if q.byNonce[r.nonce] == r {
		delete(q.byNonce, r.nonce)
		q.open.Add(-1)
	}
}

// Wants reports whether an event may matter to a request.
func (q *Requests) Wants(eventType []byte) bool {
	return q.open.Load() > 0 &&
		(string(eventType) == "GUILD_MEMBERS_CHUNK" || string(eventType) == "READY")
}

// Ready takes in a READY of a shard.
func (q *Requests) Ready(s Shard, raw []byte) {
	if q.open.Load() > 0 {
		q.renew(s, raw)
	}
}

// Chunk takes in a part of an answer. decode is called if somebody waits for it, and its error is
// theirs.
func (q *Requests) Chunk(raw []byte, decode func() (*discordgo.GuildMembersChunk, error)) {
	if q.open.Load() > 0 {
		q.take(raw, decode)
	}
}

// renew asks again for what the session that has ended will not answer, unless a part of the
// answer is out: the new one begins anew. A request that had not been sent yet is then answered
// twice, of which the second time is ignored.
func (q *Requests) renew(s Shard, ready []byte) {
	v, _ := frame.Lookup(ready, "session_id")
	session, _ := frame.String(v)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.byNonce {
		if r.shard != s || r.session == string(session) {
			continue
		}
		err := errLost
		if r.chunks == 0 {
			err = r.send()
		}
		if err != nil {
			q.endLocked(r, err)
		}
	}
}

// endLocked ends a request, with an error or because all is there.
func (q *Requests) endLocked(r *request, err error) {
	q.forgetLocked(r)
	r.last.err = err
	close(r.last.filled)
}

// take hands on a chunk to those who wait for it.
func (q *Requests) take(raw []byte, decode func() (*discordgo.GuildMembersChunk, error)) {
	v, _ := frame.Lookup(raw, "nonce")
	nonce, _ := frame.String(v)
	q.mu.Lock()
	r := q.byNonce[string(nonce)]
	q.mu.Unlock()
	if r == nil {
		return
	}
	c, err := decode()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.byNonce[string(nonce)] != r {
		return // it ended meanwhile
	}
	if err != nil {
		q.endLocked(r, err)
		return
	}
	r.addLocked(c)
	if r.chunks >= c.ChunkCount {
		q.endLocked(r, nil)
	} else if r.chunks > maxShared && r.first != nil {
		r.first = nil
		delete(q.joining, r.guildID)
	}
}

func (r *request) addLocked(c *discordgo.GuildMembersChunk) {
	for _, m := range c.Members {
		m.GuildID = c.GuildID // which Discord leaves out
	}
	r.chunks++
	next := newLink()
	r.last.chunk = &chunk{members: c.Members, next: next}
	close(r.last.filled)
	r.last = next
}
