package natscluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The bucket is a stream laid out as NATS's key-value buckets are, so that "nats kv" shows it. It is
// used through the stream because the client's bucket cannot set a time to live together with a
// revision.
//
// One message per subject is kept, its sequence number is the revision. A key that is deleted or
// has expired leaves a marker, a message that says so, for markerTTL. Reads go to the stream's
// leader: replicas answer direct reads too, with what may be old.
const (
	bucketStream  = "KV_"
	bucketSubject = "$KV."
	markerTTL     = time.Minute
	// MaxAge and Purge are why the server puts a marker.
	operationHeader = "KV-Operation"
	purgeOperation  = "PURGE"
)

// prepare makes the bucket and the object store, or brings their settings up to date.
func (c *Cluster) prepare(
	ctx context.Context,
) (keys jetstream.Stream, store jetstream.ObjectStore, err error) {
	if keys, err = c.prepareKeys(ctx); err != nil {
		return nil, nil, fmt.Errorf("prepare the NATS bucket %s: %w", c.cfg.name(), err)
	}
	if store, err = c.prepareStore(ctx); err != nil {
		return nil, nil, fmt.Errorf("prepare the NATS object store %s: %w", c.storeName(), err)
	}
	return keys, store, nil
}

func (c *Cluster) prepareKeys(ctx context.Context) (jetstream.Stream, error) {
	cfg := jetstream.StreamConfig{
		Name:                   bucketStream + c.cfg.name(),
		Description:            "What the processes of a bot share",
		Subjects:               []string{bucketSubject + c.cfg.name() + ".>"},
		Storage:                jetstream.FileStorage,
		MaxMsgsPerSubject:      1,
		MaxMsgSize:             maxValue + headroom,
		Discard:                jetstream.DiscardNew,
		AllowRollup:            true,
		DenyDelete:             true,
		AllowMsgTTL:            true,
		SubjectDeleteMarkerTTL: markerTTL,
		Replicas:               max(c.cfg.Replicas, 1),
		// If the server has lost its disk and the bucket is made anew, revisions still increase.
		FirstSeq: uint64(time.Now().UnixMicro()),
	}
	stream, err := c.js.CreateStream(ctx, cfg)
	if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return stream, err
	}
	if stream, err = c.js.Stream(ctx, cfg.Name); err != nil {
		return nil, err
	}
	present := stream.CachedInfo().Config
	cfg.FirstSeq = present.FirstSeq
	if c.cfg.Replicas == 0 {
		cfg.Replicas = present.Replicas
	}
	return c.js.UpdateStream(ctx, cfg)
}

// Get returns the value of a key and its revision, 0 when there is none.
func (c *Cluster) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	subject, err := c.keySubject(key)
	if err != nil {
		return nil, 0, err
	}
	var m *jetstream.RawStreamMsg
	err = c.call(ctx, "get "+key+" from NATS", func(ctx context.Context) (err error) {
		m, err = c.last(ctx, subject)
		return err
	})
	if err != nil || m == nil || isMarker(m.Header) {
		return nil, 0, err
	}
	return m.Data, m.Sequence, nil
}

// last returns the message that a subject has, nil if there is none.
func (c *Cluster) last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	m, err := c.keys.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	return m, err
}

// Put sets a key whose revision still is the given one, 0 for a key that does not exist, and
// reports whether it did. The new revision is greater than each earlier one of the cluster's. The
// key goes by itself a ttl after the last Put, 0 for never; ttl is rounded up to whole seconds. A
// value is at most 64 KiB long. After an error the key may be set or not: Get tells.
func (c *Cluster) Put(
	ctx context.Context, key string, value []byte, revision uint64, ttl time.Duration,
) (newRevision uint64, ok bool, err error) {
	subject, err := c.keySubject(key)
	if err != nil {
		return 0, false, err
	}
	if len(value) > maxValue {
		return 0, false, fmt.Errorf("put %s to NATS: the value has %d bytes, more than %d",
			key, len(value), maxValue)
	}
	m := nats.NewMsg(subject)
	m.Data = value
	err = c.call(ctx, "put "+key+" to NATS", func(ctx context.Context) (err error) {
		newRevision, ok, err = c.publish(ctx, m, revision, ttl)
		return err
	})
	return newRevision, ok, err
}

