package botwright

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/frame"
)

// maxShared is how many chunks, of 1,000 members each, are kept for callers that join a request:
// some 20 MB. Whoever comes later waits for a request of their own.
const maxShared = 32

// errMembersLost ends a request whose session has ended after a part of the answer.
var errMembersLost = errors.New("the session that was sending them has ended: ask again")

// Members returns all members of a guild, as Discord sends them: a thousand at a time. The bot
// needs the privileged intent for members. Members are to be read only; State takes in as many
// as its policy has room for.
//
// Discord answers one such request per guild and 30 seconds; Members waits for its turn. Callers
// that ask for the same guild at the same time share one request. The sequence ends with an
// error if ctx ends, if the bot is shut down, or if the connection loses its session halfway. The
// error wraps [ErrMissingIntent], [ErrNotOpen], [ErrNotOwned] or [ErrShutdown] where that is the
// reason. If the bot is not in the guild, Discord does not answer: give ctx a deadline.
func (b *Bot) Members(ctx context.Context, guildID string) iter.Seq2[*discordgo.Member, error] {
	return func(yield func(*discordgo.Member, error) bool) {
		if err := b.eachMember(ctx, guildID, func(m *discordgo.Member) bool {
			return yield(m, nil)
		}); err != nil {
			yield(nil, fmt.Errorf("members of guild %s: %w", guildID, err))
		}
	}
}

func (b *Bot) eachMember(
	ctx context.Context, guildID string, yield func(*discordgo.Member) bool,
) error {
	if _, err := ShardID(guildID, 1); err != nil {
		return err
	}
	s, err := b.shardOf(guildID)
	if err != nil {
		return err
	}
	if b.intents&discordgo.IntentGuildMembers == 0 {
		return fmt.Errorf("%w: name discordgo.IntentGuildMembers, with all others, in "+
			"WithIntents, and enable the Server Members Intent under Privileged Gateway Intents "+
			"on the Bot page at %s", ErrMissingIntent, portal)
	}
	r, at, err := b.members.join(s, guildID)
	if err != nil {
		return err
	}
	defer b.members.part(r)
	for {
		chunk, err := at.wait(ctx, b.tasksCtx)
		if err != nil || chunk == nil {
			return err
		}
		for _, m := range chunk.members {
			if !yield(m) {
				return nil
			}
		}
		at = chunk.next
	}
}

// memberRequests are the requests for all members of a guild that are under way.
type memberRequests struct {
	open  atomic.Int32 // requests, so that chunks nobody waits for cost nothing
	nonce atomic.Uint64

	mu      sync.Mutex // guards what follows
	byNonce map[string]*memberRequest
	joining map[string]*memberRequest // by guild
}

// A memberRequest is one request, with those who wait for it.
type memberRequest struct {
	shard   *shard
	guildID string
	nonce   string
	session string      // that it was sent in
	waiting int         // callers
	chunks  int         // received
	first   *memberLink // nil when it is too late to join
	last    *memberLink
}

// A memberLink is a place in the chain of chunks. Each caller has its own place, so that chunks
// that all have taken are freed.
type memberLink struct {
	filled chan struct{} // closed when the rest is set
	chunk  *memberChunk  // nil at the end
	err    error
}

type memberChunk struct {
	members []*discordgo.Member
	next    *memberLink
}

func newMemberLink() *memberLink { return &memberLink{filled: make(chan struct{})} }

// wait returns the chunk at a place, nil at the end.
func (l *memberLink) wait(ctx, running context.Context) (*memberChunk, error) {
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
		return nil, ErrShutdown
	}
}

// join returns the request for a guild that is under way, or sends one.
func (q *memberRequests) join(s *shard, guildID string) (*memberRequest, *memberLink, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.joining[guildID]; r != nil && r.shard == s { // of the shards before a Reshard
		r.waiting++
		return r, r.first, nil
	}
	link := newMemberLink()
	nonce := "members-" + strconv.FormatUint(q.nonce.Add(1), 36)
	r := &memberRequest{
		shard: s, guildID: guildID, nonce: nonce, waiting: 1, first: link, last: link}
	if err := r.send(); err != nil {
		return nil, nil, err
	}
	if q.joining == nil {
		q.joining, q.byNonce = make(map[string]*memberRequest), make(map[string]*memberRequest)
	}
	q.joining[guildID], q.byNonce[nonce] = r, r
	q.open.Add(1)
	return r, link, nil
}

