package botwright_test

import (
	"context"
	"fmt"
	"time"

	"github.com/botwright/botwright"
)

// Discord sends one event per changed role. Only the last state is worth a write to the database.
func ExampleDebouncer() {
	d := botwright.NewDebouncer[string](botwright.DebouncerConfig{Wait: 50 * time.Millisecond})
	saved := make(chan string)

	for _, roles := range []string{"member", "member, artist", "member, artist, helper"} {
		d.Trigger("member-80351110224678912", func() { saved <- roles })
	}
	fmt.Println("save:", <-saved)
	d.Close()
	// Output: save: member, artist, helper
}

// A panel that is edited at most once per burst, but without delay when the first change comes in.
func ExampleDebouncer_leading() {
	d := botwright.NewDebouncer[string](botwright.DebouncerConfig{Leading: true, MaxWait: 5 * time.Second})
	edited := make(chan string)
	edit := func(text string) func() {
		return func() { edited <- text }
	}

	d.Trigger("panel", edit("1 player"))
	fmt.Println(<-edited)
	d.Trigger("panel", edit("2 players"))
	d.Trigger("panel", edit("3 players"))
	fmt.Println(<-edited)
	d.Close()
	// Output:
	// 1 player
	// 3 players
}

// On shutdown, what waits is run rather than lost.
func ExampleDebouncer_Flush() {
	d := botwright.NewDebouncer[string](botwright.DebouncerConfig{Wait: time.Hour})
	d.Trigger("settings", func() { fmt.Println("settings saved") })

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.Flush(ctx); err != nil {
		fmt.Println(err)
	}
	d.Close()
	fmt.Println("closed")
	// Output:
	// settings saved
	// closed
}