// Delete removes a key whose revision still is the given one, and reports whether it did.
func (c *Cluster) Delete(ctx context.Context, key string, revision uint64) (bool, error) {
	subject, err := c.keySubject(key)
	if err != nil || revision == 0 {
		return false, err
	}
	m := nats.NewMsg(subject)
	m.Header.Set(operationHeader, purgeOperation)
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	var ok bool
	err = c.call(ctx, "delete "+key+" from NATS", func(ctx context.Context) (err error) {
		_, ok, err = c.publish(ctx, m, revision, markerTTL)
		return err
	})
	return ok, err
}

// publish stores a message if the subject's revision still is the given one.
func (c *Cluster) publish(
	ctx context.Context, m *nats.Msg, revision uint64, ttl time.Duration,
) (newRevision uint64, ok bool, err error) {
	newRevision, ok, err = c.publishAt(ctx, m, revision, ttl)
	if ok || err != nil || revision != 0 {
		return newRevision, ok, err
	}
	// A key that does not exist may have left a marker, which has a revision.
	marker, err := c.last(ctx, m.Subject)
	if err != nil || marker == nil || !isMarker(marker.Header) {
		return 0, false, err
	}
	return c.publishAt(ctx, m, marker.Sequence, ttl)
}

func (c *Cluster) publishAt(
	ctx context.Context, m *nats.Msg, revision uint64, ttl time.Duration,
) (newRevision uint64, ok bool, err error) {
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(revision)}
	if ttl > 0 {
		opts = append(opts, jetstream.WithMsgTTL(wholeSeconds(ttl)))
	}
	ack, err := c.js.PublishMsg(ctx, m, opts...)
	if err == nil {
		return ack.Sequence, true, nil
	}
	var refused *jetstream.APIError
	if errors.As(err, &refused) && (refused.ErrorCode == wrongSequence ||
		refused.ErrorCode == wrongSequenceReplicated) {
		return 0, false, nil
	}
	return 0, false, err
}

// What a server answers when the revision is not the expected one.
const (
	wrongSequence           = jetstream.JSErrCodeStreamWrongLastSequence
	wrongSequenceReplicated = jetstream.JSErrCodeStreamWrongLastSequenceConstant
)

// wholeSeconds rounds up, since servers round down and refuse less than a second.
func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// isMarker reports whether a message says that its key is gone.
func isMarker(h nats.Header) bool {
	return h.Get(operationHeader) != "" || h.Get(jetstream.MarkerReasonHeader) != ""
}

const maxKey = 128

// foreign reports whether r is no character of a key.
func foreign(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_/.-", r)
}

// checkKey returns an error unless key is made of [a-z0-9_/.-], with a part between any two "/".
func checkKey(key string) error {
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, foreign) ||
		strings.Contains("/"+key+"/", "//") {
		return fmt.Errorf("natscluster: %q: use [a-z0-9_/.-] and at most %d bytes,"+
			` with no empty part between "/"`, key, maxKey)
	}
	return nil
}

// toSubject makes "." of what parts a key, so that all below one part can be asked for.
func toSubject(key string) string {
	return strings.NewReplacer("/", ".", ".", "=").Replace(key)
}

func fromSubject(subject string) string {
	return strings.NewReplacer(".", "/", "=", ".").Replace(subject)
}

func (c *Cluster) keySubject(key string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	return bucketSubject + c.cfg.name() + "." + toSubject(key), nil
}

func (c *Cluster) keyOf(subject string) string {
	return fromSubject(strings.TrimPrefix(subject, bucketSubject+c.cfg.name()+"."))
}
