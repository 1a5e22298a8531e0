package rest

import "context"

// A Level is how urgent a request is.
type Level int

// Levels. What is not marked is Normal.
const (
	Low Level = iota
	Normal
	High
)

// WithLevel returns a context whose requests have that level.
func WithLevel(ctx context.Context, l Level) context.Context {
	return context.WithValue(ctx, levelKey{}, min(max(l, Low), High))
}

// NoWait returns a context whose requests fail instead of waiting for a limit.
func NoWait(ctx context.Context) context.Context {
	return context.WithValue(ctx, noWaitKey{}, true)
}

type (
	levelKey  struct{}
	noWaitKey struct{}
)

func levelOf(ctx context.Context) Level {
	if l, ok := ctx.Value(levelKey{}).(Level); ok {
		return l
	}
	return Normal
}

func mayWait(ctx context.Context) bool { return ctx.Value(noWaitKey{}) == nil }
