// Package pprofhttp serves Go's profiles for go tool pprof. net/http/pprof does that too, but
// merely importing it puts them on http.DefaultServeMux, for everybody to see if a program serves
// that; and it shows the command line, where tokens are found.
package pprofhttp

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"strconv"
	"time"
)

// maxSeconds bounds how long a profile may be recorded.
const maxSeconds = 300

// ServeIndex lists the profiles.
func ServeIndex(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!doctype html><title>Profiles</title><h1>Profiles</h1><ul>")
	for _, p := range pprof.Profiles() {
		name := html.EscapeString(p.Name())
		fmt.Fprintf(w, `<li><a href="%s?debug=1">%s</a> (%d)</li>`, name, name, p.Count())
	}
	fmt.Fprint(w, `<li><a href="profile?seconds=10">profile</a>: CPU, 30 s or ?seconds=</li>`+
		`<li><a href="trace?seconds=1">trace</a>: execution, 1 s or ?seconds=</li></ul>`)
}

// writeTimeout is how long a reader may take for what is written at a time, a few kilobytes. The
// runtime keeps what it could not write yet of a trace: some 40 MB a second.
const writeTimeout = 5 * time.Second

// A writer gives each write a deadline, and ends what is being recorded when one fails.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	failed  context.CancelFunc
}

func (w *writer) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every server can
	n, err := w.ResponseWriter.Write(p)
	if err != nil {
		w.failed()
	}
	return n, err
}

// ServeProfile serves the profile in the path value name: profile is that of the CPU, trace an
// execution trace, every other one that of runtime/pprof.
func ServeProfile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	r = r.WithContext(ctx)
	w = &writer{ResponseWriter: w, control: http.NewResponseController(w), failed: cancel}
	switch name {
	case "profile":
		record(w, r, 30, func() error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
		return
	case "trace":
		record(w, r, 1, func() error { return trace.Start(w) }, trace.Stop)
		return
	}
	profile := pprof.Lookup(name)
	if profile == nil {
		http.Error(w, "there is no such profile", http.StatusNotFound)
		return
	}
	debug, err := strconv.Atoi(r.FormValue("debug"))
	if err != nil || !slices.Contains([]int{0, 1, 2}, debug) {
		debug = 0
	}
	if name == "heap" && r.FormValue("gc") == "1" {
		runtime.GC()
	}
	contentType(w, debug == 0)
	_ = profile.WriteTo(w, debug) // what fails is the connection
}

// record runs a recording for as long as was asked for, or until the caller leaves.
func record(w http.ResponseWriter, r *http.Request, seconds float64, start func() error, stop func()) {
	if s := r.FormValue("seconds"); s != "" {
		var err error
		seconds, err = strconv.ParseFloat(s, 64)
		if err != nil || !(seconds > 0 && seconds <= maxSeconds) { // nor NaN
			http.Error(w, fmt.Sprintf("seconds must be between 0 and %d", maxSeconds),
				http.StatusBadRequest)
			return
		}
	}
	contentType(w, true)
	if err := start(); err != nil {
		w.Header().Del("Content-Disposition")
		http.Error(w, "it cannot be recorded now: "+err.Error(), http.StatusConflict)
		return
	}
	defer stop()
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(seconds*float64(time.Second)))
	defer cancel()
	<-ctx.Done()
}

func contentType(w http.ResponseWriter, binary bool) {
	if binary {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="profile"`)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
}
