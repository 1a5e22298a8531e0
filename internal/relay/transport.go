package relay

import (
	"io"
	"net/http"
	"strings"

	"github.com/bwmarrin/discordgo"
)

// gatewayURL is what the session dials; the reserved domain says that nothing is resolved.
const gatewayURL = "ws://relay.invalid/"

// localGateway is a RoundTripper that answers Session.Gateway itself, with the relay's address,
// and leaves everything else to the transport before it.
type localGateway struct {
	next http.RoundTripper // nil for http.DefaultTransport
}

func (g *localGateway) RoundTrip(request *http.Request) (*http.Response, error) {
	// The whole URL, as a path may end in /gateway by chance: an invite's code may.
	if request.Method != http.MethodGet || request.URL.String() != discordgo.EndpointGateway {
		return g.transport().RoundTrip(request)
	}
	if request.Body != nil {
		_ = request.Body.Close()
	}
	body := `{"url":"` + gatewayURL + `"}`
	return &http.Response{
		Status:        "200 OK",
		StatusCode:    http.StatusOK,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       request,
	}, nil
}

func (g *localGateway) transport() http.RoundTripper {
	if g.next == nil {
		return http.DefaultTransport
	}
	return g.next
}
