package bucketlock_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/bucketlock"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func newSession(rt http.RoundTripper) *discordgo.Session {
	s, _ := discordgo.New("Bot x")
	s.Client = &http.Client{Transport: rt}
	return s
}

func empty(r *http.Request) *http.Response {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader("{}"))}
}

// TestKeys calls every method of discordgo's session that makes a request, and holds the bucket that
// is named for it against the one that is locked.
func TestKeys(t *testing.T) {
	var s *discordgo.Session
	method, seen := "", make(map[string]bool)
	s = newSession(roundTripper(func(r *http.Request) (*http.Response, error) {
		key := bucketlock.KeyOf(r)
		if key == "" {
			return empty(r), nil
		}
		seen[bucketlock.NameOf(r)] = true
		if b := s.Ratelimiter.GetBucket(key); b.TryLock() {
			b.Unlock()
			t.Errorf("%s: %s %s does not hold the bucket %s", method, r.Method, r.URL, key)
		}
		return empty(r), nil
	}))
	v := reflect.ValueOf(s)
	for i := range v.NumMethod() {
		method = v.Type().Method(i).Name
		if usesGateway(method) {
			continue
		}
		callWithIDs(v.Method(i))
	}
	method = "by hand" // where "123" leads elsewhere
	_ = s.ChannelMessagesBulkDelete("1", []string{"2", "3"})
	_, _ = s.GuildEdit("1", &discordgo.GuildParams{})
	_, _ = s.User("@me")
	for _, name := range bucketlock.Rules() {
		if !seen[name] {
			t.Errorf("no method of discordgo's made a request %s", name)
		}
	}
}

// usesGateway lists the methods that need a connection, or make no request of their own.
func usesGateway(method string) bool {
	switch method {
	case "Open", "Close", "CloseWithCode", "ChannelVoiceJoin", "ChannelVoiceJoinManual",
		"Lock", "Unlock", "RLock", "RUnlock", "RLocker", "TryLock", "TryRLock",
		"AddHandler", "AddHandlerOnce", "RequestWithLockedBucket":
		return true
	}
	return strings.HasPrefix(method, "Update") || strings.HasPrefix(method, "RequestGuildMembers") ||
		strings.HasPrefix(method, "Gateway") || strings.HasPrefix(method, "Request")
}

// callWithIDs calls a function with ids for strings and with objects that are empty otherwise. It
// does not matter whether that makes sense: only the request does.
func callWithIDs(f reflect.Value) {
	defer func() { _ = recover() }()
	var args []reflect.Value
	for i := range f.Type().NumIn() {
		in := f.Type().In(i)
		if f.Type().IsVariadic() && i == f.Type().NumIn()-1 {
			break
		}
		args = append(args, valueOf(in, 2))
	}
	f.Call(args)
}

func valueOf(in reflect.Type, depth int) reflect.Value {
	v := reflect.New(in).Elem()
	switch in.Kind() {
	case reflect.String:
		v.SetString("123")
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(in.Elem()))
			v.Elem().Set(valueOf(in.Elem(), depth-1))
		}
	case reflect.Struct:
		for i := range in.NumField() {
			if in.Field(i).IsExported() && in.Field(i).Type.Kind() == reflect.String {
				v.Field(i).SetString("123")
			}
		}
	}
	return v
}

// TestOverlap edits 50 interactions at once.
func TestOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSession(nil)
		s.Client.Transport = &bucketlock.Transport{Limiter: s.Ratelimiter,
			Next: roundTripper(func(r *http.Request) (*http.Response, error) {
				time.Sleep(100 * time.Millisecond)
				return empty(r), nil
			})}
		start := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := s.InteractionResponseEdit(&discordgo.Interaction{AppID: "1", Token: "t"},
					&discordgo.WebhookEdit{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("took %v, want 100ms", took)
		}
	})
}

// TestOwnBuckets has a program name the buckets of its requests: they are left alone, even while a
// method of discordgo's holds the one that the route has.
func TestOwnBuckets(t *testing.T) {
	s := newSession(nil)
	entered, leave := make(chan string), make(chan struct{})
	s.Client.Transport = &bucketlock.Transport{Limiter: s.Ratelimiter,
		Next: roundTripper(func(r *http.Request) (*http.Response, error) {
			entered <- r.Method
			<-leave
			return empty(r), nil
		})}
	url := discordgo.EndpointChannelMessage("1", "2")
	var all sync.WaitGroup
	for _, call := range []func() error{
		func() error { return s.ChannelMessageDelete("1", "2") },
		func() error { _, err := s.RequestWithBucketID("DELETE", url, nil, "mine"); return err },
		func() error { _, err := s.Request("DELETE", url, nil); return err },
	} {
		all.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
		<-entered
	}
	close(leave)
	all.Wait()
	for _, key := range []string{discordgo.EndpointChannelMessage("1", ""), "mine", url} {
		if b := s.Ratelimiter.GetBucket(key); !b.TryLock() {
			t.Errorf("the bucket %s is left locked", key)
		}
	}
}
