package session_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botwright/botwright/internal/session"
)

// fleet returns what is stored of some shards.
func fleet(shards, guilds int) []session.Saved {
	var all []session.Saved
	for id := range shards {
		s := session.Saved{
			ShardID: id, ShardCount: shards, ID: fmt.Sprintf("session%032d", id), Sequence: 1e6,
			ResumeURL: "wss://gateway-us-east1-b.discord.gg", TokenHash: strings.Repeat("0", 32),
			AliveAt: time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC),
			Ready:   json.RawMessage(`{"session_id":"x","user":{"id":"1"}}`),
		}
		for g := range guilds {
			s.Guilds = append(s.Guilds, fmt.Sprint(100000000000000000+id*1000+g))
		}
		all = append(all, s)
	}
	return all
}

func ids(n int) []int {
	var list []int
	for i := range n {
		list = append(list, i)
	}
	return list
}

func newFile(t *testing.T, path string) *session.File {
	t.Helper()
	f := session.NewFile(path)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func save(t *testing.T, f *session.File, sessions ...session.Saved) {
	t.Helper()
	if err := f.Save(sessions); err != nil {
		t.Fatal(err)
	}
}

// load returns what the next process finds.
func load(t *testing.T, path string, n int) []session.Saved {
	t.Helper()
	f := session.NewFile(path)
	sessions, err := f.Load(ids(n))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(sessions, func(a, b session.Saved) int { return a.ShardID - b.ShardID })
	return sessions
}

// TestFileIsCheap holds 200 shards of 1,000 guilds to 1 GB a day.
func TestFileIsCheap(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.json")
	f := newFile(t, path)
	all := fleet(200, 1000)
	save(t, f, all...)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].Sequence += 1234
		all[i].Handled = []session.Range{{all[i].Sequence + 2, all[i].Sequence + 500}}
		all[i].AliveAt = all[i].AliveAt.Add(5 * time.Second)
	}
	all[7].Guilds = slices.Clone(all[7].Guilds[1:])
	all[8].Guilds = append(slices.Clone(all[8].Guilds), "5")
	save(t, f, all...)
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("what does not change was written again")
	}
	small, err := os.Stat(path + ".progress")
	if err != nil {
		t.Fatal(err)
	}
	const savesPerDay = 24 * 60 * 60 / 5
	t.Logf("%d bytes each time", small.Size())
	if day := small.Size() * savesPerDay; day > 1e9 {
		t.Errorf("%d bytes each time are %.1f GB a day", small.Size(), float64(day)/1e9)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	got := load(t, path, 200)
	a, _ := json.Marshal(all)
	b, _ := json.Marshal(got)
	if string(a) != string(b) {
		t.Error("the next process finds something else")
	}
}

func TestFileForgets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.json")
	f := newFile(t, path)
	all := fleet(3, 2)
	save(t, f, all...)
	all[1].Sequence++
	save(t, f, all[1])
	save(t, f, session.Saved{ShardID: 0})
	renewed := all[1]
	renewed.ID, renewed.Sequence = "another", 3
	save(t, f, renewed)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	got := load(t, path, 3)
	if len(got) != 2 || got[0].ID != "another" || got[0].Sequence != 3 || got[1].ID != all[2].ID {
		t.Errorf("found %+v", got)
	}
	next := newFile(t, path)
	if _, err := next.Load([]int{2}); err != nil {
		t.Fatal(err)
	}
	all[2].Sequence++
	save(t, next, all[2])
	_ = next.Close()
	if got = load(t, path, 3); len(got) != 1 || got[0].Sequence != all[2].Sequence {
		t.Errorf("found %+v", got)
	}
}

// TestFileOfAnotherProcess has two processes use a file.
func TestFileOfAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.json")
	first, second := newFile(t, path), newFile(t, path)
	all := fleet(2, 1)
	save(t, first, all[0])
	if _, err := second.Load([]int{1}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("Load: %v", err)
	}
	if err := second.Save(all[1:]); err == nil {
		t.Error("both processes can save")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	save(t, second, all[1]) // it has the file for itself now
}

// TestFileIsRefused checks that a file that is refused is not written over.
func TestFileIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"not JSON":          {"my notes", 0o600, "damaged"},
		"another version":   {`{"version":2}`, 0o600, "version 2"},
		"writable by group": {`{"version":1}`, 0o660, "chmod"},
		"writable by all":   {`{"version":1}`, 0o606, "chmod"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && tt.mode != 0o600 {
				return
			}
			path := filepath.Join(t.TempDir(), "s.json")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			f := newFile(t, path)
			if _, err := f.Load([]int{0}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Load: %v, want %s", err, tt.want)
			}
			for what, err := range map[string]error{
				"Save": f.Save(fleet(1, 1)), "SaveState": f.SaveState(0, []byte("x")),
			} {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: %v, want %s", what, err, tt.want)
				}
			}
			if b, _ := os.ReadFile(path); string(b) != tt.content {
				t.Errorf("the file holds %q", b)
			}
		})
	}
}

// TestFileCannotBeWritten leaves nothing behind.
func TestFileCannotBeWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(path+".123.tmp", []byte("left by a crash"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFile(t, path)
	if _, err := f.Load([]int{0}); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(fleet(1, 1)); err == nil {
		t.Error("saved over a directory")
	}
	if left, _ := filepath.Glob(path + ".*.tmp"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	save(t, f, fleet(1, 1)...)
}

func TestFileKeepsState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.json")
	f := newFile(t, path)
	if err := f.AppendState(3, []byte("too early")); err == nil {
		t.Error("appended to nothing")
	}
	parts := func() string {
		t.Helper()
		got, err := f.LoadState(3)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s", got)
	}
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return nil }, "[]"},
		{func() error { return f.SaveState(3, []byte("a")) }, "[a]"},
		{func() error { return f.AppendState(3, []byte("b")) }, "[a b]"},
		{func() error { return appendTo(path+".state/3", "\x00\x00\x00\x09half of") }, "[a b]"},
		{func() error { return f.AppendState(3, []byte("c")) }, "[a b c]"},
		{func() error { return f.SaveState(3, []byte("d")) }, "[d]"},
		{func() error { return appendTo(path+".state/3", "\x00\x00\x00\x00\x00\x00") }, "[d]"},
		{func() error { return f.AppendState(3, []byte("e")) }, "[d e]"},
		{func() error { return f.Save([]session.Saved{{ShardID: 3}}) }, "[]"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := parts(); got != step.want {
			t.Errorf("stored are %s, want %s", got, step.want)
		}
	}
}

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Close()
}

func TestFileKeepsAlerts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.json")
	f := session.NewFile(path)
	if b, err := f.LoadAlerts(); err != nil || len(b) > 0 {
		t.Errorf("at first: %q, %v", b, err)
	}
	for _, alerts := range []string{"many alerts", "few"} {
		if err := f.SaveAlerts([]byte(alerts)); err != nil {
			t.Fatal(err)
		}
		if b, err := f.LoadAlerts(); err != nil || string(b) != alerts {
			t.Errorf("got %q, %v", b, err)
		}
	}
	if _, err := session.NewFile(path).LoadAlerts(); err == nil {
		t.Error("another process can use the file")
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path+".alerts", 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := f.LoadAlerts(); err == nil || !strings.Contains(err.Error(), "chmod") {
			t.Errorf("a file that others can write to: %v", err)
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
