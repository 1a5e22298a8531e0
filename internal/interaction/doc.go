// Package interaction lets plain discordgo code answer an interaction that was deferred for it.
//
// Discord wants one response to an interaction within 3 seconds: a callback. What follows, for 15
// minutes, are edits of that response, which is called @original, and further messages. An [Answer]
// is where one interaction is on this way. [Answer.Defer] sends a deferral as its callback; a
// [Transport] in the session's HTTP client then turns the handler's own callback into what Discord
// still takes, and makes typed errors of what it refuses.
//
// # States
//
//	open      there was no callback yet
//	loading   deferred for the handler: a placeholder says that the bot is thinking
//	quiet     deferred for the handler with nothing to see: as the update of the message that was
//	          clicked, or the placeholder has been deleted
//	promised  the handler has then deferred by itself, and what it promised is a new message
//	answered  the handler has responded
//	lost      Discord takes no callback any more
//
//	open ──the handler's callback──▶ answered
//	open ──Defer──▶ loading or quiet ──the handler's callback, edit or message──▶ answered
//	                loading or quiet ──the handler's own deferral──▶ answered or promised
//	                                   promised ──edit or message──▶ answered
//	open ──Discord does not know the interaction (10062)──▶ lost
//
// What Discord refuses otherwise changes nothing: the handler may try again.
//
// # Callbacks after a deferral
//
//	                     loading                             quiet
//	4  message           edit of @original                   new message
//	5  deferred message  nothing to do                       promised
//	6  deferred update   ErrDeferred                         nothing to do
//	7  update            ErrDeferred                         edit of @original
//	9  modal and others  ErrDeferred                         ErrDeferred
//
// An edit cannot change who sees a message. A callback that is meant for other eyes than the
// placeholder (ephemeral or not) has it deleted, and is then handled as in quiet: what only one
// user was to see is never shown to a channel.
//
// Where a new message took the place of a response, @original in later requests stands for it.
//
// # Invariants
//
//   - Until an interaction is answered, one request of it at a time is on its way; the next waits
//     for its outcome, or for the end of its own context. No lock is held meanwhile.
//   - A deferral whose outcome is unknown, because the connection broke, is settled by the next
//     callback: if Discord has seen one, it was the deferral.
//   - A record is kept while handlers run and, if a request may still have to be changed, until the
//     interaction's token has expired; see [Answers].
//   - No error shows an interaction's token, which is part of the URL.
package interaction
