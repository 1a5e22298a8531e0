package natscluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/botwright/botwright/contrib/natscluster"
)

// serve answers requests until the test ends.
func serve(
	t *testing.T, c *natscluster.Cluster, subject string,
	answer func(context.Context, []byte) []byte,
) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(ctx, subject, answer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve %s: %v", subject, err)
		}
	})
}

// replies asks until there are n replies at once, since a server may not have subscribed yet.
func replies(t *testing.T, c *natscluster.Cluster, subject, data string, n int) []string {
	t.Helper()
	for ctx := within(t); ctx.Err() == nil; {
		var got []string
		attempt, cancel := context.WithTimeout(ctx, patience/100)
		for reply, err := range c.Request(attempt, subject, []byte(data)) {
			if err != nil {
				got = append(got, err.Error())
			} else {
				got = append(got, string(reply))
			}
			if len(got) == n {
				break
			}
		}
		cancel()
		if len(got) == n {
			slices.Sort(got)
			return got
		}
	}
	t.Fatalf("there are never %d replies for %s", n, subject)
	return nil
}

func TestRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b, quiet := s.connect(), s.connect(), s.connect()
	name := func(name string) func(context.Context, []byte) []byte {
		return func(_ context.Context, data []byte) []byte { return append([]byte(name+" "), data...) }
	}
	serve(t, a, "op", name("a"))
	serve(t, b, "op", name("b"))
	serve(t, quiet, "op", func(context.Context, []byte) []byte { return nil })
	if got := replies(t, a, "op", "x", 2); !slices.Equal(got, []string{"a x", "b x"}) {
		t.Errorf("%q", got)
	}
	s.stop()
	for _, err := range a.Request(within(t), "op", nil) {
		if err == nil {
			t.Error("a request without a server: no error")
		}
	}
	s.start()
	if got := replies(t, b, "op", "y", 2); !slices.Equal(got, []string{"a y", "b y"}) {
		t.Errorf("after the server was away: %q", got)
	}
	for reply, err := range a.Request(within(t), "nobody", nil) {
		t.Errorf("nobody serves it, but: %q, %v", reply, err)
	}
}

// TestRequestsAtOnce shows that an answer that takes long delays no other.
func TestRequestsAtOnce(t *testing.T) {
	t.Parallel()
	c := newServer(t).connect()
	release := make(chan struct{})
	serve(t, c, "op", func(_ context.Context, data []byte) []byte {
		if string(data) == "slow" {
			<-release
		}
		return data
	})
	replies(t, c, "op", "fast", 1)
	slow := make(chan []string)
	go func() {
		var got []string
		for reply, err := range c.Request(within(t), "op", []byte("slow")) {
			got = append(got, fmt.Sprint(string(reply), " ", err))
			break
		}
		slow <- got
	}()
	replies(t, c, "op", "fast", 1)
	close(release)
	if got := <-slow; !slices.Equal(got, []string{"slow <nil>"}) {
		t.Errorf("%q", got)
	}
}

func TestReplyTooLong(t *testing.T) {
	t.Parallel()
	c := newServer(t).connect()
	serve(t, c, "op", func(context.Context, []byte) []byte { return make([]byte, 2<<20) })
	if got := replies(t, c, "op", "", 1); !strings.Contains(got[0], "reply of 2097152 bytes") {
		t.Errorf("%.100q", got)
	}
}

func TestServeEndsWithTheConnection(t *testing.T) {
	t.Parallel()
	c := newServer(t).connect()
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(t.Context(), "op", func(context.Context, []byte) []byte { return nil }) }()
	watched := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		watched <- c.Watch(t.Context(), "", func(string, []byte, uint64) { close(ready) })
	}()
	<-ready
	c.Close()
	if err := <-watched; err == nil {
		t.Error("watch: no error")
	}
	if err := <-ended; err == nil {
		t.Error("serve: no error")
	}
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.connect(), s.connect()
	ctx := within(t)
	if _, err := b.Load(ctx, "state/0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load what is not there: %v", err)
	}
	for _, want := range [][]byte{
		bytes.Repeat([]byte("a snapshot "), 1<<18), []byte("b"), {}, bytes.Repeat([]byte("c"), 1<<17),
	} {
		if err := a.Save(ctx, "state/0", want); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Load(ctx, "state/0"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
		}
	}
	s.stop()
	if err := a.Save(ctx, "state/0", nil); err == nil {
		t.Error("save without a server: no error")
	}
	if _, err := a.Load(ctx, "state/0"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load without a server: %v", err)
	}
}
