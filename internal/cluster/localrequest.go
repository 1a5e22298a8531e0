package cluster

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"sync"
)

// A localServer is one call of Serve.
type localServer struct {
	ctx     context.Context
	answer  func(ctx context.Context, data []byte) []byte
	answers sync.WaitGroup
}

// Request implements Backend. It ends when all servers have answered.
func (l *Local) Request(ctx context.Context, subject string, data []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		l.mu.Lock()
		servers := l.servers[subject]
		for _, s := range servers {
			s.answers.Add(1) // under mu: Serve waits only once it is off the list
		}
		l.mu.Unlock()
		replies := make(chan []byte, len(servers))
		for _, s := range servers {
			go func() {
				defer s.answers.Done()
				replies <- s.answer(s.ctx, bytes.Clone(data))
			}()
		}
		for range servers {
			select {
			case reply := <-replies:
				if reply != nil && !yield(reply, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// Serve implements Backend.
func (l *Local) Serve(
	ctx context.Context, subject string, answer func(ctx context.Context, data []byte) []byte,
) error {
	s := &localServer{ctx: ctx, answer: answer}
	l.mu.Lock()
	l.servers[subject] = append(slices.Clone(l.servers[subject]), s)
	l.mu.Unlock()
	<-ctx.Done()
	l.mu.Lock()
	l.servers[subject] = slices.DeleteFunc(slices.Clone(l.servers[subject]),
		func(o *localServer) bool { return o == s })
	if len(l.servers[subject]) == 0 {
		delete(l.servers, subject)
	}
	l.mu.Unlock()
	s.answers.Wait()
	return ctx.Err()
}
