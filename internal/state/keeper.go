// Package state keeps a discordgo.State up to date, within limits.
//
// discordgo's State is a struct with exported lists and private maps, and the maps can be changed
// by its exported methods alone. A [Keeper] writes through those methods where a map is involved
// and to the lists under State's lock where not. It never leaves it to discordgo to react to an
// event: State.OnInterface keeps what it is told to drop, leaks what a guild held when the bot
// leaves it, takes an outage for a leave, and shares its objects with handlers.
//
// # What readers may rely on
//
// Members, messages, roles, presences and voice states are replaced and never written to once
// State has them: a reader that has got hold of one may go on reading. State can exchange a member
// only by removing the old one first, so that for some microseconds a reader finds neither; a
// member that has not changed is left alone.
//
// Guilds, channels and threads are updated in place, as by discordgo itself, because "not found"
// is too easily taken for "gone" there. Their lists are to be read under State.RLock.
//
// # Goroutines
//
// Whoever owns a Keeper calls its methods one at a time, in the order of the events; the
// exceptions are named. Reading State needs no such order.
package state

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/clone"
	"github.com/botwright/botwright/internal/events"
)

// NoLimit is the value of a limit that there is not.
const NoLimit = -1

// A Policy says what is kept, and how much of it. Guilds is a condition of all else.
type Policy struct {
	Guilds, Channels, Threads, ThreadMembers, Roles, Emojis, Stickers bool
	VoiceStates, Presences                                            bool

	MembersPerGuild    int // or NoLimit
	MessagesPerChannel int // or NoLimit

	// Keep says who is kept within MembersPerGuild, nil for anybody; KeepOverLimit who is kept
	// whatever the limits say, nil for nobody. They are called for members that may not have
	// been decoded.
	Keep, KeepOverLimit func(Member) bool

	// Lifetimes, 0 forever: of members since Discord last said something of them, of messages since
	// they were written, of threads since they were archived.
	MemberLifetime, MessageLifetime, ThreadLifetime time.Duration
}

// members reports whether anybody but those of KeepOverLimit is kept.
func (p *Policy) members() bool { return p.MembersPerGuild != 0 }

// everybody reports whether all members are kept.
func (p *Policy) everybody() bool { return p.MembersPerGuild == NoLimit && p.Keep == nil }

// Sweeps reports whether anything grows old or over its limit without an event.
func (p *Policy) Sweeps() bool {
	return p.MemberLifetime > 0 || p.MessageLifetime > 0 || p.ThreadLifetime > 0 ||
		p.MembersPerGuild != NoLimit && p.KeepOverLimit != nil
}

// A Member is somebody whom a predicate decides about.
type Member struct {
	GuildID, UserID    string
	Self, Owner, Voice bool // the bot itself, the guild's owner, in a voice channel

	// Decoded returns the member, never nil, to be read only.
	Decoded func() *discordgo.Member
}

// An Event is an event from the gateway.
type Event struct {
	Type string
	Seq  int64 // its number in the session
	Raw  []byte

	// Payload returns the struct that handlers will get, of which the fields Before… are to be
	// set; nil if nobody will ask for it.
	Payload func() (any, error)
}

// A Keeper keeps one State.
type Keeper struct {
	st     *discordgo.State
	policy Policy
	wants  map[string]func(*Keeper, *Event) error

	self     string // the bot's user id; empty before READY
	guilds   map[string]*guild
	arrivals arrivals

	names     events.Names
	restoring bool // what comes has been trimmed before

	journal *Journal // nil: none
	record  []byte   // what it records of the event that is being applied; nil for nothing

	expired, evicted, shrunk atomic.Uint64
}

// A guild is what the Keeper knows of a guild beside what State has.
type guild struct {
	presences map[string]int // indices in discordgo.Guild.Presences, by user
	seen      *seenList      // nil if neither their number nor their age is limited
}

// New returns a Keeper for a State that nobody else feeds.
func New(st *discordgo.State, policy Policy) *Keeper {
	st.Lock()
	st.MaxMessageCount = max(policy.MessagesPerChannel, 0)
	st.TrackChannels, st.TrackRoles = policy.Channels, policy.Roles
	st.TrackThreads, st.TrackThreadMembers = policy.Threads, policy.ThreadMembers
	st.TrackEmojis, st.TrackStickers = policy.Emojis, policy.Stickers
	st.TrackMembers = policy.members() || policy.KeepOverLimit != nil
	st.TrackVoice, st.TrackPresences = policy.VoiceStates, policy.Presences
	st.Unlock()
	return &Keeper{st: st, policy: policy, wants: wanted(&policy), guilds: make(map[string]*guild)}
}

// Record lets a Journal record what is applied from now on.
func (k *Keeper) Record(j *Journal) { k.journal = j }

