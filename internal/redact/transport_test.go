package redact_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"go.uber.org/goleak"

	"github.com/botwright/botwright/internal/redact"
)

// TestMain fails if discordgo logs a token in any test.
func TestMain(m *testing.M) {
	var mu sync.Mutex
	var shown []string
	discordgo.Logger = func(_, _ int, format string, a ...any) {
		mu.Lock()
		defer mu.Unlock()
		if text := fmt.Sprintf(format, a...); strings.Contains(text, "MARKER") {
			shown = append(shown, text)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		for _, text := range shown {
			fmt.Println("discordgo logged", text)
			code = 1
		}
		os.Exit(code)
	}))
}

const (
	botToken = "MARKER-bot"
	token    = "MARKER-token_0123456789"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer returns a RoundTripper that always gives the same answer; {url} in the body and the
// header becomes the request's URL, which proxies like to show.
func answer(status int, body, location string) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		fill := strings.NewReplacer("{url}", r.URL.String()).Replace
		resp := &http.Response{
			Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
			Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(fill(body))),
		}
		if location != "" {
			resp.Header.Set("Location", fill(location))
		}
		return resp, nil
	}
}

// failures are the ways in which requests fail.
var failures = map[string]roundTripper{
	"reset": func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("write %s: %w", r.URL, syscall.ECONNRESET)
	},
	"timeout": func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	},
	"cut body": func(r *http.Request) (*http.Response, error) {
		resp, err := answer(http.StatusOK, "", "")(r)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), failing{io.ErrUnexpectedEOF}))
		return resp, err
	},
	"cut body of a failure": func(r *http.Request) (*http.Response, error) {
		resp, err := answer(http.StatusInternalServerError, "", "")(r)
		resp.Body = io.NopCloser(failing{os.ErrDeadlineExceeded})
		return resp, err
	},
	"redirect":             answer(http.StatusTemporaryRedirect, "", "{url}/elsewhere"),
	"redirect of a GET":    answer(http.StatusFound, "{url}", "https://elsewhere.example{url}"),
	"senseless redirect":   answer(http.StatusPermanentRedirect, "", "http://[{url}"),
	"rate limit":           answer(http.StatusTooManyRequests, `{"retry_after":0.005,"message":"{url}"}`, ""),
	"long rate limit":      answer(http.StatusTooManyRequests, `{"retry_after":600,"global":true}`, ""),
	"rate limit of others": answer(http.StatusTooManyRequests, `<html>{url}`, ""),
	"forbidden":            answer(http.StatusForbidden, `{"code":50013,"message":"{url}"}`, ""),
	"unauthorized":         answer(http.StatusUnauthorized, `{"code":50027,"message":"{url}"}`, ""),
	"not found":            answer(http.StatusNotFound, `{"code":10015,"message":"{url}"}`, ""),
	"server error":         answer(http.StatusInternalServerError, `{url}`, ""),
	"bad gateway":          answer(http.StatusBadGateway, `<html>{url}`, ""),
	"unavailable":          answer(http.StatusServiceUnavailable, ``, ""),
	"oversized":            answer(http.StatusBadRequest, strings.Repeat("{url} ", 1<<12), ""),
	"no JSON":              answer(http.StatusOK, "<html>{url}", ""),
	"other JSON":           answer(http.StatusOK, `["{url}"]`, ""),
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestEveryRouteInEveryWay calls every REST method of discordgo while requests fail in every way,
// and looks for tokens in what comes back and in what discordgo logs.
func TestEveryRouteInEveryWay(t *testing.T) {
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // discordgo spaces reactions out by 0.2 s
			failEverywhere(t, failure)
		})
	}
}

