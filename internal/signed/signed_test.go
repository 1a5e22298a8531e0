package signed_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botwright/botwright/internal/signed"
)

var private = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func key(t *testing.T) signed.Key {
	t.Helper()
	k, err := signed.ParseKey(hex.EncodeToString(private.Public().(ed25519.PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func request(body string, at time.Time) *http.Request {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Signature-Timestamp", timestamp)
	r.Header.Set("X-Signature-Ed25519",
		hex.EncodeToString(ed25519.Sign(private, []byte(timestamp+body))))
	return r
}

// A body counts what is read of it.
type body struct {
	io.Reader
	read int
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *body) Close() error { return nil }

// Strangers cannot make us read.
func TestNothingIsReadForNothing(t *testing.T) {
	k := key(t)
	tests := map[string]func(*http.Request){
		"no signature":    func(r *http.Request) { r.Header.Del("X-Signature-Ed25519") },
		"short signature": func(r *http.Request) { r.Header.Set("X-Signature-Ed25519", "abcd") },
		"no hexadecimal":  func(r *http.Request) { r.Header.Set("X-Signature-Ed25519", strings.Repeat("zz", 64)) },
		"no timestamp":    func(r *http.Request) { r.Header.Del("X-Signature-Timestamp") },
		"old":             func(r *http.Request) { r.Header.Set("X-Signature-Timestamp", "1") },
		"of the future":   func(r *http.Request) { r.Header.Set("X-Signature-Timestamp", "99999999999") },
	}
	for name, change := range tests {
		r := request("x", time.Now())
		b := &body{Reader: r.Body}
		r.Body = b
		change(r)
		if _, status := k.Read(httptest.NewRecorder(), r); status != http.StatusUnauthorized || b.read > 0 {
			t.Errorf("%s: status %d, %d bytes were read", name, status, b.read)
		}
	}
	r := request("x", time.Now())
	r.ContentLength = signed.MaxBody + 1
	b := &body{Reader: r.Body}
	r.Body = b
	if _, status := k.Read(httptest.NewRecorder(), r); status != http.StatusRequestEntityTooLarge || b.read > 0 {
		t.Errorf("large: status %d, %d bytes were read", status, b.read)
	}
}

// A deadlined is a ResponseWriter of a server with deadlines.
type deadlined struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (d *deadlined) SetReadDeadline(t time.Time) error {
	d.deadline = t
	return nil
}

func TestReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, w := key(t), &deadlined{ResponseRecorder: httptest.NewRecorder()}
		r := request("x", time.Now())
		r.Body = io.NopCloser(stalled{w})
		start := time.Now()
		_, status := k.Read(w, r)
		if took := time.Since(start); status != http.StatusRequestTimeout || took != signed.ReadTimeout {
			t.Errorf("status %d after %v", status, took)
		}
		if _, status := k.Read(w, request("x", time.Now())); status != http.StatusOK || !w.deadline.IsZero() {
			t.Errorf("status %d, the deadline stays at %v", status, w.deadline)
		}
	})
}

type stalled struct{ w *deadlined }

func (s stalled) Read([]byte) (int, error) {
	time.Sleep(time.Until(s.w.deadline))
	return 0, os.ErrDeadlineExceeded
}

func TestReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen signed.Replays
		add := func(id uint64, want bool) {
			t.Helper()
			if got := seen.Add(id); got != want {
				t.Errorf("id %d is new: %t", id, got)
			}
		}
		add(1, true)
		add(1, false)
		add(2, true)
		seen.Forget(2)
		add(2, true)
		for range 8 { // as long as the timestamp is fresh
			time.Sleep(signed.Fresh / 4)
			add(1, false)
		}
		time.Sleep(time.Second)
		add(3, true)
		add(1, false)
		time.Sleep(time.Hour)
		add(1, true)
	})
}

func TestParseKey(t *testing.T) {
	for _, s := range []string{"", "abcd", strings.Repeat("z", 64), strings.Repeat("a", 66)} {
		if _, err := signed.ParseKey(s); err == nil {
			t.Errorf("%q is a key", s)
		}
	}
	if _, err := signed.ParseKey(strings.Repeat("ab", 32)); err != nil {
		t.Error(errors.Unwrap(err))
	}
}
