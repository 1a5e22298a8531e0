package events_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryUnmarshalMethodIsReplaced holds the functions of this package against discordgo's
// source: a method without a function falls back to encoding/json, slowly and with its strictness
// about components.
func TestEveryUnmarshalMethodIsReplaced(t *testing.T) {
	elsewhere := []string{
		"TooManyRequests",               // REST only
		"unmarshalableMessageComponent", // stands for what MessageComponent replaces
	}
	replaced := replacedTypes(t)
	methods := unmarshalMethods(t)
	for _, name := range methods {
		if !slices.Contains(elsewhere, name) && !replaced[name] {
			t.Errorf("discordgo.%s has a method to unmarshal JSON and no function here", name)
		}
	}
	for _, name := range elsewhere {
		if !slices.Contains(methods, name) {
			t.Errorf("discordgo.%s has no method to unmarshal JSON any more", name)
		}
	}
	for name := range maps.Keys(replaced) {
		if name != "MessageComponent" && !slices.Contains(methods, name) {
			t.Errorf("the function for discordgo.%s replaces no method", name)
		}
	}
}

// unmarshalMethods returns the types of discordgo with a method that changes how JSON is decoded.
func unmarshalMethods(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bwmarrin/discordgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, fn := range functions(t, filepath.Join(strings.TrimSpace(string(out)), "*.go")) {
		switch fn.Name.Name {
		case "UnmarshalJSON", "UnmarshalText", "UnmarshalJSONFrom":
			if fn.Recv != nil {
				names = append(names, typeName(fn.Recv.List[0].Type))
			}
		}
	}
	if len(names) == 0 {
		t.Fatal("no method found in discordgo's source")
	}
	return names
}

// replacedTypes returns the types of discordgo that a function passed to json.UnmarshalFromFunc in
// this package decodes.
func replacedTypes(t *testing.T) map[string]bool {
	t.Helper()
	all := functions(t, "*.go")
	registered := make(map[string]bool)
	for _, fn := range all {
		if fn.Name.Name != "unmarshalers" {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && typeName(call.Fun) == "UnmarshalFromFunc" {
				registered[typeName(call.Args[0])] = true
			}
			return true
		})
	}
	types := make(map[string]bool)
	for _, fn := range all {
		if registered[fn.Name.Name] {
			types[typeName(fn.Type.Params.List[1].Type)] = true
		}
	}
	return types
}

// functions returns the functions and methods of the files that match a pattern, tests excepted.
func functions(t *testing.T, pattern string) []*ast.FuncDecl {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var found []*ast.FuncDecl
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				found = append(found, fn)
			}
		}
	}
	return found
}

// typeName returns the name at the end of T, *T, []T, pkg.T and what is made of them.
func typeName(expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.ArrayType:
		return typeName(e.Elt)
	case *ast.SelectorExpr:
		return e.Sel.Name
	default:
		return ""
	}
}
