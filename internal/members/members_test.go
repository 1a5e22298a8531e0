package members_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/members"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shard is used by the goroutines of a bubble, one at a time.
type shard struct {
	session string
	nonces  []string // of the requests
	err     error
	sending func() // by Send; may be nil
}

func (s *shard) SessionID() string { return s.session }

func (s *shard) Send(op int, d json.RawMessage) error {
	var request struct {
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal(d, &request); err != nil || op != 8 {
		return fmt.Errorf("op %d: %s", op, d)
	}
	s.nonces = append(s.nonces, request.Nonce)
	if s.sending != nil {
		s.sending()
	}
	return s.err
}

// answer sends one member, which has the index for an id.
func answer(q *members.Requests, nonce string, index, count int) {
	raw := fmt.Appendf(nil, `{"guild_id":"1","nonce":%q}`, nonce)
	q.Chunk(raw, func() (*discordgo.GuildMembersChunk, error) {
		m := &discordgo.Member{User: &discordgo.User{ID: fmt.Sprint(index)}}
		return &discordgo.GuildMembersChunk{
			GuildID: "1", Members: []*discordgo.Member{m}, ChunkIndex: index, ChunkCount: count,
		}, nil
	})
}

// caller asks for the members of guild 1 on a goroutine of its own.
type caller struct {
	got []string // until ended
	err error
}

func ask(ctx, running context.Context, q *members.Requests, s members.Shard) *caller {
	c := &caller{}
	go func() {
		c.err = q.Each(ctx, running, s, "1", func(m *discordgo.Member) bool {
			c.got = append(c.got, m.User.ID+"@"+m.GuildID)
			return true
		})
		c.got = append(c.got, "end")
	}()
	synctest.Wait()
	return c
}

func (c *caller) want(t *testing.T, err error, got ...string) {
	t.Helper()
	synctest.Wait()
	if fmt.Sprint(c.got) != fmt.Sprint(got) || (err != nil) != (c.err != nil) || !errors.Is(c.err, err) {
		t.Errorf("got %v, %v; want %v, %v", c.got, c.err, got, err)
	}
}

// TestQuickAnswer has the answer arrive before Send returns.
func TestQuickAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q members.Requests
		s := &shard{session: "a"}
		s.sending = func() {
			if !q.Wants([]byte("GUILD_MEMBERS_CHUNK")) {
				t.Error("the answer is not wanted")
			}
			go answer(&q, s.nonces[0], 0, 1)
		}
		ask(t.Context(), t.Context(), &q, s).want(t, nil, "0@1", "end")
		s.err, s.sending = errors.New("full"), nil
		ask(t.Context(), t.Context(), &q, s).want(t, s.err, "end")
		if q.Wants([]byte("GUILD_MEMBERS_CHUNK")) {
			t.Error("a request that was not sent is kept")
		}
	})
}

func TestCallersShareARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q members.Requests
		s, ctx := &shard{session: "a"}, t.Context()
		if q.Wants([]byte("GUILD_MEMBERS_CHUNK")) {
			t.Error("it wants chunks that nobody waits for")
		}
		one := ask(ctx, ctx, &q, s)
		if !q.Wants([]byte("GUILD_MEMBERS_CHUNK")) || !q.Wants([]byte("READY")) || q.Wants([]byte("RESUMED")) {
			t.Error("it wants something else")
		}
		answer(&q, "somebody else's", 0, 1)
		answer(&q, s.nonces[0], 0, 2)
		two := ask(ctx, ctx, &q, s) // has what came before
		one.want(t, nil, "0@1")
		two.want(t, nil, "0@1")
		other := ask(ctx, ctx, &q, &shard{session: "b"}) // of other shards
		answer(&q, s.nonces[0], 1, 2)
		one.want(t, nil, "0@1", "1@1", "end")
		two.want(t, nil, "0@1", "1@1", "end")
		other.want(t, nil)
		if len(s.nonces) != 1 {
			t.Errorf("%d requests", len(s.nonces))
		}
		answer(&q, "members-2", 0, 1)
		other.want(t, nil, "0@1", "end")
		if q.Wants([]byte("READY")) {
			t.Error("it wants READY when all have been answered")
		}
	})
}

func TestLateCallersAskAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q members.Requests
		s := &shard{session: "a"}
		ctx, cancel := context.WithCancel(t.Context())
		early := ask(ctx, ctx, &q, s)
		for i := range 33 {
			answer(&q, s.nonces[0], i, 40)
		}
		late := ask(ctx, t.Context(), &q, s)
		if len(s.nonces) != 2 || len(early.got) != 33 || len(late.got) != 0 {
			t.Errorf("%d requests, %d and %d members", len(s.nonces), len(early.got), len(late.got))
		}
		cancel()
		late.want(t, context.Canceled, "end")
	})
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q members.Requests
		s, ctx := &shard{session: "a"}, t.Context()
		c := ask(ctx, ctx, &q, s)
		q.Ready(&shard{}, []byte(`{"session_id":"x"}`)) // of another shard
		q.Ready(s, []byte(`{"session_id":"a"}`))        // the one that it was sent in
		if len(s.nonces) != 1 {
			t.Errorf("%d requests", len(s.nonces))
		}
		s.session = "b"
		q.Ready(s, []byte(`{"session_id":"b"}`)) // nothing was answered: asked again
		if len(s.nonces) != 2 || s.nonces[0] != s.nonces[1] {
			t.Errorf("requests %v", s.nonces)
		}
		answer(&q, s.nonces[0], 0, 2)
		q.Ready(s, []byte(`{"session_id":"c"}`)) // a part was
		synctest.Wait()
		if fmt.Sprint(c.got) != "[0@1 end]" || c.err == nil {
			t.Errorf("%v, %v", c.got, c.err)
		}
		answer(&q, s.nonces[0], 1, 2) // too late
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q members.Requests
		full, bad := errors.New("the line is full"), errors.New("malformed")
		ask(t.Context(), t.Context(), &q, &shard{err: full}).want(t, full, "end")
		s := &shard{}
		c := ask(t.Context(), t.Context(), &q, s)
		q.Chunk([]byte(`{"nonce":"`+s.nonces[0]+`"}`),
			func() (*discordgo.GuildMembersChunk, error) { return nil, bad })
		c.want(t, bad, "end")
		running, stop := context.WithCancel(t.Context())
		c = ask(t.Context(), running, &q, s)
		stop()
		c.want(t, members.ErrEnded, "end")
	})
}
