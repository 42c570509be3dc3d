package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// written is an event as one place in the source writes it.
type written struct {
	event  string
	where  string       // folder and function
	levels []slog.Level // several: it depends
	text   string       // "…": it depends
	fields []slog.Attr
}

// eventsIn finds what the programs write of events: all places where the key "event" stands before a
// value. Tests, simulators and local are no programs.
func eventsIn(t *testing.T, root fs.FS) (all []written) {
	t.Helper()
	folders := map[string][]*ast.FuncDecl{}
	walk := func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasSuffix(file, "sim") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, source, 0)
		if err != nil {
			return err
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				folders[path.Dir(file)] = append(folders[path.Dir(file)], f)
			}
		}
		return nil
	}
	for _, folder := range []string{"shared", "functions", "jobs"} {
		if err := fs.WalkDir(root, folder, walk); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		for _, f := range folders[folder] {
			all = append(all, eventsOf(folder, f, folders[folder])...)
		}
	}
	return all
}

// eventsOf finds what a function writes. others are those of its package.
func eventsOf(folder string, f *ast.FuncDecl, others []*ast.FuncDecl) (all []written) {
	ast.Inspect(f, func(n ast.Node) bool {
		var list []ast.Expr
		w := written{where: folder + "." + f.Name.Name, levels: []slog.Level{slog.LevelInfo, slog.LevelError}, text: "…"}
		switch n := n.(type) {
		case *ast.CallExpr:
			if _, is := attrOf(n); is {
				return true
			}
			list = n.Args
			for i, arg := range n.Args {
				if text, ok := literal(arg); ok {
					w.text, list = text, n.Args[i+1:]
					break
				}
			}
			if l := levelsOf(n); l != nil {
				w.levels = l
			}
		case *ast.CompositeLit:
			list = n.Elts
		}
		var name ast.Expr
		if w.fields, name = fieldsOf(list); name == nil {
			return true
		}
		if _, made := n.(*ast.CompositeLit); made {
			w.fields = append(w.fields, spread(f, others)...)
		}
		for _, event := range namesOf(name, f, others) {
			w.event = event
			all = append(all, w)
		}
		return true
	})
	return all
}

// namesOf returns what the name of an event may be: itself, or what is assigned to it in the function,
// or handed to the function by others of the package.
func namesOf(x ast.Expr, f *ast.FuncDecl, others []*ast.FuncDecl) (names []string) {
	if text, ok := literal(x); ok {
		return []string{text}
	}
	name, ok := x.(*ast.Ident)
	if !ok {
		return []string{"…"}
	}
	place := slices.Index(params(f), name.Name)
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if id, ok := to.(*ast.Ident); ok && place < 0 && id.Name == name.Name && i < len(n.Rhs) {
					names = appendLiteral(names, n.Rhs[i])
				}
			}
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && place >= 0 && s.Sel.Name == f.Name.Name && place < len(n.Args) {
				names = appendLiteral(names, n.Args[place])
			}
		}
		return true
	}
	if place < 0 {
		ast.Inspect(f, look)
	} else {
		for _, other := range others {
			ast.Inspect(other, look)
		}
	}
	if len(names) == 0 {
		return []string{"…"}
	}
	return names
}

func appendLiteral(names []string, x ast.Expr) []string {
	text, ok := literal(x)
	if !ok {
		text = "…"
	}
	return append(names, text)
}

// params names a function's parameters, in order.
func params(f *ast.FuncDecl) (names []string) {
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// fieldsOf reads what stands in a list as slog reads it: attributes, and keys before values. The event's
// name is apart; nil: there is none.
func fieldsOf(list []ast.Expr) (fields []slog.Attr, event ast.Expr) {
	for i := 0; i < len(list); i++ {
		if call, ok := list[i].(*ast.CallExpr); ok {
			if attr, ok := attrOf(call); ok && attr.Key == "event" {
				event = call.Args[1]
			} else if ok {
				fields = append(fields, attr)
			}
			continue
		}
		key, ok := literal(list[i])
		if !ok || i+1 == len(list) {
			continue
		}
		if i++; key == "event" {
			event = list[i]
		} else {
			fields = append(fields, slog.Attr{Key: key, Value: valueOf(list[i])})
		}
	}
	return fields, event
}

// attrOf reads slog.String("key", value) and its like.
func attrOf(call *ast.CallExpr) (slog.Attr, bool) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || packageOf(f) != "slog" || len(call.Args) < 2 {
		return slog.Attr{}, false
	}
	key, ok := literal(call.Args[0])
	value := valueOf(call.Args[1])
	switch f.Sel.Name {
	case "Duration":
		value = slog.DurationValue(1500 * time.Millisecond)
	case "Int", "Int64", "Float64":
		value = slog.IntValue(7)
	case "Bool":
		value = slog.BoolValue(true)
	case "Time":
		value = slog.TimeValue(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	}
	return slog.Attr{Key: key, Value: value}, ok
}

func packageOf(f *ast.SelectorExpr) string {
	if x, ok := f.X.(*ast.Ident); ok {
		return x.Name
	}
	return ""
}

// valueOf returns a value of the kind that an expression has, as far as it shows; a literal is itself.
func valueOf(x ast.Expr) slog.Value {
	if text, ok := literal(x); ok {
		return slog.StringValue(text)
	}
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return slog.StringValue("…")
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if f.Name == "len" || strings.HasPrefix(f.Name, "int") {
			return slog.IntValue(7)
		}
	case *ast.SelectorExpr:
		if packageOf(f) == "time" && f.Sel.Name == "Since" {
			return slog.DurationValue(1500 * time.Millisecond)
		}
	}
	return slog.StringValue("…")
}

func literal(x ast.Expr) (string, bool) {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

var levelsByName = map[string]slog.Level{"Debug": slog.LevelDebug, "Info": slog.LevelInfo, "Warn": slog.LevelWarn, "Error": slog.LevelError}

// levelsOf returns the level of a call of a logger; nil where it is a variable.
func levelsOf(call *ast.CallExpr) []slog.Level {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if l, ok := levelsByName[strings.TrimSuffix(f.Sel.Name, "Context")]; ok {
		return []slog.Level{l}
	}
	if len(call.Args) > 1 {
		if s, ok := call.Args[1].(*ast.SelectorExpr); ok {
			if l, ok := levelsByName[strings.TrimPrefix(s.Sel.Name, "Level")]; ok {
				return []slog.Level{l}
			}
		}
	}
	return nil
}

var house = os.DirFS("../..")
