package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	s := status{
		processes: []line{
			{pid: 11, version: "v1", state: "killed", events: 120},
			{pid: 12, version: "v2", state: "runs", events: 7, shards: []int{0, 2, 15}},
		},
		sent: 130, handled: 127, again: 2, identifies: 16,
	}
	const (
		header = " PROCESS  VERSION  STATE    EVENTS  SHARDS\x1b[K\n"
		rows   = "      11  v1       \x1b[31mkilled\x1b[0m      120  \x1b[K\n" +
			"      12  v2       \x1b[32mruns  \x1b[0m        7  0 2 15\x1b[K\n"
		total = "130 sent, 127 handled, 0 lost, 2 handled again, 16 IDENTIFYs"
	)
	var out strings.Builder
	live := &table{out: &out, live: true}
	live.draw(s)
	live.draw(s)
	drawn := header + rows + total + "\x1b[K\n"
	if want := drawn + "\x1b[4A" + drawn; out.String() != want {
		t.Errorf("on a terminal:\n%q\nwant\n%q", out.String(), want)
	}
	out.Reset()
	plain := &table{out: &out}
	plain.draw(s)
	if want := "v1 killed []; v2 runs [0 2 15]; " + total + "\n"; out.String() != want {
		t.Errorf("elsewhere: %q", out.String())
	}
}

// TestLost counts numbers that were skipped, not those that are on their way.
func TestLost(t *testing.T) {
	t.Parallel()
	w, err := newWorld()
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	p := &process{state: "runs"}
	for _, number := range []int{1, 2, 2, 4} {
		w.note(p, 3, number)
	}
	w.sent[3] = 6
	s := w.status()
	if s.sent != 6 || s.handled != 3 || s.lost != 1 || s.again != 1 {
		t.Errorf("%v", s)
	}
	if err := w.summary(); err == nil {
		t.Error("a number was lost: no error")
	}
}
