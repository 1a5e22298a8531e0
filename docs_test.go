package botwright_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocsShowCodeThatRuns holds each piece of Go in the guides against the code of the project: it
// is in a file that is compiled and tested, or it is a program that builds.
func TestDocsShowCodeThatRuns(t *testing.T) {
	t.Parallel()
	sources := goSources(t)
	for _, guide := range []string{"docs/testing.md", "docs/migrating.md", "docs/rest.md"} {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(text), "```")
		for i := 1; i < len(parts); i += 2 {
			code, isGo := strings.CutPrefix(parts[i], "go\n")
			switch {
			case !isGo:
			case strings.HasPrefix(code, "package main"):
				buildProgram(t, guide, code)
			case !strings.Contains(sources, code):
				t.Errorf("%s shows what is in no file:\n%s", guide, code)
			}
		}
	}
}

// goSources returns the contents of all Go files.
func goSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func buildProgram(t *testing.T, guide, code string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, file).CombinedOutput()
	if err != nil {
		t.Errorf("%s shows a program that does not build: %v\n%s", guide, err, out)
	}
}
