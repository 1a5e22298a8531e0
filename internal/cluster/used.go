package cluster

import (
	"context"
	"fmt"
	"strings"
)

// Used reports whether there are processes that share so many shards. One that has died counts
// until the others have noticed.
func Used(ctx context.Context, b Backend, count int) (used bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seen := false
	err = b.Watch(ctx, fmt.Sprintf("shards/%d/process/", count),
		func(key string, _ []byte, revision uint64) {
			used = used || !seen && strings.Contains(key, "/") && revision != 0
			if key == "" {
				seen = true
				cancel()
			}
		})
	if seen {
		err = nil
	}
	return used, err
}
