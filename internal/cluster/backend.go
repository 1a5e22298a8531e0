package cluster

import (
	"context"
	"iter"
	"time"
)

const (
	// MaxKey is how long a key may be.
	MaxKey = 128
	// MaxValue is how large a value of a key may be, in bytes.
	MaxValue = 64 << 10
)

// A Backend connects the processes of one bot. All methods may be called from any goroutine; each
// ends when ctx does. Keys consist of the characters a-z, 0-9 and _ / . - only.
//
// Nothing here measures time for this package, except for what a ttl of its own bounds: leases
// have none. A Backend must not forget what it has confirmed, whatever becomes of its servers.
type Backend interface {
	// Get returns the value of a key and its revision, 0 when there is none. It may be a moment
	// behind.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)

	// Put sets a key whose revision still is the given one (0: that does not exist), and reports
	// whether it did. The new revision is greater than each earlier one of any key. The key goes
	// by itself a ttl after the last Put (0: never); ttl is rounded up to whole seconds. After an
	// error nobody knows whether it was set.
	Put(ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration) (
		newRevision uint64, ok bool, err error)

	// Delete removes a key whose revision still is the given one, and reports whether it did.
	Delete(ctx context.Context, key string, revision uint64) (ok bool, err error)

	// Watch calls f with each key that begins with prefix, then with key "" once all present ones
	// were given, then with each change (revision 0: the key has gone). The order is that of the
	// revisions, over all keys. Watch returns when ctx ends, or with an error when the connection
	// is lost for so long that changes may have been missed: call it again. Calls of f do not
	// overlap; f must not keep or change value.
	Watch(ctx context.Context, prefix string,
		f func(key string, value []byte, revision uint64)) error

	// Save and Load keep large values, the last one by name. Load's error wraps fs.ErrNotExist
	// when there is none.
	Save(ctx context.Context, name string, data []byte) error
	Load(ctx context.Context, name string) ([]byte, error)

	// Request sends data to every process that serves the subject, this one included, and yields
	// the replies as they come, until ctx ends, the caller stops, or no more can come. That ctx
	// ends is no error.
	Request(ctx context.Context, subject string, data []byte) iter.Seq2[[]byte, error]

	// Serve answers requests, each in a goroutine of its own, until ctx ends; it survives
	// reconnects. It returns when the answers that had begun are done. A nil reply is not sent.
	Serve(ctx context.Context, subject string,
		answer func(ctx context.Context, data []byte) []byte) error
}