// wanted returns what is to be done with the events that a policy needs.
func wanted(p *Policy) map[string]func(*Keeper, *Event) error {
	wants := make(map[string]func(*Keeper, *Event) error)
	add := func(is bool, apply func(*Keeper, *Event) error, types ...string) {
		for _, t := range types {
			if is && p.Guilds {
				wants[t] = apply
			}
		}
	}
	add(true, (*Keeper).ready, "READY")
	add(true, (*Keeper).guildCreate, "GUILD_CREATE")
	add(true, (*Keeper).guildUpdate, "GUILD_UPDATE")
	add(true, (*Keeper).guildDelete, "GUILD_DELETE")
	add(true, (*Keeper).memberAdd, "GUILD_MEMBER_ADD")
	add(true, (*Keeper).memberRemove, "GUILD_MEMBER_REMOVE")
	add(p.members() || p.KeepOverLimit != nil, (*Keeper).memberUpdate, "GUILD_MEMBER_UPDATE")
	add(p.members() || p.KeepOverLimit != nil, (*Keeper).membersChunk, "GUILD_MEMBERS_CHUNK")
	add(p.Presences, (*Keeper).presenceUpdate, "PRESENCE_UPDATE")
	add(p.VoiceStates, (*Keeper).voiceStateUpdate, "VOICE_STATE_UPDATE")
	add(p.Roles, (*Keeper).roleCreate, "GUILD_ROLE_CREATE")
	add(p.Roles, (*Keeper).roleUpdate, "GUILD_ROLE_UPDATE")
	add(p.Roles, (*Keeper).roleDelete, "GUILD_ROLE_DELETE")
	add(p.Emojis, (*Keeper).emojisUpdate, "GUILD_EMOJIS_UPDATE")
	add(p.Stickers, (*Keeper).stickersUpdate, "GUILD_STICKERS_UPDATE")
	add(p.Channels, (*Keeper).channelCreate, "CHANNEL_CREATE")
	add(p.Channels, (*Keeper).channelUpdate, "CHANNEL_UPDATE")
	add(p.Channels, (*Keeper).channelDelete, "CHANNEL_DELETE")
	add(p.Threads, (*Keeper).threadCreate, "THREAD_CREATE")
	add(p.Threads, (*Keeper).threadUpdate, "THREAD_UPDATE")
	add(p.Threads, (*Keeper).threadDelete, "THREAD_DELETE")
	add(p.Threads, (*Keeper).threadListSync, "THREAD_LIST_SYNC")
	add(p.Threads, (*Keeper).threadMemberUpdate, "THREAD_MEMBER_UPDATE")
	add(p.Threads, (*Keeper).threadMembersUpdate, "THREAD_MEMBERS_UPDATE")
	messages := p.MessagesPerChannel != 0
	add(messages, (*Keeper).messageCreate, "MESSAGE_CREATE")
	add(messages, (*Keeper).messageUpdate, "MESSAGE_UPDATE")
	add(messages, (*Keeper).messageDelete, "MESSAGE_DELETE")
	add(messages, (*Keeper).messageDeleteBulk, "MESSAGE_DELETE_BULK")
	return wants
}

// Wants reports whether Apply has a use for events of a type. It may be called at any time.
func (k *Keeper) Wants(eventType []byte) bool { return k.wants[string(eventType)] != nil }

// Apply brings State to where it is after the event, and sets the Before… fields of its payload.
func (k *Keeper) Apply(e *Event) error {
	apply := k.wants[e.Type]
	if apply == nil {
		return nil
	}
	if k.self == "" && k.st.User != nil { // a session that was resumed has no READY
		k.self = k.st.User.ID
	}
	k.record = e.Raw
	if err := apply(k, e); err != nil {
		return fmt.Errorf("keep state: %w", err)
	}
	if k.journal != nil {
		k.journal.record(e, k.record)
		k.journal.advance(k)
	}
	return nil
}

// own returns the payload of an event as a struct that belongs to State, and the one that
// handlers get, nil if there is none.
func own[T any](k *Keeper, e *Event) (mine, theirs *T, err error) {
	var v any
	if e.Payload == nil {
		v, err = events.DecodeKept(e.Type, e.Raw, &k.names)
	} else {
		v, err = e.Payload()
	}
	if err != nil {
		return nil, nil, err
	}
	p, ok := v.(*T)
	if !ok {
		return nil, nil, fmt.Errorf("%s decoded to a %T", e.Type, v)
	}
	if e.Payload == nil {
		return p, nil, nil
	}
	return clone.Of(p), p, nil
}

// locked runs f under State's lock.
func (k *Keeper) locked(f func()) {
	k.st.Lock()
	defer k.st.Unlock()
	f()
}

// guild returns State's guild and the Keeper's own record of it; nil if it is not known. One that
// a program has put into State itself is kept from now on.
func (k *Keeper) guild(id string) (*discordgo.Guild, *guild) {
	g, err := k.st.Guild(id)
	if err != nil {
		return nil, nil
	}
	record := k.guilds[id]
	if record == nil {
		record = k.newGuild()
		record.fill(g)
		k.guilds[id] = record
	}
	return g, record
}

// fill notes who is in the lists of a guild.
func (r *guild) fill(g *discordgo.Guild) {
	if r.presences != nil {
		for i, p := range g.Presences {
			r.presences[p.User.ID] = i
		}
	}
	for _, m := range g.Members {
		r.seen.add(m.User.ID)
	}
}

// Evictions returns how many members, messages and threads left State because of their age, for
// others, and under memory pressure. It may be called at any time.
func (k *Keeper) Evictions() (expired, evicted, shrunk uint64) {
	return k.expired.Load(), k.evicted.Load(), k.shrunk.Load()
}
