package botwright

import (
	"github.com/gorilla/websocket"

	"github.com/botwright/botwright/internal/gateway"
)

// WithDialer sets the dialer of the gateway connections. It is copied. By default they use the
// proxy, TLS configuration and DialContext of the client of [WithHTTPClient], if its transport is
// an *http.Transport.
func WithDialer(d *websocket.Dialer) Option {
	return func(c *config) {
		if d == nil {
			c.problem("WithDialer", "the dialer is nil: leave the option out")
			return
		}
		dialer := *d
		c.dialer = &dialer
	}
}

// A Compression is how Discord compresses what it sends over the gateway.
type Compression string

// Compressions. zstd-stream needs the fewest bytes and the least time, zlib-stream the least memory:
// some 40 KB a shard.
const (
	CompressionZstd Compression = "zstd-stream"
	CompressionZlib Compression = "zlib-stream"
	CompressionNone Compression = "none"
)

// WithCompression sets the compression of the gateway connections. Default: [CompressionZstd]. If a
// server does not support it, the shard logs that and tries the next one: zlib-stream, then none.
func WithCompression(compression Compression) Option {
	return func(c *config) {
		known := map[Compression]gateway.Compression{
			CompressionZstd: gateway.Zstd,
			CompressionZlib: gateway.Zlib,
			CompressionNone: gateway.Plain,
		}
		choice, ok := known[compression]
		if !ok {
			c.problem("WithCompression", "%q is not a compression of Discord's "+
				"gateway", compression)
			return
		}
		c.compression = choice
	}
}

// gatewayDialer returns the dialer of the shards.
func (c *config) gatewayDialer() *websocket.Dialer {
	if c.dialer != nil {
		return c.dialer
	}
	return gateway.NewDialer(c.httpClient.Transport)
}

// modulePath begins the names of this package's functions in stacks.
const modulePath = "github.com/botwright/botwright"

// userAgent is what Discord asks every client to send.
const userAgent = "DiscordBot (https://github.com/botwright/botwright, 0)"
