package botwright_test

import (
	"strings"
	"testing"

	"github.com/botwright/botwright"
)

func TestWithCacheIsShown(t *testing.T) {
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[string, int]{MaxSize: 50})
	cache.Set("a", 1)
	bot, err := botwright.New(someToken, botwright.WithCache("profiles", cache))
	if err != nil {
		t.Fatal(err)
	}
	caches := bot.Report().Caches
	if len(caches) != 1 || caches[0].Name != "profiles" || caches[0].Entries != 1 || caches[0].MaxSize != 50 {
		t.Errorf("the report has %+v", caches)
	}
}

func TestWithCacheRefuses(t *testing.T) {
	cache := botwright.NewTTLCache(botwright.TTLCacheConfig[string, int]{})
	for want, opts := range map[string][]botwright.Option{
		"no name":    {botwright.WithCache("", cache)},
		"two caches": {botwright.WithCache("a", cache), botwright.WithCache("a", cache)},
	} {
		if _, err := botwright.New(someToken, opts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
