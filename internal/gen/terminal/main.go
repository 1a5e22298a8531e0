// Terminal draws what a command prints as an SVG of a terminal:
//
//	go run ./examples/quickstart -for 10s | go run ./internal/gen/terminal -o out.svg "go run ./examples/quickstart"
package main

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

func main() {
	out := flag.String("o", "", "the file to write")
	flag.Parse()
	if *out == "" || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: terminal -o FILE COMMAND")
		os.Exit(2)
	}
	picture, err := draw(flag.Arg(0), os.Stdin)
	if err == nil {
		err = os.WriteFile(*out, picture, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// In pixels. A monospaced font of this size is a little narrower than column.
const (
	size   = 14
	column = 8.43
	row    = 21
	margin = 18
	bar    = 34 // above the first row
)

const style = `<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d5d9e3;white-space:pre}
.time{fill:#7d8599} .command{fill:#fff;font-weight:600} .answer{fill:#5fd39a}
</style>`

var (
	clock  = regexp.MustCompile(`^\d\d:\d\d:\d\d`)
	answer = regexp.MustCompile(`→.*$`)
)

// draw returns a picture of the command and of the lines that it has printed.
func draw(command string, printed io.Reader) ([]byte, error) {
	lines := []string{"$ " + command}
	for in := bufio.NewScanner(printed); ; {
		if !in.Scan() {
			if err := in.Err(); err != nil {
				return nil, err
			}
			break
		}
		lines = append(lines, in.Text())
	}
	widest := 0
	for _, line := range lines {
		widest = max(widest, utf8.RuneCountInString(line))
	}
	width, height := int(float64(widest)*column)+2*margin, bar+len(lines)*row+margin
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"0 0 %d %d\" role=\"img\">\n%s\n",
		width, height, style)
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(command))
	fmt.Fprintf(&b, "<rect width=\"%d\" height=\"%d\" rx=\"10\" fill=\"#11131b\"/>\n", width, height)
	for i, color := range []string{"#e0635e", "#e0b34c", "#58b368"} {
		fmt.Fprintf(&b, "<circle cx=\"%d\" cy=\"19\" r=\"6\" fill=\"%s\"/>\n", margin+5+i*20, color)
	}
	for i, line := range lines {
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">%s</text>\n", margin, bar+size+i*row, paint(line))
	}
	b.WriteString("</svg>\n")
	return b.Bytes(), nil
}

// paint colors the prompt, the time that a line begins with, and what the bot answers.
func paint(line string) string {
	if strings.HasPrefix(line, "$ ") {
		return `<tspan class="command">` + escape(line) + `</tspan>`
	}
	line = escape(line)
	line = clock.ReplaceAllString(line, `<tspan class="time">$0</tspan>`)
	return answer.ReplaceAllString(line, `<tspan class="answer">$0</tspan>`)
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
