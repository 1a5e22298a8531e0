package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

// A paragraph or table below such a line quotes the figures of that file.
var (
	quotes = regexp.MustCompile(`(?m)^<!-- figures: (\S+) -->\n+((?:.+\n)+)`)
	figure = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
	code   = regexp.MustCompile("`[^`]*`|\\]\\([^)]*\\)|v\\d+\\.\\d+\\.\\d+")
)

// TestFigures looks for the figures that a page quotes in the file that was written when they were
// measured.
func TestFigures(t *testing.T) {
	t.Parallel()
	n := 0
	for _, p := range pages(t) {
		for _, m := range quotes.FindAllStringSubmatch(p.text, -1) {
			measured := make(map[string]bool)
			for _, number := range figure.FindAllString(read(t, m[1]), -1) {
				measured[strings.ReplaceAll(number, ",", "")] = true
			}
			for _, number := range figure.FindAllString(code.ReplaceAllString(m[2], ""), -1) {
				n++
				if !measured[strings.ReplaceAll(number, ",", "")] {
					t.Errorf("%s says %s, which is not in %s", p.path, number, m[1])
				}
			}
		}
	}
	if n < 8 {
		t.Errorf("only %d figures were found", n)
	}
}
