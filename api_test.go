package botwright_test

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAPI compares what the public packages export with testdata/api.txt, so that a change of the
// API is seen in review. go test -run '^TestAPI$' -update . writes the file.
func TestAPI(t *testing.T) {
	t.Parallel()
	const golden = "testdata/api.txt"
	var got bytes.Buffer
	for _, dir := range []string{".", "bottest", "discordtest"} {
		writeAPI(t, &got, dir)
	}
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	before, now := strings.Split(string(want), "\n\n"), strings.Split(got.String(), "\n\n")
	for _, gone := range without(before, now) {
		t.Errorf("no longer in the API, which breaks programs:\n%s", gone)
	}
	for _, added := range without(now, before) {
		t.Errorf("new in the API:\n%s", added)
	}
	if t.Failed() {
		t.Log("if that is meant: go test -run '^TestAPI$' -update . and a line in CHANGELOG.md")
	}
}

// without returns those of all that are not among others.
func without(all, others []string) (rest []string) {
	known := make(map[string]bool)
	for _, s := range others {
		known[s] = true
	}
	for _, s := range all {
		if !known[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

// writeAPI writes the exported declarations of a package, one to a paragraph, without comments.
func writeAPI(t *testing.T, w *bytes.Buffer, dir string) {
	t.Helper()
	fset, p := parsePackage(t, dir)
	values := func(all []*doc.Value) {
		for _, v := range all {
			for _, spec := range v.Decl.Specs {
				if spec, ok := spec.(*ast.ValueSpec); ok && v.Decl.Tok == token.VAR {
					spec.Values = nil // the text of an error may change
				}
			}
			writeDecl(t, w, fset, v.Decl)
		}
	}
	funcs := func(all []*doc.Func) {
		for _, f := range all {
			writeDecl(t, w, fset, f.Decl)
		}
	}
	w.WriteString("package " + p.Name + "\n\n")
	values(p.Consts)
	values(p.Vars)
	funcs(p.Funcs)
	for _, typ := range p.Types {
		writeDecl(t, w, fset, typ.Decl)
		values(typ.Consts)
		values(typ.Vars)
		funcs(typ.Funcs)
		funcs(typ.Methods)
	}
}

func parsePackage(t *testing.T, dir string) (*token.FileSet, *doc.Package) {
	t.Helper()
	fset := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/botwright/botwright/"+dir)
	if err != nil {
		t.Fatal(err)
	}
	return fset, p
}

// writeDecl writes a declaration without blank lines, which part declarations, and without
// alignment, which another field may change.
func writeDecl(t *testing.T, w *bytes.Buffer, fset *token.FileSet, decl ast.Decl) {
	t.Helper()
	var b bytes.Buffer
	if err := printer.Fprint(&b, fset, decl); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if words := strings.Fields(line); len(words) > 0 {
			w.WriteString(strings.Join(words, " ") + "\n")
		}
	}
	w.WriteString("\n")
}
