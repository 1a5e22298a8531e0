package admin_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/admin"
	"github.com/botwright/botwright/internal/gateway"
	"github.com/botwright/botwright/internal/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "admin-token-0123456789"

// bot is what the server of a test looks at.
type bot struct {
	shards    []gateway.Status
	stopping  bool
	unhealthy bool
	logins    int // that failed
	restarted []int
}

// config is that of a server for b.
func (b *bot) config() admin.Config {
	shards := func() []gateway.Status { return b.shards }
	return admin.Config{
		Logger: slog.New(slog.DiscardHandler),
		View:   &status.View{Shards: shards, Facts: func() status.Facts { return status.Facts{Name: "Robin"} }},
		Shards: shards, Stopping: func() bool { return b.stopping },
		Health: func(context.Context) (any, bool) {
			return map[string]bool{"unhealthy": b.unhealthy}, b.unhealthy
		},
		Restart: func(_ context.Context, id int) (bool, error) {
			b.restarted = append(b.restarted, id)
			switch id {
			case 0:
				return true, nil
			case 1:
				return true, errors.New("it does not come back")
			}
			return false, nil
		},
		NoGatherer:  "no metrics here",
		FailedLogin: func() { b.logins++ },
		Touch:       func() {},
	}
}

func ask(s *admin.Server, method, path string, header ...string) (code int, body string) {
	r := httptest.NewRequest(method, "http://localhost"+path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestRoutes(t *testing.T) {
	b := &bot{shards: []gateway.Status{{ShardID: 0, State: gateway.Ready}, {ShardID: 1, State: gateway.Ready}}}
	s := admin.New(b.config())
	tests := []struct {
		method, path string
		code         int
		want         string
	}{
		{"GET", "/livez", 200, "ok"},
		{"GET", "/readyz", 200, "ok"},
		{"GET", "/readyz?verbose", 200, "shard 1 ready since"},
		{"GET", "/healthz", 200, `"unhealthy": false`},
		{"GET", "/status.json", 200, `"name":"Robin"`},
		{"GET", "/", 200, "<title>Robin · status</title>"},
		{"GET", "/shards/1", 200, `"state":"ready"`},
		{"GET", "/shards/7", 404, "no such shard"},
		{"GET", "/metrics", 404, "no metrics here"},
		{"GET", "/debug/pprof/goroutine?debug=1", 200, "goroutine profile"},
		{"POST", "/shards/0/restart", 200, `"state": "ready"`},
		{"POST", "/shards/1/restart", 503, "does not come back"},
		{"POST", "/shards/7/restart", 404, "no such shard"},
		{"POST", "/shards/x/restart", 400, "a number"},
		{"GET", "/shards/0/restart", 405, ""},
		{"GET", "/nothing", 404, ""},
	}
	for _, tt := range tests {
		code, body := ask(s, tt.method, tt.path)
		if code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s: %d %.300s", tt.method, tt.path, code, body)
		}
	}
}

func TestReadiness(t *testing.T) {
	ready, down := gateway.Status{State: gateway.Ready}, gateway.Status{ShardID: 1, State: gateway.Backoff}
	tests := []struct {
		name string
		bot  bot
		code int
		want string
	}{
		{"not open", bot{}, 503, "not ready"},
		{"one is down", bot{shards: []gateway.Status{ready, down}}, 503, "1 of 2 shards ready"},
		{"all are ready", bot{shards: []gateway.Status{ready}}, 200, "ok"},
		{"stopping", bot{shards: []gateway.Status{ready}, stopping: true}, 503, "shutting down"},
	}
	for _, tt := range tests {
		code, body := ask(admin.New(tt.bot.config()), "GET", "/readyz?verbose")
		if code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s", tt.name, code, body)
		}
	}
	sick := bot{unhealthy: true}
	if code, _ := ask(admin.New(sick.config()), "GET", "/healthz"); code != 503 {
		t.Errorf("/healthz of a bot that is not: %d", code)
	}
}

// TestOpenMetrics asks for exemplars as Prometheus does.
func TestOpenMetrics(t *testing.T) {
	latency := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "some_seconds", Help: "Some time.", Buckets: []float64{1}})
	latency.(prometheus.ExemplarObserver).ObserveWithExemplar(0.5, prometheus.Labels{"trace_id": "abc"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(latency)
	const accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
	for _, exemplars := range []bool{false, true} {
		b := &bot{}
		cfg := b.config()
		cfg.Gatherer, cfg.Exemplars = registry, exemplars
		code, body := ask(admin.New(cfg), "GET", "/metrics", "Accept", accept)
		if has := strings.Contains(body, `# {trace_id="abc"} 0.5`); code != 200 || has != exemplars {
			t.Errorf("exemplars %v: %d %s", exemplars, code, body)
		}
		if _, body := ask(admin.New(cfg), "GET", "/metrics"); strings.Contains(body, "trace_id") {
			t.Errorf("who did not ask for the format got %s", body)
		}
	}
}

func TestTokenAndMetrics(t *testing.T) {
	b := &bot{}
	cfg := b.config()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "some_load", Help: "Some load."}))
	cfg.Token, cfg.Gatherer = token, registry
	s := admin.New(cfg)
	if code, _ := ask(s, "GET", "/metrics", "Authorization", "Bearer wrong"); code != 401 || b.logins != 1 {
		t.Errorf("a wrong token: %d, %d counted", code, b.logins)
	}
	if code, body := ask(s, "GET", "/metrics", "Authorization", "Bearer "+token); code != 200 || !strings.Contains(body, "some_load 0") {
		t.Errorf("the token: %d %s", code, body)
	}
}

// Without a port the server still takes samples, and ends its streams.
func TestRunWithoutAPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bot{shards: []gateway.Status{{State: gateway.Ready}}}
		cfg := b.config()
		s := admin.New(cfg)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		time.Sleep(3*status.Step + time.Second)
		if n := len(cfg.View.Page().History.Rate); n != 3 {
			t.Errorf("%d samples", n)
		}
		stop()
		<-done
		code, body := ask(s, "GET", "/events")
		if code != 200 || strings.Count(body, "data: ") != 1 {
			t.Errorf("a stream after the end: %d %s", code, body)
		}
	})
}

func TestPort(t *testing.T) {
	s := admin.New((&bot{}).config())
	addr, err := s.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other := admin.New((&bot{}).config())
	if _, err := other.Listen(t.Context(), addr.String()); err == nil || !strings.Contains(err.Error(), "admin server's port") {
		t.Errorf("a port that is taken: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr.String()+"/livez", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("/livez: %s", resp.Status)
	}
	stop()
	<-done
}
