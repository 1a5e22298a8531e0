package gateway

import (
	"crypto/tls"
	"net/http"

	"github.com/gorilla/websocket"
)

// NewDialer returns a dialer that connects as an HTTP client with the given transport does: through
// its proxy, with its TLS configuration and its DialContext. Of a transport that is no
// *http.Transport nothing is known; the proxy is then that of the environment, as it is with nil.
func NewDialer(transport http.RoundTripper) *websocket.Dialer {
	t, ok := transport.(*http.Transport)
	if !ok {
		return &websocket.Dialer{Proxy: http.ProxyFromEnvironment}
	}
	t = t.Clone()
	d := &websocket.Dialer{
		Proxy:             t.Proxy,
		NetDialContext:    t.DialContext,
		NetDialTLSContext: t.DialTLSContext,
		TLSClientConfig:   t.TLSClientConfig,
	}
	if d.TLSClientConfig == nil {
		d.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	d.TLSClientConfig.NextProtos = []string{"http/1.1"} // there are no websockets over HTTP/2 here
	return d
}