func failEverywhere(t *testing.T, failure roundTripper) {
	s, err := discordgo.New("Bot " + botToken)
	if err != nil {
		t.Fatal(err)
	}
	s.LogLevel = discordgo.LogDebug
	s.ShouldRetryOnRateLimit, s.MaxRestRetries = false, 0 // as in a bot's sessions
	var requests, secrets int
	s.Client = &http.Client{Timeout: 10 * time.Millisecond, Transport: &redact.Transport{
		Next: roundTripper(func(r *http.Request) (*http.Response, error) {
			requests++
			if redact.Secret(r.URL.Path) {
				secrets++
			}
			return failure(r)
		}),
	}}
	for method, err := range callAll(s) {
		if err == nil {
			continue // some need no answer
		}
		for _, text := range texts(err) {
			if strings.Contains(text, "MARKER") {
				t.Errorf("%s: %.300s", method, text)
			}
		}
	}
	if requests < 100 || secrets < 15 {
		t.Errorf("%d requests, %d of them with a token: methods were not called", requests, secrets)
	}
}

// withToken are the methods whose second string is a webhook's token.
var withToken = regexp.MustCompile(`^Webhook(.*WithToken|Execute|ThreadExecute|Message.*)$`)

// callAll calls each method of a session that takes options for a request.
func callAll(s *discordgo.Session) map[string]error {
	option := reflect.TypeFor[[]discordgo.RequestOption]()
	results := make(map[string]error)
	v := reflect.ValueOf(s)
	for i := range v.NumMethod() {
		m, method := v.Method(i), v.Type().Method(i).Name
		if !m.Type().IsVariadic() || m.Type().In(m.Type().NumIn()-1) != option ||
			strings.HasPrefix(method, "Request") {
			continue
		}
		var args []reflect.Value
		strs := 0
		for j := range m.Type().NumIn() - 1 {
			arg := reflect.Zero(m.Type().In(j))
			switch kind := m.Type().In(j); {
			case kind.Kind() == reflect.String:
				text := "123"
				if strs++; strs == 2 && withToken.MatchString(method) {
					text = token
				}
				arg = reflect.ValueOf(text).Convert(kind)
			case kind == reflect.TypeFor[*discordgo.Interaction]():
				arg = reflect.ValueOf(&discordgo.Interaction{ID: "1", AppID: "2", Token: token})
			case kind.Kind() == reflect.Pointer:
				arg = reflect.New(kind.Elem())
			}
			args = append(args, arg)
		}
		results[method] = call(m, args)
	}
	return results
}

func call(m reflect.Value, args []reflect.Value) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v) // zero values do not suit all
		}
	}()
	for _, result := range m.Call(args) {
		if e, ok := reflect.TypeAssert[error](result); ok {
			err = e
		}
	}
	return err
}

// texts returns what a program may show of an error.
func texts(err error) []string {
	all := []string{err.Error(), fmt.Sprintf("%+v", err)}
	if refused, ok := errors.AsType[*discordgo.RESTError](err); ok {
		all = append(all, string(refused.ResponseBody), refused.Request.URL.String())
		if refused.Message != nil {
			all = append(all, refused.Message.Message)
		}
		all = append(all, fmt.Sprint(refused.Response.Header))
		if r := refused.Response.Request; r != nil {
			all = append(all, r.URL.String())
		}
	}
	return all
}

func session(t *testing.T, next roundTripper) *discordgo.Session {
	t.Helper()
	s, err := discordgo.New("Bot " + botToken)
	if err != nil {
		t.Fatal(err)
	}
	s.Client = &http.Client{Transport: &redact.Transport{Next: next}}
	return s
}

func post(t *testing.T, s *discordgo.Session) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := s.WebhookExecute("1", token, true, &discordgo.WebhookParams{Content: "hello"},
		discordgo.WithContext(ctx))
	return err
}

func TestErrorsKeepTheirTypes(t *testing.T) {
	var rest *discordgo.RESTError
	err := post(t, session(t, failures["not found"]))
	if !errors.As(err, &rest) || rest.Response.StatusCode != http.StatusNotFound ||
		rest.Message.Code != discordgo.ErrCodeUnknownWebhook {
		t.Errorf("not found: %v", err)
	}
	if err = post(t, session(t, failures["reset"])); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
}

// Requests without a token are not touched.
func TestOthersPass(t *testing.T) {
	var limit *discordgo.RateLimitError
	s := session(t, failures["rate limit"])
	_, err := s.Channel("1", discordgo.WithRetryOnRatelimit(false))
	if !errors.As(err, &limit) || !strings.Contains(limit.URL, "/channels/1") {
		t.Errorf("error %v", err)
	}
}
