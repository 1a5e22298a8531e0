// Package oteltrace shows what a bot does as traces of OpenTelemetry: an event, how long it waited,
// its handlers, the calls of Discord's API that they made, and what those waited for.
//
//	bot, err := botwright.New(token, botwright.WithTracer(oteltrace.New(oteltrace.Config{})))
//
// The names of spans and attributes, and where they come from, are in docs/tracing.md.
//
// # What is not in a span
//
// No span has the id of a guild, channel, user or message, and nothing that a user wrote, unless
// [Config].Attributes adds it. URLs are shown as templates of routes, because they have ids and the
// tokens of webhooks in them. Errors are shown by their type, unless [Config].ErrorText is set. No
// request to Discord carries the headers of a trace.
package oteltrace
