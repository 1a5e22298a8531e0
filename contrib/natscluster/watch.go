package natscluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Watch calls f with each key that begins with prefix, then with key "" once all present ones were
// given, then with each change, with revision 0 for a key that has gone, all in the order of their
// revisions. It waits for a connection first. It returns when ctx ends, or with an error when the
// connection or the server's part of the watch was lost, so that changes may have been missed: call
// it again.
func (c *Cluster) Watch(
	ctx context.Context, prefix string, f func(key string, value []byte, revision uint64),
) error {
	if strings.ContainsFunc(prefix, foreign) {
		return fmt.Errorf("natscluster: watch %q: use [a-z0-9_/.-]", prefix)
	}
	if err := c.watch(ctx, prefix, f); ctx.Err() == nil {
		return fmt.Errorf("watch %s in NATS: %w", prefix, err)
	}
	return ctx.Err()
}

const (
	// The server shows that it still serves a watch every heartbeat, and is lost after two.
	heartbeat = 3 * time.Second
	// expiry is how long a request for what comes next is valid; the client repeats it.
	expiry = time.Minute
	// inactive is when the server forgets a watch that has ended.
	inactive = 30 * time.Second
	// listWait is how long a listing may stand still before the server is asked what is left of it.
	listWait = time.Second
)

// watch returns an error, always.
func (c *Cluster) watch(
	ctx context.Context, prefix string, f func(key string, value []byte, revision uint64),
) error {
	if err := c.awaitConnection(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer c.onStatus(ctx, func() { cancel(errReconnected) }, nats.CONNECTED, nats.CLOSED)()
	defer cancel(nil)
	consumer, err := c.consume(ctx, c.filter(prefix))
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(
		jetstream.PullExpiry(expiry), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	w := &watch{c: c, prefix: prefix, f: f, consumer: consumer, messages: messages}
	if err := w.list(ctx); err != nil {
		return err
	}
	f("", nil, 0)
	for {
		if _, err := w.next(ctx); err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
	}
}

// errReconnected ends a watch when the connection is another one.
var errReconnected = errors.New("the connection was lost")

// awaitConnection waits until there is a connection.
func (c *Cluster) awaitConnection(ctx context.Context) error {
	changed, cancel := context.WithCancel(ctx)
	defer c.onStatus(changed, cancel, nats.CONNECTED, nats.CLOSED)()
	defer cancel()
	if !c.nc.IsConnected() {
		<-changed.Done()
	}
	return cmp.Or(ctx.Err(), c.connected())
}

// filter is the subject of all keys below what the prefix names in full.
func (c *Cluster) filter(prefix string) string {
	parent := prefix[:strings.LastIndex(prefix, "/")+1]
	return bucketSubject + c.cfg.name() + "." + toSubject(parent) + ">"
}

// consume asks the server for the last message of each subject and all that come.
func (c *Cluster) consume(ctx context.Context, filter string) (jetstream.Consumer, error) {
	cfg := jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverLastPerSubjectPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		FilterSubject:     filter,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: inactive,
	}
	consumer, err := c.keys.CreateConsumer(ctx, cfg)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return consumer, err
	}
	if _, _, err := c.prepare(ctx); err != nil { // the server has lost its disk
		return nil, err
	}
	return c.keys.CreateConsumer(ctx, cfg)
}

// A watch is one call of Watch.
type watch struct {
	c        *Cluster
	prefix   string
	f        func(key string, value []byte, revision uint64)
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
	last     uint64          // sequence number of the consumer
	listed   map[string]bool // keys that were given before all were, nil afterwards
}

// list gives f the present keys.
func (w *watch) list(ctx context.Context) error {
	w.listed = make(map[string]bool)
	for left := w.consumer.CachedInfo().NumPending; left > 0; {
		waiting, cancel := context.WithTimeout(ctx, listWait)
		pending, err := w.next(waiting)
		cancel()
		switch {
		case err == nil:
			left = min(left-1, pending)
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return err
		default: // what was left may have gone without a trace
			info, err := w.consumer.Info(ctx)
			if err != nil {
				return err
			}
			if info.NumPending == 0 && info.Delivered.Consumer == w.last {
				left = 0
			}
		}
	}
	w.listed = nil
	return nil
}

// next waits for a message and gives it to f. It returns how many the server has after it.
func (w *watch) next(ctx context.Context) (pending uint64, err error) {
	m, err := w.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return 0, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return 0, err
	}
	if w.last++; meta.Sequence.Consumer != w.last {
		return 0, fmt.Errorf("message %d came instead of %d", meta.Sequence.Consumer, w.last)
	}
	if key := w.c.keyOf(m.Subject()); strings.HasPrefix(key, w.prefix) {
		w.give(key, m, meta.Sequence.Stream)
	}
	return meta.NumPending, nil
}

// give gives f a key that is set or gone, unless it was gone from the start.
func (w *watch) give(key string, m jetstream.Msg, revision uint64) {
	if !isMarker(m.Headers()) {
		if w.listed != nil {
			w.listed[key] = true
		}
		w.f(key, m.Data(), revision)
	} else if w.listed == nil || w.listed[key] {
		w.f(key, nil, 0)
	}
}
