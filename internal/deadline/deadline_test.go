package deadline_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/deadline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errLate = errors.New("late")

// want checks how a context has ended; nil for not at all.
func want(ctx context.Context, t *testing.T, what string, err, cause error) {
	t.Helper()
	synctest.Wait()
	ended := false
	select {
	case <-ctx.Done():
		ended = true
	default:
	}
	if !errors.Is(ctx.Err(), err) || !errors.Is(context.Cause(ctx), cause) || ended != (err != nil) {
		t.Errorf("%s: ended %v, %v, cause %v; want %v, cause %v", what, ended, ctx.Err(), context.Cause(ctx), err, cause)
	}
}

func TestExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := deadline.New(t.Context(), time.Second, errLate)
		defer end()
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		if at, ok := child.Deadline(); !ok || time.Until(at) != time.Second {
			t.Errorf("deadline in %v, %v", time.Until(at), ok)
		}
		time.Sleep(time.Second - 1)
		want(child, t, "before", nil, nil)
		time.Sleep(time.Nanosecond)
		want(ctx, t, "itself", context.DeadlineExceeded, errLate)
		want(child, t, "its child", context.DeadlineExceeded, errLate)
		end()
		want(ctx, t, "afterwards", context.DeadlineExceeded, errLate)
	})
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := deadline.New(t.Context(), time.Second, errLate)
		end()
		end()
		time.Sleep(time.Minute)
		want(ctx, t, "when it was ended", context.Canceled, context.Canceled)

		cause := errors.New("enough")
		parent, cancel := context.WithCancelCause(t.Context())
		ctx, end = deadline.New(parent, time.Second, errLate)
		defer end()
		child, cancelChild := context.WithCancel(ctx)
		defer cancelChild()
		cancel(cause)
		want(ctx, t, "with its parent", context.Canceled, cause)
		want(child, t, "with its grandparent", context.Canceled, cause)
	})
}

func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deadline.Hold(t.Context())() // nothing to hold
		outer, endOuter := deadline.New(t.Context(), 2*time.Second, errLate)
		defer endOuter()
		between, cancel := context.WithCancel(outer)
		defer cancel()
		inner, endInner := deadline.New(between, time.Second, errLate)
		defer endInner()
		time.Sleep(900 * time.Millisecond)
		release, again := deadline.Hold(inner), deadline.Hold(inner)
		if at, ok := inner.Deadline(); ok {
			t.Errorf("while held the deadline is %v", at)
		}
		time.Sleep(time.Hour)
		release()
		time.Sleep(time.Hour)
		want(inner, t, "while held", nil, nil)
		again()
		time.Sleep(time.Second - 1)
		want(inner, t, "before its time", nil, nil)
		time.Sleep(time.Nanosecond)
		want(inner, t, "the inner one", context.DeadlineExceeded, errLate)
		want(outer, t, "the outer one", nil, nil)
		time.Sleep(time.Second)
		want(outer, t, "the outer one", context.DeadlineExceeded, errLate)
		deadline.Hold(inner)()
	})
}
