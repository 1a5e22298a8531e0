package botwright_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing that a program can name is a type of a package below the root: those may change at any
// time, and nobody else can spell them.
func TestSurfaceShowsNoInternalType(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		internal := internalImports(f)
		for _, decl := range f.Decls {
			for name, shown := range shownTypes(decl) {
				checked++
				ast.Inspect(shown, func(n ast.Node) bool {
					sel, ok := n.(*ast.SelectorExpr)
					if pkg, isName := packageOf(sel, ok); isName && internal[pkg] {
						t.Errorf("%s: %s shows %s.%s", file, name, pkg, sel.Sel.Name)
					}
					return true
				})
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d types were looked at", checked)
	}
}

func packageOf(sel *ast.SelectorExpr, ok bool) (name string, isName bool) {
	if !ok {
		return "", false
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	return x.Name, true
}

// internalImports returns the names by which a file knows packages below the root.
func internalImports(f *ast.File) map[string]bool {
	names := make(map[string]bool)
	for _, spec := range f.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if !strings.HasPrefix(path, "github.com/botwright/botwright/internal/") {
			continue
		}
		if spec.Name != nil {
			names[spec.Name.Name] = true
		} else {
			names[filepath.Base(path)] = true
		}
	}
	return names
}

// shownTypes returns the types that a declaration shows to other packages, by what shows them.
func shownTypes(decl ast.Decl) map[string]ast.Node {
	shown := make(map[string]ast.Node)
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) {
			shown[d.Name.Name] = d.Type
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					showType(shown, s.Name.Name, s.Type)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() && s.Type != nil {
					shown[s.Names[0].Name] = s.Type
				}
			}
		}
	}
	return shown
}

func showType(shown map[string]ast.Node, name string, typ ast.Expr) {
	st, ok := typ.(*ast.StructType)
	if !ok {
		shown[name] = typ // an interface's methods included, and what an alias stands for
		return
	}
	for _, field := range st.Fields.List {
		if len(field.Names) == 0 || field.Names[0].IsExported() {
			shown[name+" field "+fieldName(field)] = field.Type
		}
	}
}

func fieldName(field *ast.Field) string {
	if len(field.Names) == 0 {
		return "(embedded)"
	}
	return field.Names[0].Name
}

func exportedReceiver(recv *ast.FieldList) bool {
	name := ""
	ast.Inspect(recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return ast.IsExported(name)
}
