package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/botwright/botwright/internal/rest"
)

// BenchmarkRoundTrip is what a request costs that waits for nothing, over a transport that costs
// as good as nothing.
func BenchmarkRoundTrip(b *testing.B) {
	header := http.Header{"X-Ratelimit-Limit": {"5"}, "X-Ratelimit-Remaining": {"4"},
		"X-Ratelimit-Reset": {"1700000000.123"}, "X-Ratelimit-Reset-After": {"0.001"},
		"X-Ratelimit-Bucket": {"abcd"}}
	resp := &http.Response{StatusCode: 200}
	next := roundTripper(func(*http.Request) (*http.Response, error) {
		resp.Header, resp.Body = header, http.NoBody
		return resp, nil
	})
	for _, name := range []string{"base", "GET", "POST"} {
		b.Run(name, func(b *testing.B) {
			method, path := http.MethodGet, "/channels/80351110224678912"
			var rt http.RoundTripper = next
			if name != "base" {
				rt = rest.New(rest.Config{Next: next, Global: -1})
			}
			if name == "POST" {
				method, path = http.MethodPost, "/channels/80351110224678912/messages"
			}
			b.ReportAllocs()
			for b.Loop() {
				r, _ := http.NewRequestWithContext(b.Context(), method,
					"https://discord.com/api/v9"+path, strings.NewReader(`{"content":"hi"}`))
				r.Header.Set("Content-Type", "application/json")
				resp, err := rt.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				_ = resp.Body.Close()
			}
		})
	}
}
