package cluster

import (
	"context"
	"encoding/hex"
	"hash/fnv"
	"time"
)

// Claim reports whether this process is the first one of the cluster to claim something, such as
// to send an alert. A claim lasts for ttl, or until Unclaim. A process that asks again for what it
// has claimed is told yes, and keeps it for another ttl. An error says that nobody knows: what is
// better done twice than never should be done.
func Claim(ctx context.Context, b Backend, name, process string, ttl time.Duration) (bool, error) {
	key := claimKey(name)
	_, ok, err := b.Put(ctx, key, []byte(process), 0, ttl)
	if ok || err != nil {
		return ok, err
	}
	owner, revision, err := b.Get(ctx, key)
	if err != nil || revision == 0 || string(owner) != process {
		return false, err
	}
	_, ok, err = b.Put(ctx, key, owner, revision, ttl)
	return ok, err
}

// Unclaim lets others claim what the process has claimed. It reports whether it had.
func Unclaim(ctx context.Context, b Backend, name, process string) (bool, error) {
	key := claimKey(name)
	owner, revision, err := b.Get(ctx, key)
	if err != nil || revision == 0 || string(owner) != process {
		return false, err
	}
	return b.Delete(ctx, key, revision)
}

// claimKey makes a key of any text.
func claimKey(name string) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(name)) // never fails
	return "claim/" + hex.EncodeToString(h.Sum(nil))
}
