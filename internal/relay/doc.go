// Package relay plays Discord's gateway to one [discordgo.Session].
//
// The session believes that it is connected to Discord. It is connected, through a [net.Conn] that
// never leaves the process, to a [Relay], which gives it one HELLO, one READY, heartbeat ACKs and
// the events somebody asked for, and takes what it sends. The session is opened once and stays
// open whatever happens to the real connection; whoever owns that one meets the relay only in
// [Config.Send], [Config.Latency] and [Relay.Dispatch].
//
// # States of a connection
//
//	dialed ──handshake──▶ accepted ──▶ HELLO read ──op 2 or 6──▶ identified ──▶ welcomed
//	   any ──close frame, what is no websocket's, Close, drop, next dial──▶ ended
//
// Welcomed means that READY, or later RESUMED, is being read; ACKs and events follow.
//
// # Goroutines and their owners
//
// A connection has none: the session's goroutines do the work in its Write and Read. A write is
// parsed and answered at once. A read takes what is due by the connection's state, and waits only
// when nothing is.
//
// A supervisor calls Session.Open and Session.Close, which may block for a second and more. It is
// started by Open, by the end of a connection and by Close, ends when the session has a connection
// or is closed, and is waited for by Shutdown. There is never more than one.
//
// discordgo runs two, listen and heartbeat. They end when Session.Close does.
//
// # Invariants
//
// Six rules keep discordgo from deadlock; each answers a failure that was seen without it.
//
//  1. A write never blocks. Session.Close writes its close frame with the Session lock held
//     while listen wants that lock for an ACK: a write that waited for a read would close the
//     circle. An ACK is therefore a flag (two pending ACKs are one ACK), Send must not block, and
//     pings and close frames are not answered.
//  2. No lock of the relay is held while Send, Failed or a method of the session runs. The
//     relay's lock and a connection's are never held together; the queue's is the innermost.
//  3. An ACK is read before any event.
//  4. Nothing precedes READY. A session that reads an ACK in place of READY locks itself up
//     (onEvent in wsapi.go takes the lock that Open holds).
//  5. READY is delivered once. Session.Open reads it before any goroutine exists that could
//     look at State; a second READY would replace State.User under the eyes of handlers and empty
//     State.Guilds. Later connections of the same session get RESUMED.
//  6. There is one connection at a time. A new one ends the one before, and an event leaves the
//     queue when it has been read to its end, so the next connection begins with the one that was
//     cut off.
//
// # What the session sends
//
// UpdateGameStatus and its kin return as soon as Send has taken the frame. Whether Discord gets it
// is decided later, and a frame that is malformed, too long or refused by Send shows up only in
// the log and in [Stats].
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
