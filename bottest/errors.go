package bottest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A report is an error that the bot has reported, and the type of the event.
type report struct {
	event string
	err   error
}

func (r report) String() string {
	text := r.err.Error()
	if p, ok := errors.AsType[*botwright.PanicError](r.err); ok {
		text += "\n" + string(p.Stack)
	}
	if r.event == "" {
		return text
	}
	return fmt.Sprintf("an error of %s: %s", r.event, text)
}

// An errorList holds what was reported and not taken.
type errorList struct {
	mu      sync.Mutex // guards what follows
	reports []report
	changed chan struct{} // closed and replaced when a report comes
}

func newErrorList() *errorList { return &errorList{changed: make(chan struct{})} }

// add is the bot's ErrorHandler.
func (l *errorList) add(_ context.Context, e *botwright.Event, err error) {
	r := report{err: err}
	if e != nil {
		r.event = e.Type
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports = append(l.reports, r)
	close(l.changed)
	l.changed = make(chan struct{})
}

// take waits for a report and takes it out.
func (l *errorList) take(ctx context.Context) (report, error) {
	for {
		if err := l.waitAny(ctx); err != nil {
			return report{}, err
		}
		l.mu.Lock()
		if len(l.reports) > 0 {
			r := l.reports[0]
			l.reports = l.reports[1:]
			l.mu.Unlock()
			return r, nil
		}
		l.mu.Unlock()
	}
}

// waitAny waits until there is a report.
func (l *errorList) waitAny(ctx context.Context) error {
	for {
		l.mu.Lock()
		n, changed := len(l.reports), l.changed
		l.mu.Unlock()
		if n > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// rest takes all that is there.
func (l *errorList) rest() []report {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.reports
	l.reports = nil
	return rest
}

// nest puts options into the subcommands that a name has after the command's.
func nest(name string, options []*discordtest.CommandOption) (string, []*discordtest.CommandOption) {
	words := strings.Fields(name)
	if len(words) == 0 {
		return name, options
	}
	for i := len(words) - 1; i > 0; i-- {
		options = []*discordtest.CommandOption{discordtest.Subcommand(words[i], options...)}
	}
	return words[0], options
}

// output is the test's output, until the test has ended and must not be written to.
type output struct {
	mu sync.Mutex
	to io.Writer // nil when it is closed
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil {
		return len(p), nil
	}
	return o.to.Write(p)
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = nil
}
