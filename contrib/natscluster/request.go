package natscluster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/nats-io/nats.go"
)

// errorHeader carries why a process that got a request has no reply for it.
const errorHeader = "Botwright-Error"

// Request sends data to every process that serves the subject, this one included, and yields the
// replies as they come, until ctx ends or the caller stops. It ends early, without a reply, when
// nobody serves the subject.
func (c *Cluster) Request(
	ctx context.Context, subject string, data []byte,
) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		err := c.call(ctx, "request "+subject+" over NATS", func(ctx context.Context) error {
			return c.request(ctx, subject, data, yield)
		})
		if err != nil && ctx.Err() == nil {
			yield(nil, err)
		}
	}
}

// request yields replies until there can be no more, and returns an error if that is too early.
func (c *Cluster) request(
	ctx context.Context, subject string, data []byte, yield func([]byte, error) bool,
) error {
	to, err := c.requestSubject(subject)
	if err != nil {
		return err
	}
	inbox := c.nc.NewInbox()
	replies, err := c.nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = replies.Unsubscribe() }()
	if err := c.nc.PublishRequest(to, inbox, data); err != nil {
		return err
	}
	for {
		m, err := replies.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrNoResponders):
			return nil
		case err != nil:
			return err
		}
		if failure := m.Header.Get(errorHeader); failure != "" {
			err = fmt.Errorf("request %s over NATS: %s", subject, failure)
		}
		if !yield(m.Data, err) {
			return nil
		}
	}
}

// Serve answers requests, each in a goroutine of its own, until ctx ends, and returns when all of
// them have. It survives reconnects. A nil reply is not sent. The error is not nil if the connection
// was closed for good.
func (c *Cluster) Serve(
	ctx context.Context, subject string, answer func(ctx context.Context, data []byte) []byte,
) error {
	at, err := c.requestSubject(subject)
	if err != nil {
		return err
	}
	requests, err := c.nc.SubscribeSync(at)
	if err != nil {
		return fmt.Errorf("serve %s over NATS: %w", subject, err)
	}
	defer func() { _ = requests.Unsubscribe() }()
	var answers sync.WaitGroup
	defer answers.Wait()
	for {
		m, err := requests.NextMsgWithContext(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			answers.Go(func() { respond(m, answer(ctx, m.Data)) })
		case !requests.IsValid():
			return fmt.Errorf("serve %s over NATS: %w", subject, err)
		}
	}
}

// respond sends a reply, or why it cannot be sent.
func respond(request *nats.Msg, reply []byte) {
	if reply == nil {
		return
	}
	err := request.Respond(reply)
	if err == nil {
		return
	}
	failed := nats.NewMsg(request.Reply)
	failed.Header.Set(errorHeader, fmt.Sprintf("reply of %d bytes: %v", len(reply), err))
	_ = request.RespondMsg(failed)
}

// requestSubject is the subject of NATS that stands for one of the cluster's.
func (c *Cluster) requestSubject(subject string) (string, error) {
	if err := checkKey(subject); err != nil {
		return "", err
	}
	return c.cfg.name() + "." + toSubject(subject), nil
}
