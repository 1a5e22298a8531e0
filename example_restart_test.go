package botwright_test

import (
	"context"
	"fmt"
	"time"
)

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
