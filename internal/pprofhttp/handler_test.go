package pprofhttp_test

import (
	"net/http"
	"net/http/httptest"
	"os"
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
