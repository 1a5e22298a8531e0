package natscluster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/contrib/natscluster"
)

var _ botwright.Cluster = (*natscluster.Cluster)(nil)

func TestPutNeedsTheRevision(t *testing.T) {
	t.Parallel()
	ctx, c := within(t), newServer(t).connect()
	put := func(key, value string, revision uint64, want bool) uint64 {
		t.Helper()
		next, ok, err := c.Put(ctx, key, []byte(value), revision, 0)
		if err != nil || ok != want || ok != (next > revision) {
			t.Fatalf("put %s at %d: revision %d, %v, %v", key, revision, next, ok, err)
		}
		return next
	}
	get := func(key, want string, revision uint64) {
		t.Helper()
		value, at, err := c.Get(ctx, key)
		if err != nil || string(value) != want || at != revision {
			t.Fatalf("get %s: %q at %d, %v", key, value, at, err)
		}
	}
	get("shard/0", "", 0)
	first := put("shard/0", "a", 0, true)
	put("shard/0", "b", 0, false)
	put("shard/0", "b", first+1, false)
	get("shard/0", "a", first)
	second := put("shard/0", "b", first, true)
	get("shard/0", "b", second)
	if ok, err := c.Delete(ctx, "shard/0", first); ok || err != nil {
		t.Fatalf("delete with an old revision: %v, %v", ok, err)
	}
	if ok, err := c.Delete(ctx, "shard/0", second); !ok || err != nil {
		t.Fatalf("delete: %v, %v", ok, err)
	}
	get("shard/0", "", 0)
	put("shard/0", "c", second, false)
	if ok, err := c.Delete(ctx, "shard/0", 0); ok || err != nil {
		t.Fatalf("delete what is not there: %v, %v", ok, err)
	}
	put("shard/0", "c", 0, true)
	put("alert/a.b-c_d", "", 0, true)
}

func TestKeysExpire(t *testing.T) {
	t.Parallel()
	ctx, c := within(t), newServer(t).connect()
	start := time.Now()
	revision, ok, err := c.Put(ctx, "process/a", []byte("1"), 0, time.Millisecond)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	gone := make(chan time.Duration, 1)
	go func() {
		_ = c.Watch(ctx, "process/", func(key string, _ []byte, revision uint64) {
			if key == "process/a" && revision == 0 {
				gone <- time.Since(start)
			}
		})
	}()
	select {
	case after := <-gone:
		if after < time.Second {
			t.Errorf("gone after %v, earlier than a second", after)
		}
		t.Log("gone after", after)
	case <-ctx.Done():
		t.Fatal("the key does not expire")
	}
	if value, at, err := c.Get(ctx, "process/a"); value != nil || at != 0 || err != nil {
		t.Errorf("%q at %d, %v", value, at, err)
	}
	if _, ok, err := c.Put(ctx, "process/a", nil, revision, 0); ok || err != nil {
		t.Errorf("a lease that has ended was renewed: %v, %v", ok, err)
	}
	if next, ok, err := c.Put(ctx, "process/a", nil, 0, 0); !ok || next <= revision || err != nil {
		t.Errorf("the key is not free: %d, %v, %v", next, ok, err)
	}
}

func TestBadKeys(t *testing.T) {
	t.Parallel()
	ctx, c := within(t), newServer(t).connect()
	for _, key := range []string{
		"", "A", "a b", "a*", "a>", "a=", "/a", "a/", "a//b", "ä", strings.Repeat("a", 129),
	} {
		if _, _, err := c.Get(ctx, key); err == nil {
			t.Errorf("get %q: no error", key)
		}
		if _, _, err := c.Put(ctx, key, nil, 0, 0); err == nil {
			t.Errorf("put %q: no error", key)
		}
		if _, err := c.Delete(ctx, key, 1); err == nil {
			t.Errorf("delete %q: no error", key)
		}
		if err := c.Save(ctx, key, nil); err == nil {
			t.Errorf("save %q: no error", key)
		}
		if _, err := c.Load(ctx, key); err == nil {
			t.Errorf("load %q: no error", key)
		}
		if err := c.Serve(ctx, key, nil); err == nil {
			t.Errorf("serve %q: no error", key)
		}
		for _, err := range c.Request(ctx, key, nil) {
			if err == nil {
				t.Errorf("request %q: no error", key)
			}
		}
	}
	if err := c.Watch(ctx, "A", nil); err == nil {
		t.Error("watch A: no error")
	}
	if _, _, err := c.Put(ctx, "a", make([]byte, 64<<10+1), 0, 0); err == nil {
		t.Error("a value that is too long: no error")
	}
	if _, ok, err := c.Put(ctx, "a", make([]byte, 64<<10), 0, 0); !ok || err != nil {
		t.Errorf("a value that is as long as may be: %v, %v", ok, err)
	}
	if _, ok, err := c.Put(ctx, strings.Repeat("a", 128), nil, 0, 0); !ok || err != nil {
		t.Errorf("a key that is as long as may be: %v, %v", ok, err)
	}
}

func TestTwoBotsOnOneServer(t *testing.T) {
	t.Parallel()
	ctx, s := within(t), newServer(t)
	c := s.connect()
	other, err := natscluster.Connect(ctx, s.url(), natscluster.Config{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, ok, err := c.Put(ctx, "a", nil, 0, 0); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, at, err := other.Get(ctx, "a"); at != 0 || err != nil {
		t.Errorf("the other bot sees revision %d, %v", at, err)
	}
}
