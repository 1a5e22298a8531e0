package gateway_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/gateway"
)

// A desk is a turn among processes: it hands out one at a time and notes what becomes of it.
type desk struct {
	free      chan struct{}
	lost      int // of the next turns
	confirmed int
	dropped   int
}

func newDesk() *desk { return &desk{free: make(chan struct{}, 1)} }

func (d *desk) reserve(ctx context.Context, _, _ int) (
	func(context.Context) (bool, error), func(), error,
) {
	select {
	case d.free <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	return func(context.Context) (bool, error) {
			if d.lost > 0 {
				d.lost--
				return false, nil
			}
			d.confirmed++
			return true, nil
		}, func() {
			d.dropped++
			<-d.free
		}, nil
}

func sharedQueue(d *desk) *gateway.Queue {
	return gateway.NewQueue(gateway.QueueConfig{
		Limit: func(context.Context) (gateway.Limit, error) {
			return gateway.Limit{Total: 1000, Remaining: 1000, ResetAfter: time.Hour, MaxConcurrency: 1}, nil
		},
		Reserve: d.reserve,
	})
}

func TestQueueReservesBeforeDialling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		q := sharedQueue(d)
		d.free <- struct{}{} // another process has the turn
		waited := false
		near := make(chan func(), 1)
		go func() {
			leave, err := q.Near(t.Context(), 0, func() { waited = true })
			if err != nil {
				t.Error(err)
			}
			near <- leave
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(near) != 0 || !waited {
			t.Errorf("dials without a turn: %v; says that it waits: %v", len(near) != 0, waited)
		}
		<-d.free
		leave := <-near
		if err := q.Wait(t.Context(), 0); err != nil || d.confirmed != 1 {
			t.Errorf("%d confirmed, %v", d.confirmed, err)
		}
		leave()
		if d.dropped != 1 {
			t.Errorf("%d dropped", d.dropped)
		}
	})
}

func TestQueueReservesAnewWhenATurnIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.lost = 2
		q := sharedQueue(d)
		leave, err := q.Near(t.Context(), 0, func() {})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Wait(t.Context(), 0); err != nil || d.confirmed != 1 || d.dropped != 2 {
			t.Errorf("%d confirmed, %d dropped, %v", d.confirmed, d.dropped, err)
		}
		leave()
	})
}

func TestQueueGivesUpItsReservation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		q := sharedQueue(d)
		leave, err := q.Near(t.Context(), 0, func() {})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := q.Near(ctx, 1, func() {}); err == nil {
			t.Error("two have the turn")
		}
		leave() // the connection has failed before it identified
		if next, err := q.Near(t.Context(), 1, func() {}); err != nil || d.dropped != 1 || d.confirmed != 0 {
			t.Errorf("%d confirmed, %d dropped, %v", d.confirmed, d.dropped, err)
		} else {
			next()
		}
	})
}