// send puts a request in line. That does not wait.
func (r *memberRequest) send() error {
	d, err := json.Marshal(map[string]any{
		"guild_id": r.guildID, "query": "", "limit": 0, "nonce": r.nonce})
	if err != nil {
		return err
	}
	r.session = r.shard.gateway.Resumable().ID
	if err := r.shard.gateway.Send(opRequestMembers, d); err != nil {
		return fmt.Errorf("ask for them: %w", err)
	}
	return nil
}

// part forgets a request that nobody waits for any more.
func (q *memberRequests) part(r *memberRequest) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r.waiting--; r.waiting == 0 {
		q.forgetLocked(r)
	}
}

func (q *memberRequests) forgetLocked(r *memberRequest) {
	if q.joining[r.guildID] == r {
		delete(q.joining, r.guildID)
	}
	if q.byNonce[r.nonce] == r {
		delete(q.byNonce, r.nonce)
		q.open.Add(-1)
	}
}

// wants reports whether an event may matter to a request.
func (q *memberRequests) wants(eventType []byte) bool {
	return q.open.Load() > 0 &&
		(string(eventType) == "GUILD_MEMBERS_CHUNK" || string(eventType) == "READY")
}

// feed takes in an event.
func (q *memberRequests) feed(s *shard, e *Event) error {
	if q.open.Load() == 0 {
		return nil
	}
	switch e.Type {
	case "READY":
		q.renew(s, e)
	case "GUILD_MEMBERS_CHUNK":
		return q.take(e)
	}
	return nil
}

// renew asks again for what the session that has ended will not answer, unless a part of the
// answer is out: the new one begins anew. A request that had not been sent yet is then answered
// twice, of which the second time is ignored.
func (q *memberRequests) renew(s *shard, ready *Event) {
	v, _ := frame.Lookup(ready.raw, "session_id")
	session, _ := frame.String(v)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range q.byNonce {
		if r.shard != s || r.session == string(session) {
			continue
		}
		err := errMembersLost
		if r.chunks == 0 {
			err = r.send()
		}
		if err != nil {
			q.endLocked(r, err)
		}
	}
}

// endLocked ends a request, with an error or because all is there.
func (q *memberRequests) endLocked(r *memberRequest, err error) {
	q.forgetLocked(r)
	r.last.err = err
	close(r.last.filled)
}

// take hands on a chunk to those who wait for it.
func (q *memberRequests) take(e *Event) error {
	v, _ := frame.Lookup(e.raw, "nonce")
	nonce, _ := frame.String(v)
	q.mu.Lock()
	r := q.byNonce[string(nonce)]
	q.mu.Unlock()
	if r == nil {
		return nil
	}
	var chunk *discordgo.GuildMembersChunk
	payload, err := e.Payload()
	if err == nil {
		chunk, _ = payload.(*discordgo.GuildMembersChunk)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.byNonce[string(nonce)] != r {
		return nil // it ended meanwhile
	}
	if chunk == nil {
		q.endLocked(r, err)
		return nil
	}
	r.addLocked(chunk)
	if r.chunks >= chunk.ChunkCount {
		q.endLocked(r, nil)
	} else if r.chunks > maxShared && r.first != nil {
		r.first = nil
		delete(q.joining, r.guildID)
	}
	return nil
}

func (r *memberRequest) addLocked(c *discordgo.GuildMembersChunk) {
	for _, m := range c.Members {
		m.GuildID = c.GuildID // which Discord leaves out
	}
	r.chunks++
	next := newMemberLink()
	r.last.chunk = &memberChunk{members: c.Members, next: next}
	close(r.last.filled)
	r.last = next
}

// shardOf returns the shard that a guild is on.
func (b *Bot) shardOf(guildID string) (*shard, error) {
	f := b.currentFleet()
	if f == nil {
		return nil, ErrNotOpen
	}
	id, err := f.shardID(guildID)
	if err != nil {
		return nil, err
	}
	if s := f.find(id); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: guild %q is on shard %d of %d", ErrNotOwned, guildID, id, f.count)
}
