package main

import (
	"go/ast"
	"go/token"
	"iter"
)

// typeSpecs yields the type declarations of a file.
func typeSpecs(file *ast.File) iter.Seq[*ast.TypeSpec] {
	return specs[*ast.TypeSpec](file, token.TYPE)
}

// valueSpecs yields the constant declarations of a file.
func valueSpecs(file *ast.File) iter.Seq[*ast.ValueSpec] {
	return specs[*ast.ValueSpec](file, token.CONST)
}

func specs[S ast.Spec](file *ast.File, kind token.Token) iter.Seq[S] {
	return func(yield func(S) bool) {
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != kind {
				continue
			}
			for _, spec := range group.Specs {
				if s, ok := spec.(S); ok && !yield(s) {
					return
				}
			}
		}
	}
}
