package natscluster

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
)

// call runs one exchange with the server. It fails at once while there is no connection, and as
// soon as that is lost: the answer will not come then, and what would wait in the client would be
// sent when nobody expects it any more. what says what was being done.
func (c *Cluster) call(
	ctx context.Context, what string, exchange func(ctx context.Context) error,
) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer c.onStatus(inner, func() { cancel(nats.ErrDisconnected) },
		nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)()
	defer cancel(nil)
	err := c.connected()
	if err == nil {
		err = exchange(inner)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, cmp.Or(ctx.Err(), context.Cause(inner), err))
}

func (c *Cluster) connected() error {
	if c.nc.IsClosed() {
		return nats.ErrConnectionClosed
	}
	if !c.nc.IsConnected() {
		return nats.ErrDisconnected
	}
	return nil
}

// onStatus calls f when the connection comes into one of the states, until ctx ends. The function
// that it returns waits for that.
func (c *Cluster) onStatus(ctx context.Context, f func(), states ...nats.Status) (wait func()) {
	changes := c.nc.StatusChanged(states...)
	var watching sync.WaitGroup
	watching.Go(func() {
		defer c.nc.RemoveStatusListener(changes)
		select {
		case <-changes:
			f()
		case <-ctx.Done():
		}
	})
	return watching.Wait
}
