package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Discord's limits on what a client sends, and ours.
const (
	maxCommand     = 4096             // bytes of one payload; more is answered with 4002
	maxPresence    = 3072             // bytes of a presence, which goes into IDENTIFY as well
	sendLimit      = 120              // payloads in any 60 s; more is answered with 4008
	sendWindow     = 61 * time.Second // Discord's 60 s, and a margin for what travels faster
	sendReserve    = 5                // of them kept for heartbeats and the handshake
	membersSpacing = 30 * time.Second // between two requests for all members of one guild
	queueLimit     = 1024             // commands waiting: more than eight minutes' worth
)

// Opcodes.
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opPresence       = 3
	opResume         = 6
	opReconnect      = 7
	opRequestMembers = 8
	opInvalidSession = 9
	opHello          = 10
	opHeartbeatACK   = 11

	opRequestSounds   = 31
	opRequestChannels = 43
)

var (
	// ErrPayloadTooLarge says that a command is over Discord's limit of 4096 bytes, or a
	// presence over 3072, which leaves room for the rest of an IDENTIFY.
	ErrPayloadTooLarge = errors.New("gateway: command is too large")

	// ErrQueueFull says that too many commands wait already.
	ErrQueueFull = errors.New("gateway: too many commands are waiting to be sent")
)

// A command is something to send that is not part of the connection's own upkeep.
type command struct {
	op    int
	frame []byte
	guild string // of a request for all members of a guild
	nonce string

	beats uint64 // heartbeats that were sent on the connection before it
}

// outbox holds the commands that wait. It outlives connections: what could not be sent over one
// goes over the next, as does what was written to a link that died before Discord acknowledged a
// heartbeat behind it.
type outbox struct {
	wake chan struct{} // 1 slot: there may be something to send

	mu       sync.Mutex // guards what follows
	queue    []command
	flying   []command             // sent, and not known to have arrived; oldest first
	presence []byte                // the last one, for the next IDENTIFY
	members  map[string]membersLog // by guild
}

// membersLog remembers a request for all members of a guild.
type membersLog struct {
	last command
	next time.Time // when the next one may go out
}

func (o *outbox) init() {
	o.wake = make(chan struct{}, 1)
	o.members = make(map[string]membersLog)
}

// push puts a command in line.
func (o *outbox) push(op int, d []byte) error {
	frame, err := json.Marshal(struct {
		Op int            `json:"op"`
		D  jsontext.Value `json:"d"`
	}{op, d}, lenient)
	if err != nil {
		return fmt.Errorf("gateway: encode command with op %d: %w", op, err)
	}
	limit := maxCommand
	if op == opPresence {
		limit = maxPresence
	}
	if len(frame) > limit {
		return fmt.Errorf("%w: op %d has %d bytes of at most %d",
			ErrPayloadTooLarge, op, len(frame), limit)
	}
	cmd := command{op: op, frame: frame}
	if op == opRequestMembers {
		cmd.guild, cmd.nonce = members(d)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.signal()
	i := -1
	if op == opPresence {
		i = slices.IndexFunc(o.queue, isPresence)
	}
	switch {
	case i >= 0:
		o.queue[i] = cmd
	case op == opRequestMembers && slices.ContainsFunc(o.queue, cmd.same):
		// It waits to be sent again after the loss of its session.
	case len(o.queue) >= queueLimit:
		return ErrQueueFull
	default:
		o.queue = append(o.queue, cmd)
	}
	if op == opPresence {
		o.presence = slices.Clone(d)
	}
	return nil
}

func isPresence(c command) bool { return c.op == opPresence }

// same reports whether two commands are one.
func (c command) same(d command) bool { return c.op == d.op && bytes.Equal(c.frame, d.frame) }

// again reports whether a command may be sent twice if need be: it tells a state, or asks.
func (c command) again() bool {
	return slices.Contains([]int{opPresence, opRequestMembers, opRequestSounds, opRequestChannels}, c.op)
}

// sends notes that a command is being written to the connection, behind that many heartbeats.
func (o *outbox) sends(cmd command, beats uint64) {
	if !cmd.again() {
		return
	}
	cmd.beats = beats
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying = append(o.flying, cmd)
}

// arrived notes that Discord has acknowledged that many heartbeats of the connection, and so has
// read everything before the last of them.
func (o *outbox) arrived(beats uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying = slices.DeleteFunc(o.flying, func(c command) bool { return c.beats < beats })
}

// answered notes that a part of the answer to a request for members has come.
func (o *outbox) answered(nonce string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	asked := func(c command) bool { return c.op == opRequestMembers && c.nonce == nonce }
	o.flying = slices.DeleteFunc(o.flying, asked)
	o.queue = slices.DeleteFunc(o.queue, asked)
}

// landed puts what may not have arrived in line again, when the connection has ended.
func (o *outbox) landed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, cmd := range slices.Backward(o.flying) {
		o.unsendLocked(cmd)
	}
	o.flying = nil
}

