package pprofhttp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/pprofhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A stuck is a ResponseWriter whose client does not read: a write ends at its deadline.
type stuck struct {
	httptest.ResponseRecorder
	mu      sync.Mutex // guards what follows
	patient time.Duration
	writes  int
}

func (s *stuck) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patient = max(s.patient, time.Until(t))
	return nil
}

func (s *stuck) Write([]byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	return 0, os.ErrDeadlineExceeded
}

// The runtime keeps what it could not write of a trace, without end if nothing ends the trace.
func TestReaderThatDoesNotRead(t *testing.T) {
	for _, path := range []string{"trace?seconds=300", "goroutine?debug=2", "heap"} {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /{name}", pprofhttp.ServeProfile)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+path, http.NoBody)
		w := &stuck{}
		start := time.Now()
		mux.ServeHTTP(w, r)
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s went on for %v", path, took)
		}
		if w.writes == 0 || w.patient <= 0 || w.patient > 30*time.Second {
			t.Errorf("%s: %d writes, which may take %v", path, w.writes, w.patient)
		}
	}
}

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", pprofhttp.ServeIndex)
	mux.HandleFunc("GET /{name}", pprofhttp.ServeProfile)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+path, http.NoBody))
	return w
}

func TestProfiles(t *testing.T) {
	for _, tt := range []struct {
		path, kind, want string
		code             int
	}{
		{"", "text/html", `<a href="goroutine?debug=1">`, 200},
		{"goroutine?debug=1", "text/plain", "goroutine profile: total", 200},
		{"goroutine?debug=2", "text/plain", "TestProfiles", 200},
		{"heap?gc=1", "application/octet-stream", "\x1f\x8b", 200}, // compressed
		{"heap?debug=7", "application/octet-stream", "\x1f\x8b", 200},
		{"trace?seconds=0.01", "application/octet-stream", "go 1.", 200},
		{"profile?seconds=0.01", "application/octet-stream", "\x1f\x8b", 200},
		{"cmdline", "text/plain", "no such profile", 404}, // it would show secrets in arguments
		{"profile?seconds=301", "text/plain", "between 0 and 300", 400},
		{"profile?seconds=-1", "text/plain", "between", 400},
		{"trace?seconds=NaN", "text/plain", "between", 400},
		{"trace?seconds=x", "text/plain", "between", 400},
	} {
		w := get(t, tt.path)
		if w.Code != tt.code || !strings.HasPrefix(w.Header().Get("Content-Type"), tt.kind) ||
			!strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%q: %d %s %.100q", tt.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

// The runtime records one trace at a time: a second one is refused, and says why as text.
func TestOneRecordingAtATime(t *testing.T) {
	if err := trace.Start(io.Discard); err != nil {
		t.Fatal(err)
	}
	defer trace.Stop()
	w := get(t, "trace?seconds=1")
	if w.Code != http.StatusConflict || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// A caller that leaves ends the recording.
func TestCallerThatLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{name}", pprofhttp.ServeProfile)
	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/trace?seconds=300", http.NoBody))
	if w := get(t, "trace?seconds=0.01"); w.Code != http.StatusOK {
		t.Errorf("the next one: %d %s", w.Code, w.Body)
	}
}
