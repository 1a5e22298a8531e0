package botwright_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright"
)

// An alerter that ignores its context does not keep Run from returning.
func TestAlerterThatNeverReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		called, release := make(chan struct{}), make(chan struct{})
		defer close(release)
		health, err := botwright.NewHealth(botwright.HealthConfig{
			Alerters: []botwright.Alerter{alerterFunc(func(context.Context) error {
				close(called)
				<-release
				return nil
			})},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		health.Register("x", found(botwright.Unhealthy))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { health.Run(ctx); close(ended) }()
		<-called
		cancel()
		begun := time.Now()
		<-ended
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("Run returned after %v", took)
		}
		if want := "an alerter does not return"; !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, &log)
		}
	})
}
