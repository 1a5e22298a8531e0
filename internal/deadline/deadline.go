// Package deadline is contexts whose time can be begun anew: a handler's time begins when the
// handler does, not while its event waits for that.
package deadline

import (
	"context"
	"sync"
	"time"
)

// A Context ends when its time has passed, or with its parent. While it is held its time stands
// still, and begins anew afterwards.
//
// It wraps a context that is cancelled with the cause, and has a Done and an Err of its own:
// package context has no other way to end one whose deadline was moved with DeadlineExceeded.
type Context struct {
	context.Context // inner
	cancel          context.CancelCauseFunc
	time            time.Duration
	cause           error
	outer           *Context // the next one that this one is within
	done            chan struct{}
	detach          func() bool // from the inner one

	mu    sync.Mutex // guards what follows
	timer *time.Timer
	at    time.Time
	holds int
	err   error // set before done is closed
}

type key struct{}

// New returns a Context that ends d from now with the given cause, and a function that ends it.
func New(parent context.Context, d time.Duration, cause error) (*Context, func()) {
	inner, cancel := context.WithCancelCause(parent)
	c := &Context{Context: inner, cancel: cancel, time: d, cause: cause, done: make(chan struct{})}
	c.outer, _ = parent.Value(key{}).(*Context)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = time.Now().Add(d)
	c.timer = time.AfterFunc(d, c.expire)
	c.detach = context.AfterFunc(inner, func() { c.finish(inner.Err(), nil) })
	return c, c.end
}

// Hold stops the time of all Contexts that ctx is within, until release is called. Call it once.
func Hold(ctx context.Context) (release func()) {
	innermost, _ := ctx.Value(key{}).(*Context)
	for c := innermost; c != nil; c = c.outer {
		c.hold(1)
	}
	return func() {
		for c := innermost; c != nil; c = c.outer {
			c.hold(-1)
		}
	}
}

func (c *Context) hold(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds += n; c.err != nil {
		return
	}
	if c.holds > 0 {
		c.timer.Stop()
		return
	}
	c.at = time.Now().Add(c.time)
	c.timer.Reset(c.time)
}

// expire ends the context if its time is really over: it may just have been held.
func (c *Context) expire() {
	c.mu.Lock()
	over := c.holds == 0 && !time.Now().Before(c.at)
	c.mu.Unlock()
	if over {
		c.finish(context.DeadlineExceeded, c.cause)
	}
}

// end ends the context when its work is done.
func (c *Context) end() { c.finish(context.Canceled, context.Canceled) }

// finish ends the context, once. A nil cause is that of the inner one, which has ended.
func (c *Context) finish(err, cause error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
		c.timer.Stop()
	}
	c.mu.Unlock()
	if !first {
		return
	}
	c.detach()
	c.cancel(cause)
	close(c.done)
}

// Deadline implements context.Context. While the context is held its own is not known.
func (c *Context) Deadline() (time.Time, bool) {
	parent, ok := c.Context.Deadline()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds > 0 || ok && parent.Before(c.at) {
		return parent, ok
	}
	return c.at, true
}

// Done implements context.Context.
func (c *Context) Done() <-chan struct{} { return c.done }

// Err implements context.Context.
func (c *Context) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	return c.Context.Err()
}

// Value implements context.Context.
func (c *Context) Value(k any) any {
	if k == (key{}) {
		return c
	}
	return c.Context.Value(k)
}

// AfterFunc is what package context looks for in a context that is not its own: without it each
// child would cost a goroutine.
func (c *Context) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(c.Context, f) }