// members returns the nonce of a request for members, and the guild if it asks for all of them.
func members(d []byte) (guild, nonce string) {
	var req struct {
		GuildID string   `json:"guild_id"`
		Query   *string  `json:"query"`
		Limit   int      `json:"limit"`
		UserIDs []string `json:"user_ids"`
		Nonce   string   `json:"nonce"`
	}
	if json.Unmarshal(d, &req, lenient) != nil {
		return "", ""
	}
	if req.Query == nil || *req.Query != "" || req.Limit != 0 || len(req.UserIDs) > 0 {
		return "", req.Nonce
	}
	return req.GuildID, req.Nonce
}

// next takes the first command that may be sent now. Without one, wait is how long until there
// may be one, or 0 when the queue is empty.
func (o *outbox) next(now time.Time) (cmd command, wait time.Duration, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, c := range o.queue {
		if c.guild != "" {
			if d := o.members[c.guild].next.Sub(now); d > 0 {
				if wait == 0 || d < wait {
					wait = d
				}
				continue
			}
			o.forgetMembers(now)
			o.members[c.guild] = membersLog{last: c, next: now.Add(membersSpacing)}
		}
		o.queue = slices.Delete(o.queue, i, i+1)
		return c, 0, true
	}
	return command{}, wait, false
}

// forgetMembers drops what is too old to matter: Discord answers within seconds.
func (o *outbox) forgetMembers(now time.Time) {
	for guild, m := range o.members {
		if now.Sub(m.next) > membersSpacing {
			delete(o.members, guild)
		}
	}
}

// unsend puts back a command that could not be written, unless landed will.
func (o *outbox) unsend(cmd command) {
	if cmd.again() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unsendLocked(cmd)
}

func (o *outbox) unsendLocked(cmd command) {
	if isPresence(cmd) && slices.ContainsFunc(o.queue, isPresence) {
		return // a newer one waits
	}
	if cmd.guild != "" {
		delete(o.members, cmd.guild)
	}
	o.queue = slices.Insert(o.queue, 0, cmd)
}

// limited notes Discord's RATE_LIMITED for a guild's members and asks again when it is over.
func (o *outbox) limited(guild, nonce string, retryAfter time.Duration, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.members[guild]
	refused := m.last
	m.next, m.last = now.Add(retryAfter), command{}
	o.members[guild] = m
	if refused.frame != nil && refused.nonce == nonce {
		o.queue = append(o.queue, refused)
	}
	o.signal()
}

// takePresence returns the last presence, nil without one, for an IDENTIFY, which makes one that
// still waits superfluous.
func (o *outbox) takePresence() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = slices.DeleteFunc(o.queue, isPresence)
	return o.presence
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// A sendLog is a sliding log of what one connection has sent, by which no 60 seconds ever hold
// more than the limit. A fixed window would let twice as much through around its edge.
type sendLog struct {
	times []time.Time // oldest first
}

func (l *sendLog) add(now time.Time) {
	l.expire(now)
	l.times = append(l.times, now)
}

// wait returns how long a command has to wait so that the reserve is left.
func (l *sendLog) wait(now time.Time) time.Duration {
	l.expire(now)
	over := len(l.times) - (sendLimit - sendReserve)
	if over < 0 {
		return 0
	}
	return l.times[over].Add(sendWindow).Sub(now)
}

func (l *sendLog) expire(now time.Time) {
	n := 0
	for n < len(l.times) && now.Sub(l.times[n]) >= sendWindow {
		n++
	}
	l.times = slices.Delete(l.times, 0, n)
}
