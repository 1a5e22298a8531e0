package natscluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/botwright/botwright/contrib/natscluster"
)

// watch returns what a watch is given, until the test ends, with "again" where it ended with an
// error and was called again.
func watch(t *testing.T, c *natscluster.Cluster, prefix string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	seen, ended := make(chan string, 100), make(chan error, 1)
	go func() {
		for again := false; ; again = true {
			err := c.Watch(ctx, prefix, func(key string, value []byte, revision uint64) {
				if again {
					seen <- "again"
					again = false
				}
				if revision == 0 {
					seen <- "-" + key
				} else {
					seen <- key + "=" + string(value)
				}
			})
			if ctx.Err() != nil {
				ended <- err
				return
			}
			runtime.Gosched()
		}
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("watch %s: %v", prefix, err)
		}
	})
	return seen
}

// await reads what a watch is given until it is the last of want, and compares.
func await(t *testing.T, seen <-chan string, want ...string) {
	t.Helper()
	timeout := time.After(patience)
	for i, w := range want {
		select {
		case got := <-seen:
			if got != w {
				t.Fatalf("event %d is %s, want %s", i, got, w)
			}
		case <-timeout:
			t.Fatalf("waited for %s in vain", w)
		}
	}
}

// put sets a key whatever it is.
func put(t *testing.T, c *natscluster.Cluster, key, value string, ttl time.Duration) {
	t.Helper()
	if err := retry(t, func(ctx context.Context) error {
		_, revision, err := c.Get(ctx, key)
		if err != nil {
			return err
		}
		_, ok, err := c.Put(ctx, key, []byte(value), revision, ttl)
		if err == nil && !ok {
			err = errors.New("the key has changed")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// retry calls f until it succeeds, each time for a while, or returns its last error.
func retry(t *testing.T, f func(context.Context) error) error {
	t.Helper()
	for ctx := within(t); ; {
		attempt, cancel := context.WithTimeout(ctx, patience/10)
		err := f(attempt)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

func remove(t *testing.T, c *natscluster.Cluster, key string) {
	t.Helper()
	ctx := within(t)
	_, revision, err := c.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.Delete(ctx, key, revision); !ok || err != nil {
		t.Fatalf("delete %s: %v, %v", key, ok, err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	c := newServer(t).connect()
	put(t, c, "shard/1", "a", 0)
	put(t, c, "shard/2", "b", 0)
	put(t, c, "shard/2", "c", 0)
	put(t, c, "process/x", "p", 0)
	put(t, c, "shard/3", "d", 0)
	remove(t, c, "shard/3")
	shards := watch(t, c, "shard/")
	await(t, shards, "shard/1=a", "shard/2=c", "-")
	await(t, watch(t, c, "shard/1"), "shard/1=a", "-")
	await(t, watch(t, c, "sh"), "shard/1=a", "shard/2=c", "-")
	await(t, watch(t, c, ""), "shard/1=a", "shard/2=c", "process/x=p", "-")
	await(t, watch(t, c, "nothing/"), "-")
	put(t, c, "shard/10", "e", 0)
	put(t, c, "process/y", "q", 0)
	put(t, c, "shard/1", "f", 0)
	remove(t, c, "shard/2")
	put(t, c, "shard/2", "g", 0)
	await(t, shards, "shard/10=e", "shard/1=f", "-shard/2", "shard/2=g")
}

// TestServerRestarts shows that a watch goes on, and that keys expire while the server is away.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.connect()
	put(t, c, "a", "1", 0)
	put(t, c, "lease", "1", time.Hour)
	seen := watch(t, c, "")
	await(t, seen, "a=1", "lease=1", "-")
	put(t, c, "lease", "2", time.Second)
	await(t, seen, "lease=2")
	s.stop()
	if _, _, err := c.Get(within(t), "a"); err == nil {
		t.Error("get without a server: no error")
	}
	if _, _, err := c.Put(within(t), "a", nil, 0, 0); err == nil {
		t.Error("put without a server: no error")
	}
	expired := time.NewTimer(time.Second)
	<-expired.C
	s.start()
	await(t, seen, "again", "a=1")
	if event := <-seen; event == "lease=2" { // it goes within a moment
		await(t, seen, "-", "-lease")
	} else if event != "-" {
		t.Fatal(event)
	}
	put(t, c, "a", "2", 0)
	await(t, seen, "a=2")
}

// TestServerLosesItsDisk shows that a bucket is made again, and that its revisions go on.
func TestServerLosesItsDisk(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	c := s.connect()
	put(t, c, "a", "1", 0)
	_, before, err := c.Get(within(t), "a")
	if err != nil {
		t.Fatal(err)
	}
	seen := watch(t, c, "")
	await(t, seen, "a=1", "-")
	s.stop()
	if err := os.RemoveAll(s.opts.StoreDir); err != nil {
		t.Fatal(err)
	}
	s.start()
	await(t, seen, "again", "-")
	put(t, c, "a", "2", 0)
	await(t, seen, "a=2")
	if _, after, err := c.Get(within(t), "a"); err != nil || after <= before {
		t.Errorf("revision %d after %d, %v", after, before, err)
	}
	if err := c.Save(within(t), "state", []byte("x")); err != nil {
		t.Error(err)
	}
}

func TestWatchOfMany(t *testing.T) {
	t.Parallel()
	c := newServer(t).connect()
	const n = 2000
	for i := range n {
		put(t, c, fmt.Sprint("session/", i), "s", 0)
	}
	seen := watch(t, c, "session/")
	for i := range n {
		await(t, seen, fmt.Sprint("session/", i, "=s"))
	}
	await(t, seen, "-")
}
