// Package relay plays Discord's gateway to one [discordgo.Session].
//
// The session believes that it is connected to Discord. It is connected, through a [net.Pipe],
// to a [Relay], which gives it one HELLO, one READY, heartbeat ACKs and the events somebody asked
// for, and takes what it sends. The session is opened once and stays open whatever happens to the
// real connection; whoever owns that one meets the relay only in [Config.Send], [Config.Latency]
// and [Relay.Dispatch].
//
// # Goroutines and their owners
//
//	supervisor  started by Open, ends after Close, waited for by Shutdown. The only goroutine
//	            that calls Session.Open and Session.Close, which may block for a second and more.
//	reader      one per connection, started by the session's dial, waited for by Close. Reads
//	            and classifies what the session writes, and calls Config.Send.
//	writer      one per connection, started and waited for by its reader. Does every write.
//
// discordgo runs two more, listen and heartbeat. They end when Session.Close does.
//
// # Invariants
//
// Five rules keep discordgo from deadlock; each answers a failure that was seen without it.
//
//  1. The reader never blocks. Session.Close writes its close frame with the Session lock held
//     while listen wants that lock for an ACK: a reader that waited for the writer would close
//     the circle. An ACK is therefore a token in a channel of one slot (two pending ACKs are one
//     ACK), Send must not block, and the websocket's automatic close and pong replies are off.
//  2. One writer owns all writes, because a websocket allows only one. It puts an ACK before
//     any event and stops when its reader does.
//  3. Nothing precedes READY. A session that reads an ACK in place of READY locks itself for
//     ever (onEvent in wsapi.go takes the lock that Open holds).
//  4. READY is delivered once. Session.Open reads it before any goroutine exists that could
//     look at State; a second READY would replace State.User under the eyes of handlers and empty
//     State.Guilds. Later connections of the same session get RESUMED.
//  5. There is one connection at a time. A new one starts when both goroutines of the one before
//     are gone, so the queue of events has one consumer.
//
// # What the session sends
//
// UpdateGameStatus and its kin return as soon as the reader has taken the frame. Whether Discord
// gets it is decided later, and a frame that is malformed, too long or refused by Send shows up
// only in the log and in [Stats].
//
// # A session that closes itself
//
// discordgo compares wall clocks, so a suspended machine or a stepped clock makes it believe that
// heartbeats went unanswered, and it closes its connection. The supervisor opens it again;
// State is untouched and waiting events are kept; only one that the session read while it was
// closing is lost, as its listen throws that away. A user's own Session.Close cannot be told
// apart and is undone in the same way. The way to stop is Close or Shutdown.
//
// # Sequence numbers
//
// Events carry the sequence number that Discord gave them, so *discordgo.Event handlers see the
// real one. It may go backwards after a new identify. discordgo only stores it and repeats it in
// heartbeats and RESUME, where the relay ignores it. READY carries 1 and RESUMED carries 0.
package relay
