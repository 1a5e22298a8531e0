package status

import (
	"compress/gzip"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The parts of the document. They are files of their own so that editors know what they are.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/dom.js
	domJS string
	//go:embed page/shards.js
	shardsJS string
	//go:embed page/sections.js
	sectionsJS string
	//go:embed page/live.js
	liveJS string
)

// Source gives the server what it serves. Both functions may be called from any goroutine.
type Source struct {
	Page  func() Page
	Shard func(id int) (Detail, bool)
}

// A Server serves the page. Its methods may be called from any goroutine.
type Server struct {
	source   Source
	document *template.Template
	streams  chan struct{} // a slot per stream

	mu      sync.Mutex // guards what follows
	encoded []byte
	at      time.Time
}

// Every is the time between two events of a stream.
const Every = 2 * time.Second

// maxStreams bounds how many browsers watch at once. An operator has a few.
const maxStreams = 64

// writeTimeout is how long a browser may take for one event.
const writeTimeout = 10 * time.Second

// New returns a Server.
func New(source Source) *Server {
	return &Server{
		source:   source,
		document: template.Must(template.New("page").Parse(pageHTML)),
		streams:  make(chan struct{}, maxStreams),
	}
}

// JSON returns the page as JSON. It is made at most once a second, however many ask for it.
func (s *Server) JSON() ([]byte, error) {
	s.mu.Lock()
	encoded, age := s.encoded, time.Since(s.at)
	s.mu.Unlock()
	if encoded != nil && age < time.Second {
		return encoded, nil
	}
	encoded, err := json.Marshal(s.source.Page())
	if err != nil {
		return nil, fmt.Errorf("encode the status: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.encoded, s.at = encoded, time.Now()
	return encoded, nil
}

// script returns the page's script. Its files share a scope, which is not the window's.
func script() string { return "(() => {" + domJS + shardsJS + sectionsJS + liveJS + "})();" }

// ServePage serves the document.
func (s *Server) ServePage(w http.ResponseWriter, _ *http.Request) {
	encoded, err := s.JSON()
	if err != nil {
		http.Error(w, "the status cannot be shown", http.StatusInternalServerError)
		return
	}
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; "+
		"style-src 'nonce-"+nonce+"'; img-src data:; connect-src 'self'; base-uri 'none'; "+
		"form-action 'none'; frame-ancestors 'none'")
	var page Page
	_ = json.Unmarshal(encoded, &page) // it was just made
	_ = s.document.Execute(w, struct {
		Page
		Nonce string
		Style template.CSS
		// The JSON is safe inside a script: encoding/json escapes <, > and &.
		Script, Data template.JS
	}{page, nonce, template.CSS(pageCSS), template.JS(script()), template.JS(encoded)})
}

// ServeJSON serves the page as JSON.
func (s *Server) ServeJSON(w http.ResponseWriter, _ *http.Request) {
	encoded, err := s.JSON()
	if err != nil {
		http.Error(w, "the status cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded)
}

// ServeShard serves the details of the shard in the path value id.
func (s *Server) ServeShard(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	detail, ok := s.source.Shard(id)
	if err != nil || !ok {
		http.Error(w, "this process has no such shard", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(detail)
}

// ServeEvents serves the page again and again, as server-sent events, until the browser leaves
// or stop is closed.
func (s *Server) ServeEvents(w http.ResponseWriter, r *http.Request, stop <-chan struct{}) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, "too many are watching", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := stream{w: w, flush: func() error { return nil }}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		// Five hundred shards are 80 KB, and a tenth of that compressed.
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }() // what fails is the connection
		out.w, out.flush = z, z.Flush
	}
	control := http.NewResponseController(w)
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every server can
		encoded, err := s.JSON()
		if err == nil {
			err = out.event(encoded)
		}
		if err == nil {
			err = control.Flush()
		}
		if err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-stop:
			return
		}
	}
}

type stream struct {
	w     io.Writer
	flush func() error
}

func (s stream) event(data []byte) error {
	if _, err := fmt.Fprintf(s.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return s.flush()
}
