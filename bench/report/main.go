// Command report runs the benchmarks and writes what they measured to a page of Markdown, whose name
// is its argument. It is to be run in the directory of the benchmarks.
package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A part of the page is one run of benchmarks.
type part struct {
	title, text string
	bench       string // go test's -bench
	args        []string
}

func parts() []part {
	return []part{
		{
			"An event", "From the socket to a typed handler, over loopback without TLS, with five handlers " +
				"and all else as it is by default but for what a name says. 40 % messages, 25 % presences, " +
				"20 % typing, 10 % member updates and 5 % slash commands, about a kilobyte each. " +
				"`cpu-ns/event` is the client's process, user and system; `ns/op` has the sender in it. " +
				"`Unwanted` is the same without compression, with a handler for no event, for interactions " +
				"alone, or for messages that its `NotBot` and `Prefix` turn away.",
			"Gateway|Unwanted",
			[]string{"-benchtime", "100000x", "-count", "3"},
		},
		{
			"REST", "4,000 messages to 200 channels (the limits make it take 1,500 ms), 250 to 250 channels " +
				"(4,000 ms), against a server that takes 30 ms, and 50 edits of interactions at once, at 100 ms.",
			"REST",
			[]string{"-benchtime", "1x"},
		},
		{
			"State", "The heap that 1,000 guilds of 100 members take.",
			"StateHeap",
			[]string{"-benchtime", "1x"},
		},
		{
			"Debounce", "A trigger of a key that waits already.",
			"Debounce",
			[]string{"-count", "3"},
		},
		{
			"Caches", "String keys by zipf, of which a tenth fits: the share of hits, and the bytes that each " +
				"entry adds.",
			"CacheHitRate|CacheMemory",
			[]string{"-benchtime", "1x"},
		},
		{
			"Cache speed", "Nanoseconds per operation, in turns within one run; `x-name` is the time of " +
				"`TTLCache` as a share of the other's.",
			"Cache$",
			[]string{"-benchtime", "15x"},
		},
	}
}

// What stands before and behind the tables.
var (
	//go:embed intro.txt
	intro string
	//go:embed others.txt
	others string
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: go run ./report FILE")
	}
	var page bytes.Buffer
	if err := write(&page); err != nil {
		return err
	}
	return os.WriteFile(args[0], page.Bytes(), 0o644)
}

// write measures everything and writes the page.
func write(to io.Writer) error {
	machine, err := machine()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(to, "%s\n%s", intro, machine); err != nil {
		return err
	}
	for _, p := range parts() {
		args := append([]string{"test", "-run", "^$", "-bench", p.bench, "-benchmem"}, p.args...)
		cmd := exec.Command("go", append(args, "-timeout", "20m", ".")...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("go %v: %w: %s", args, err, out)
		}
		_, err = fmt.Fprintf(to, "\n## %s\n\n%s\n\n    go test -run '^$' -bench '%s' -benchmem %s .\n\n%s",
			p.title, p.text, p.bench, strings.Join(p.args, " "), table(parse(string(out))))
		if err != nil {
			return err
		}
	}
	_, err = io.WriteString(to, "\n"+others)
	return err
}
