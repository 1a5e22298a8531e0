package botwright_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What the log can say is listed in docs/operations.md, with what to do about it.
func TestMessagesAreDocumented(t *testing.T) {
	t.Parallel()
	said := make(map[string]string) // message → level
	for _, file := range sources(t) {
		maps.Copy(said, messagesIn(t, file))
	}
	doc, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]string)
	row := regexp.MustCompile("(?m)^\\| (debug|info|warn|error|any) \\| `([^`]+)` \\| \\S.* \\|$")
	for _, m := range row.FindAllStringSubmatch(string(doc), -1) {
		listed[m[2]] = m[1]
	}
	var wrong []string
	for message, level := range said {
		if listed[message] != level {
			wrong = append(wrong, "add | "+level+" | `"+message+"` | what to do about it |")
		}
	}
	for message := range listed {
		if said[message] == "" {
			wrong = append(wrong, "remove `"+message+"`")
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		t.Errorf("the messages in docs/operations.md are not those of the source:\n%s",
			strings.Join(wrong, "\n"))
	}
}

// sources returns the files that log for a bot.
func sources(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		skip := []string{"discordtest", "examples", "bench", "contrib", "testdata", "internal/gen",
			"internal/cluster/clustertest"} // which tests
		if d != nil && d.IsDir() && (slices.Contains(skip, filepath.ToSlash(path)) ||
			(strings.HasPrefix(d.Name(), ".") && path != ".")) {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// messagesIn returns the messages of the calls of slog's methods in a file, with their levels.
func messagesIn(t *testing.T, file string) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	// The argument that is the message, by method.
	at := map[string]int{"Debug": 0, "Info": 0, "Warn": 0, "Error": 0, "Log": 2, "LogAttrs": 2,
		"DebugContext": 1, "InfoContext": 1, "WarnContext": 1, "ErrorContext": 1}
	found := make(map[string]string)
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		i, ok := at[method.Sel.Name]
		if !ok || i >= len(call.Args) {
			return true
		}
		if message, ok := constant(call.Args[i]); ok {
			level := strings.ToLower(strings.TrimSuffix(method.Sel.Name, "Context"))
			if i == 2 {
				level = "any"
			}
			found[message] = level
		}
		return true
	})
	return found
}

// constant returns the value of a text that may be put together.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, okA := constant(e.X)
		b, okB := constant(e.Y)
		return a + b, okA && okB
	}
	return "", false
}
