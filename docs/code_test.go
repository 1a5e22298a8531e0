package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocsShowCodeThatRuns looks for each piece of Go in a file that is compiled, line by line, and
// compiles it if it is a program. A line with an ellipsis stands for any number of lines.
func TestDocsShowCodeThatRuns(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, path := range files(t, ".go") {
		all.WriteString("\n" + read(t, path))
	}
	sources := unindent(all.String())
	for _, p := range pages(t) {
		for _, code := range p.blocks("go") {
			if strings.HasPrefix(code, "package main") {
				vetProgram(t, p.path, code)
				continue
			}
			for part := range strings.SplitSeq(unindent("\n"+code), "\n…\n") {
				if !strings.Contains(sources, strings.Trim(part, "\n")) {
					t.Errorf("%s shows Go that is in no file:\n%s", p.path, part)
				}
			}
		}
	}
}

// unindent removes the blanks at both ends of each line, so that a page need not indent code as
// deep as the file does.
func unindent(code string) string {
	lines := strings.Split(code, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}

func vetProgram(t *testing.T, page, code string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	vet := exec.CommandContext(t.Context(), "go", "vet", file) // compiles it, and does not link it
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%s shows a program that does not compile: %v\n%s", page, err, out)
	}
}
