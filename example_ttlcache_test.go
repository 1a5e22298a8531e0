package botwright_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botwright/botwright"
)

// profile stands for what a bot stores about a user.
type profile struct {
	Name string
	XP   int
}

// User profiles from a database: however many messages a user writes, and however many handlers
// ask at once, the database is asked once in ten minutes.
func ExampleTTLCache_Load() {
	profiles := botwright.NewTTLCache(botwright.TTLCacheConfig[string, *profile]{
		TTL:      10 * time.Minute,
		MaxSize:  50_000,
		ErrorTTL: 10 * time.Second, // who has no profile is not looked up for every message
	})
	errNoProfile := errors.New("no profile")
	fetch := func(userID string) func(context.Context) (*profile, error) {
		return func(context.Context) (*profile, error) {
			fmt.Println("query for", userID)
			if userID != "80351110224678912" {
				return nil, errNoProfile
			}
			return &profile{Name: "Nelly", XP: 1200}, nil
		}
	}

	ctx := context.Background()
	for _, userID := range []string{"80351110224678912", "80351110224678912", "1", "1"} {
		p, err := profiles.Load(ctx, userID, fetch(userID))
		if err != nil {
			fmt.Println("error:", err)
			continue
		}
		fmt.Println(p.Name, p.XP)
	}
	// Output:
	// query for 80351110224678912
	// Nelly 1200
	// Nelly 1200
	// query for 1
	// error: no profile
	// error: no profile
}

// A dialogue in several steps: each answer gives the user another fifteen minutes.
func ExampleTTLCache_sliding() {
	type wizard struct{ Step int }
	wizards := botwright.NewTTLCache(botwright.TTLCacheConfig[string, wizard]{
		TTL:     15 * time.Minute,
		Sliding: true,
	})

	answer := func(userID string) {
		w, ok := wizards.Get(userID)
		if !ok {
			fmt.Println("a new dialogue")
		}
		w.Step++
		wizards.Set(userID, w)
		fmt.Println("step", w.Step)
	}
	answer("80351110224678912")
	answer("80351110224678912")
	wizards.Delete("80351110224678912")
	answer("80351110224678912")
	// Output:
	// a new dialogue
	// step 1
	// step 2
	// a new dialogue
	// step 1
}

// Values that own something are released when they leave, for whatever reason.
func ExampleTTLCacheConfig_onEvict() {
	players := botwright.NewTTLCache(botwright.TTLCacheConfig[string, string]{
		MaxSize: 2,
		OnEvict: func(guildID, player string, reason botwright.EvictReason) {
			fmt.Printf("close %s of guild %s: %v\n", player, guildID, reason)
		},
	})
	players.Set("1", "player A")
	players.Set("2", "player B")
	players.Set("2", "player C")
	players.Set("3", "player D")
	players.Delete("3")
	players.Shrink(1) // memory is short
	fmt.Println(players.Len(), "left")
	// Output:
	// close player B of guild 2: replaced
	// close player A of guild 1: size
	// close player D of guild 3: deleted
	// close player C of guild 2: shrunk
	// 0 left
}

func ExampleTTLCache_SetTTL() {
	settings := botwright.NewTTLCache(botwright.TTLCacheConfig[string, string]{})
	settings.Set("prefix", "!")                           // for the default 5 minutes
	settings.SetTTL("raid mode", "on", time.Hour)         // for longer
	settings.SetTTL("owner", "Nelly", botwright.NoExpiry) // for ever
	current, loaded := settings.GetOrSet("prefix", "?")   // not replaced
	fmt.Println(current, loaded, settings.Len())
	// Output: ! true 3
}

func ExampleTTLCache_DeleteFunc() {
	type member struct{ guildID, userID string }
	xp := botwright.NewTTLCache(botwright.TTLCacheConfig[member, int]{})
	xp.Set(member{"1", "10"}, 5)
	xp.Set(member{"1", "11"}, 6)
	xp.Set(member{"2", "10"}, 7)
	removed := xp.DeleteFunc(func(m member, _ int) bool { return m.guildID == "1" })
	fmt.Println(removed, "removed")
	for m, n := range xp.All() {
		fmt.Println(m.guildID, m.userID, n)
	}
	// Output:
	// 2 removed
	// 2 10 7
}
