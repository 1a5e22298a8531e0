package cluster

import (
	"context"
	"time"
)

const (
	// linger is how long a process waits for others that have the same to tell.
	linger = 2 * time.Second

	// delivery is how long a process may take to tell it, and postingFor how long what it has to
	// tell is kept if it dies.
	delivery   = 90 * time.Second
	postingFor = 10 * time.Minute

	boardAgain = 500 * time.Millisecond
)

// A Board lets processes that have something to tell at about the same time tell it once: one of
// them delivers what all have posted.
type Board struct {
	backend Backend
	process string
}

// NewBoard returns the Board of a process. Its name must be no other's.
func NewBoard(b Backend, process string) *Board { return &Board{b, process} }

// Tell has a message delivered to the receiver of a topic, together with those that other processes
// have for it, and returns when that was done, by this process or by another one. If it cannot ask
// the others, it delivers the message alone: better twice than never. A process has one call per
// topic at a time.
func (b *Board) Tell(
	ctx context.Context, topic string, message []byte,
	deliver func(ctx context.Context, messages [][]byte) error,
) error {
	alone := func() error { return deliver(ctx, [][]byte{message}) }
	topic = claimKey(topic)
	key := topic + "/" + claimKey(b.process)[len("claim/"):]
	revision, err := b.post(ctx, key, message)
	if err != nil {
		return alone()
	}
	wait := linger
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)/4)
	}
	for pause(ctx, wait) {
		if _, now, err := b.backend.Get(ctx, key); err != nil {
			return alone()
		} else if now != revision {
			return nil // another process has delivered it
		}
		mine, err := Claim(ctx, b.backend, topic, b.process, delivery)
		if err != nil {
			return alone()
		}
		if mine {
			return b.deliver(ctx, topic, deliver)
		}
		wait = boardAgain
	}
	return ctx.Err()
}

// post puts what the process has to tell.
func (b *Board) post(ctx context.Context, key string, message []byte) (uint64, error) {
	for {
		_, revision, err := b.backend.Get(ctx, key)
		if err != nil {
			return 0, err
		}
		now, ok, err := b.backend.Put(ctx, key, message, revision, postingFor)
		if ok || err != nil {
			return now, err
		}
		if !pause(ctx, boardAgain) {
			return 0, ctx.Err()
		}
	}
}

// deliver delivers all that was posted, and then takes it off the board.
func (b *Board) deliver(
	ctx context.Context, topic string, deliver func(ctx context.Context, messages [][]byte) error,
) error {
	defer func() { _, _ = Unclaim(context.WithoutCancel(ctx), b.backend, topic, b.process) }()
	posted := make(map[string]uint64)
	var messages [][]byte
	watch, cancel := context.WithCancel(ctx)
	err := b.backend.Watch(watch, topic+"/", func(key string, value []byte, revision uint64) {
		if key == "" {
			cancel()
		} else if watch.Err() == nil && revision != 0 {
			posted[key] = revision
			messages = append(messages, append([]byte{}, value...))
		}
	})
	cancel()
	if len(messages) == 0 {
		return err
	}
	if err := deliver(ctx, messages); err != nil {
		return err
	}
	for key, revision := range posted {
		_, _ = b.backend.Delete(ctx, key, revision) // or it is told again by whoever posted it
	}
	return nil
}
