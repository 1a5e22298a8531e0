package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright"
)

func TestTable(t *testing.T) {
	t.Parallel()
	shards := []botwright.ShardStatus{
		{ID: 0, State: botwright.ShardReady, Latency: 1234567, Guilds: 3, Events: 120, EventRate: 2.25, Resumes: 1},
		{ID: 1, State: botwright.ShardBackoff, Err: errors.New("lost"), Since: time.Unix(0, 0)},
	}
	const (
		header = "SHARD  STATE        LATENCY  GUILDS   EVENTS  EVENTS/S  RESUMES  ERROR\x1b[K\n"
		rows   = "    0  \x1b[32mready      \x1b[0m   1.23ms       3      120       2.2        1  \x1b[K\n" +
			"    1  \x1b[31mbackoff    \x1b[0m       0s       0        0       0.0        0  lost\x1b[K\n"
		total = "ready 1/2, 3 guilds, 120 events; shard 1 backoff"
	)
	var out strings.Builder
	live := &table{out: &out, live: true}
	live.draw(shards)
	live.draw(shards)
	drawn := header + rows + total + "\x1b[K\n"
	if want := drawn + "\x1b[4A" + drawn; out.String() != want {
		t.Errorf("on a terminal:\n%q\nwant\n%q", out.String(), want)
	}
	out.Reset()
	plain := &table{out: &out}
	plain.draw(shards)
	if out.String() != total+"\n" {
		t.Errorf("elsewhere: %q", out.String())
	}
}
