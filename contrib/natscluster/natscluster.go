// Package natscluster connects the processes of a bot through NATS.
//
//	cluster, err := natscluster.Connect(ctx, "nats://127.0.0.1:4222", natscluster.Config{})
//	…
//	defer cluster.Close()
//	bot, err := botwright.New(token, botwright.WithCluster(cluster))
//
// A [Cluster] needs a NATS server of version 2.11 or newer with JetStream. It keeps small values
// (leases, sessions, budgets) in a key-value bucket whose keys expire by themselves, snapshots of
// State in an object store, and sends requests to all processes at once. It has no logic of its
// own: who owns which shard is decided by the bot.
//
// # When NATS is away
//
// A method that needs an answer fails at once while the connection is down. Serve goes on by itself
// when it is back; Watch ends with an error when the connection is lost, and waits for the next one
// when it is called again.
package natscluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Config says where in NATS a bot keeps what its processes share. The zero value is ready to use.
type Config struct {
	// Name begins the names of the bucket, the object store and the subjects. Two bots on one NATS
	// need two names. Letters, digits, "-" and "_". Default: "botwright".
	Name string
	// Replicas is on how many servers of a NATS cluster each value is kept, 1, 3 or 5. With 3, any
	// one of them may fail. Default: as many as there are already, 1 when the bucket is new.
	Replicas int
}

// A Cluster connects the processes of one bot. All methods may be called from any goroutine.
type Cluster struct {
	nc    *nats.Conn
	js    jetstream.JetStream
	cfg   Config
	keys  jetstream.Stream
	store jetstream.ObjectStore
	owned bool // the connection is closed by Close
}

// Connect connects to NATS at url, which may be a list separated by commas, and prepares the bucket
// and the object store. Options are those of nats.go: credentials, TLS, callbacks. The connection
// is tried again without end after it is lost. Errors never contain credentials of the URL.
func Connect(
	ctx context.Context, url string, cfg Config, opts ...nats.Option,
) (*Cluster, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	nc, err := nats.Connect(url, append([]nats.Option{
		nats.Name(cfg.name()),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.PingInterval(pingInterval),
		nats.ReconnectBufSize(-1), // what was sent in vain must not be done much later
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // it would print them
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", withoutSecrets(err, url))
	}
	c, err := New(ctx, nc, cfg)
	if err != nil {
		nc.Close()
		return nil, err
	}
	c.owned = true
	return c, nil
}

const (
	reconnectWait = time.Second
	// pingInterval finds a connection that is dead but not closed after two of them, within a lease.
	pingInterval = 3 * time.Second
)

// New makes a Cluster of a connection that you configure and close yourself, and prepares the
// bucket and the object store. The connection must have nats.MaxReconnects(-1), and should have
// nats.ReconnectBufSize(-1).
func New(ctx context.Context, nc *nats.Conn, cfg Config) (*Cluster, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if nc.Opts.MaxReconnect >= 0 || !nc.Opts.AllowReconnect {
		return nil, errors.New("natscluster: the connection gives up after some time:" +
			" connect with nats.MaxReconnects(-1)")
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	c := &Cluster{nc: nc, js: js, cfg: cfg}
	if err := c.checkServer(ctx); err != nil {
		return nil, err
	}
	if c.keys, c.store, err = c.prepare(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes a connection that Connect has made. Calls of other methods end.
func (c *Cluster) Close() {
	if c.owned {
		c.nc.Close()
	}
}

// maxValue is how long a value in the bucket may be, and headroom what a message has around it.
const (
	maxValue = 64 << 10
	headroom = 4 << 10
)

// checkServer returns an error that says what the server lacks.
func (c *Cluster) checkServer(ctx context.Context) error {
	account, err := c.js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled),
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("natscluster: the NATS server has no JetStream for this account:"+
			" start it with -js: %w", err)
	case err != nil:
		return fmt.Errorf("ask NATS for JetStream: %w", err)
	case account.API.Level < 1:
		return fmt.Errorf("natscluster: the NATS server %s is too old: keys that expire need 2.11",
			c.nc.ConnectedServerVersion())
	case c.nc.MaxPayload() < maxValue+headroom:
		return fmt.Errorf("natscluster: the NATS server takes messages of %d bytes at most:"+
			" set max_payload to %d or more", c.nc.MaxPayload(), maxValue+headroom)
	}
	return nil
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

func (c Config) check() error {
	var errs []error
	if !validName.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf(
			`Config.Name is %q: use letters, digits, "-" and "_"`, c.Name))
	}
	if c.Replicas < 0 || c.Replicas > 5 {
		errs = append(errs, fmt.Errorf("Config.Replicas is %d: use 1, 3 or 5", c.Replicas))
	}
	if len(errs) > 0 {
		return fmt.Errorf("natscluster: %w", errors.Join(errs...))
	}
	return nil
}

func (c Config) name() string {
	if c.Name == "" {
		return "botwright"
	}
	return c.Name
}

// withoutSecrets returns err, or only its text if that contains credentials of a server's URL.
func withoutSecrets(err error, servers string) error {
	text := err.Error()
	for server := range strings.SplitSeq(servers, ",") {
		_, rest, found := strings.Cut(server, "://")
		if !found {
			rest = server
		}
		secret, _, found := cutLast(rest, "@")
		if !found || secret == "" {
			continue
		}
		text = strings.ReplaceAll(text, secret, "…")
		for _, part := range strings.SplitN(secret, ":", 2) {
			if part = strings.TrimSpace(part); part != "" {
				text = strings.ReplaceAll(text, part, "…")
			}
			if plain, err := url.PathUnescape(part); err == nil && plain != "" {
				text = strings.ReplaceAll(text, plain, "…")
			}
		}
	}
	if text != err.Error() {
		return errors.New(text)
	}
	return err
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
