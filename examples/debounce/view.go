package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// A view shows in the terminal what is handled, and counts what was received.
type view struct {
	mu      sync.Mutex // guards what follows
	out     io.Writer
	names   map[string]string // of guilds and channels, by id
	waiting map[string]int    // events that no call has stood for, by key
	events  int
	calls   int
	errors  int
}

func newView(out io.Writer, guilds []discordtest.Guild) *view {
	v := &view{out: out, names: make(map[string]string), waiting: make(map[string]int)}
	for _, g := range guilds {
		v.names[g.ID] = g.Name
		for _, c := range g.Channels {
			v.names[c.ID] = c.Name
		}
	}
	return v
}

func (v *view) channel(id string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.names[id]
}

// received counts an event of a key.
func (v *view) received(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.events++
	v.waiting[key]++
}

// handled shows a call that stands for all events of a key since the last one.
func (v *view) handled(guildID, key, text string) {
	v.mu.Lock()
	n := v.waiting[key]
	delete(v.waiting, key)
	v.calls++
	v.mu.Unlock()
	v.print(guildID, fmt.Sprintf("%s  (%d events)", text, n))
}

func (v *view) print(guildID, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.out, "%s  %-18s %s\n", time.Now().Format(time.TimeOnly), v.names[guildID], text)
}

// failed counts and shows an error.
func (v *view) failed(_ context.Context, _ *botwright.Event, err error) {
	v.mu.Lock()
	v.errors++
	v.mu.Unlock()
	v.print("", "error: "+err.Error())
}

func (v *view) summary() {
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintf(v.out, "received %d events, debounced to %d calls, %d errors\n",
		v.events, v.calls, v.errors)
}
