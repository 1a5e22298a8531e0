package redact_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/botwright/botwright/internal/redact"
)

func TestText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"nothing", "nothing"},
		{"/channels/1/messages/2", "/channels/1/messages/2"},
		{"/channels/1/webhooks", "/channels/1/webhooks"},
		{"/webhooks/1", "/webhooks/1"},
		{"/webhooks/1/secret", "/webhooks/1/{token}"},
		{"/webhooks/1/{token}", "/webhooks/1/{token}"},
		{`Post "https://discord.com/api/v9/webhooks/1/secret/messages/2?wait=true": reset`,
			`Post "https://discord.com/api/v9/webhooks/1/{token}/messages/2?wait=true": reset`},
		{"https://proxy/discord/api/interactions/1/secret=/callback: EOF and /webhooks/2/secret, twice",
			"https://proxy/discord/api/interactions/1/{token}/callback: EOF and /webhooks/2/{token} twice"},
		{`parse "https://discord.com/api/webhooks/1/secret\n": net/url: invalid control character in URL`,
			`parse "https://discord.com/api/webhooks/1/{token}": net/url: invalid control character in URL`},
	}
	for _, tt := range tests {
		if got := redact.Text(tt.in); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
		if redact.Secret(tt.in) != redact.Secret(tt.want) {
			t.Errorf("%s: another route without its token", tt.in)
		}
	}
}

func TestError(t *testing.T) {
	plain := errors.New("plain")
	if err := redact.Error(plain); err != plain {
		t.Errorf("%v became %v", plain, err)
	}
	if err := redact.Error(nil); err != nil {
		t.Errorf("nil became %v", err)
	}
	err := redact.Error(fmt.Errorf("post to /webhooks/1/secret failed: %w", context.DeadlineExceeded))
	if err.Error() != "post to /webhooks/1/{token} failed: context deadline exceeded" ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if slow, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); !ok || !slow.Timeout() {
		t.Error("it is no timeout any more")
	}
}
