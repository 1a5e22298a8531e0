package natscluster

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// snapshotTTL is how long a snapshot is kept. Discord forgets a session within minutes, and what a
// process that was killed has saved only in part has to go some time.
const snapshotTTL = 24 * time.Hour

func (c *Cluster) storeName() string { return c.cfg.name() + "-snapshots" }

func (c *Cluster) prepareStore(ctx context.Context) (jetstream.ObjectStore, error) {
	cfg := jetstream.ObjectStoreConfig{
		Bucket:      c.storeName(),
		Description: "Snapshots of a bot's State",
		TTL:         snapshotTTL,
		Replicas:    c.cfg.Replicas,
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
		switch present, err := c.js.ObjectStore(ctx, cfg.Bucket); {
		case err == nil:
			return present, nil
		case !errors.Is(err, jetstream.ErrBucketNotFound):
			return nil, err
		}
	}
	return c.js.CreateOrUpdateObjectStore(ctx, cfg)
}

// Save keeps data under a name in place of what was saved there before, for a day.
func (c *Cluster) Save(ctx context.Context, name string, data []byte) error {
	if err := checkKey(name); err != nil {
		return err
	}
	return c.call(ctx, "save "+name+" in NATS", func(ctx context.Context) error {
		_, err := c.store.PutBytes(ctx, name, data)
		return err
	})
}

// Load returns what was last saved under a name. The error wraps fs.ErrNotExist if there is
// nothing.
func (c *Cluster) Load(ctx context.Context, name string) ([]byte, error) {
	if err := checkKey(name); err != nil {
		return nil, err
	}
	var data []byte
	err := c.call(ctx, "load "+name+" from NATS", func(ctx context.Context) (err error) {
		data, err = c.store.GetBytes(ctx, name)
		if errors.Is(err, jetstream.ErrObjectNotFound) {
			return fs.ErrNotExist
		}
		return err
	})
	return data, err
}
