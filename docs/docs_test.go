// Package docs_test checks what the documentation says: its links, its code, its commands and its
// figures. It needs no bot, so that it runs in a second.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = ".."

// A page is a Markdown file of the project.
type page struct {
	path string // from the root of the module, with slashes
	text string
}

// pages returns all pages. The changelog is not among them: it may speak of what is gone.
func pages(t *testing.T) (all []page) {
	t.Helper()
	for _, path := range files(t, ".md") {
		if path == "CHANGELOG.md" || strings.Contains(path, "testdata/") {
			continue
		}
		all = append(all, page{path, read(t, path)})
	}
	if len(all) < 12 {
		t.Fatalf("only %d pages", len(all))
	}
	return all
}

// files returns the paths of the files that end in suffix, those of nested modules included.
func files(t *testing.T, suffix string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// .github is documentation, .git and .bin are not.
		hidden := strings.HasPrefix(d.Name(), ".") && path != "." && path != ".github"
		if d.IsDir() && hidden {
			return fs.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(path, suffix) {
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var fence = regexp.MustCompile("(?ms)^( *)```([a-z]*)\n(.*?)^ *```$")

// blocks returns the fenced blocks of the language.
func (p page) blocks(language string) (all []string) {
	for _, m := range fence.FindAllStringSubmatch(p.text, -1) {
		if m[2] == language {
			all = append(all, m[3])
		}
	}
	return all
}

// prose returns the page without its fenced blocks.
func (p page) prose() string { return fence.ReplaceAllString(p.text, "") }
