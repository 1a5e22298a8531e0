package botwright_test

import (
	"context"
	"fmt"
	"time"
)

// A bot that has grown is given more shards while it runs. No event is lost.
func ExampleBot_Reshard() {
	bot, _, done := exampleShards(1)
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	if err := bot.Reshard(ctx, 2); err != nil {
		panic(err)
	}
	for _, s := range bot.Shards() {
		fmt.Println("shard", s.ID, "is", s.State)
	}
	// Output:
	// shard 0 is ready
	// shard 1 is ready
}

// A shard that behaves oddly is connected again. Its session is resumed.
func ExampleBot_RestartShard() {
	bot, _, done := exampleShards(2)
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	if err := bot.RestartShard(ctx, 1); err != nil {
		panic(err)
	}
	s := bot.Shards()[1]
	fmt.Println("identified", s.Identifies, "time, resumed", s.Resumes, "time")
	// Output: identified 1 time, resumed 1 time
}
