package stillwater_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "stillwater"

// mayImport is the map of doc.go: what each folder may import from this module. The longest matching folder counts; a trailing
// slash means everything below.
var mayImport = []struct {
	folder string
	from   []string
}{
	{"", nil},
	{"rules", []string{""}},
	{"adapters/", []string{"", "adapters/bus", "adapters/httpcall", "adapters/jsonfield", "adapters/meterdial", "adapters/platform", "adapters/twilio"}}, // the folders that several adapters share
	{"gateway/", []string{"", "rules", "gateway/"}},
	{"gateway", []string{"", "rules", "gateway/", "adapters/", "simulator/"}}, // main alone wires
	{"simulator", []string{"", "simulator/"}},
	{"simulator/", []string{"", "simulator/"}},
	{"deploy/", []string{"", "adapters/"}},                                               // load runs of adapters alone
	{"deploy/load/history", []string{"", "rules", "gateway/", "adapters/"}},              // the way of a reading, with and without its copy
	{"deploy/load/alerts", []string{"", "rules", "gateway/", "adapters/", "simulator/"}}, // the way of a finding to a telephone
}

// standardOnly are the folders without third-party imports.
var standardOnly = []string{"", "rules", "gateway/incident", "gateway/clock", "gateway/health", "gateway/backtest"}

// pure are the folders whose code knows no clock, no chance and no outside.
var pure = map[string][]string{
	"rules":            {"time.Now", "time.Since", "time.Sleep", "time.After", "os.", "net.", "rand.", "log."},
	"gateway/incident": {"time.Now", "time.Since", "time.Sleep", "time.After", "os.", "net.", "rand.", "log."},
	"gateway/duty":     {"time.Now", "time.Since", "time.Sleep", "time.After", "os.", "net.", "rand.", "log."},
	"":                 {"time.Now", "time.Since", "time.Sleep", "os.", "net.", "rand."},
}

// file is one Go file of the module.
type file struct {
	folder string // from the root, "" is the root
	name   string
	ast    *ast.File
	test   bool
}

func files(t *testing.T) []file {
	t.Helper()
	var all []file
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		if folder == "." {
			folder = ""
		}
		all = append(all, file{folder, path, parsed, strings.HasSuffix(path, "_test.go")})
		return nil
	})
	if err != nil || len(all) < 50 {
		t.Fatalf("read %d files: %v", len(all), err)
	}
	return all
}

// TestImports holds the map true: who may import whom.
func TestImports(t *testing.T) {
	for _, f := range files(t) {
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			inside := path == module || strings.HasPrefix(path, module+"/")
			switch {
			case inside && !f.test && !allowed(f.folder, strings.TrimPrefix(strings.TrimPrefix(path, module), "/")):
				t.Errorf("%s imports %s: the map in doc.go does not allow it", f.name, path)
			case !inside && !f.test && strings.Contains(strings.Split(path, "/")[0], ".") && slices.Contains(standardOnly, f.folder):
				t.Errorf("%s imports %s: this folder has the standard library only", f.name, path)
			}
		}
	}
}

// allowed says whether a folder may import another of the module.
func allowed(folder, imported string) bool {
	var rule []string
	longest := -1
	for _, r := range mayImport {
		if matches(r.folder, folder) && len(r.folder) > longest {
			rule, longest = r.from, len(r.folder)
		}
	}
	for _, from := range rule {
		if matches(from, imported) {
			return true
		}
	}
	// An adapter may have packages of its own below it, never another adapter's.
	parts := strings.Split(folder, "/")
	return parts[0] == "adapters" && len(parts) > 1 && strings.HasPrefix(imported, strings.Join(parts[:2], "/")+"/")
}

func matches(pattern, folder string) bool {
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(folder, pattern)
	}
	return folder == pattern
}

// TestPure keeps clocks, chance and the outside out of what must be the same each time.
func TestPure(t *testing.T) {
	for _, f := range files(t) {
		forbidden, ok := pure[f.folder]
		if !ok || f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if _, is := n.(*ast.GoStmt); is {
				t.Errorf("%s starts a goroutine: this folder is pure", f.name)
			}
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok || pkg.Obj != nil { // a variable
				return true
			}
			for _, bad := range forbidden {
				if used := pkg.Name + "." + sel.Sel.Name; used == bad || (strings.HasSuffix(bad, ".") && strings.HasPrefix(used, bad)) {
					t.Errorf("%s uses %s: this folder is pure", f.name, used)
				}
			}
			return true
		})
	}
}

// TestPackageComments wants exactly one package comment for every package.
func TestPackageComments(t *testing.T) {
	comments := map[string]int{}
	for _, f := range files(t) {
		if f.test {
			continue
		}
		if f.ast.Doc != nil {
			comments[f.folder]++
		} else {
			comments[f.folder] += 0
		}
	}
	for folder, n := range comments {
		if n != 1 {
			t.Errorf("package in %q has %d package comments, want 1", folder, n)
		}
	}
}

// TestDocComments wants a comment on every exported name outside package main.
func TestDocComments(t *testing.T) {
	for _, f := range files(t) {
		if f.test || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
					t.Errorf("%s: %s has no comment", f.name, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					ts, ok := s.(*ast.TypeSpec)
					if ok && ts.Name.IsExported() && ts.Doc == nil && d.Doc == nil {
						t.Errorf("%s: type %s has no comment", f.name, ts.Name.Name)
					}
				}
			}
		}
	}
}

// exportedReceiver says whether a function is no method, or one of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// TestNoInit keeps start-up explicit, and goroutines of package main in together.
func TestNoInit(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s has an init function; wire it in gateway/wire.go", f.name)
			}
			if f.folder == "gateway" && fn.Name.Name != "together" && startsGoroutine(fn) {
				t.Errorf("%s: %s starts a goroutine; only together does", f.name, fn.Name.Name)
			}
		}
	}
}

func startsGoroutine(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		_, is := n.(*ast.GoStmt)
		found = found || is
		return true
	})
	return found
}

// TestNoSleepInTests refuses time.Sleep in tests outside a synctest bubble, where it costs nothing.
func TestNoSleepInTests(t *testing.T) {
	for _, f := range files(t) {
		if !f.test {
			continue
		}
		src, err := os.ReadFile(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if s := "time." + "Sleep("; strings.Contains(string(src), s) && !strings.Contains(string(src), `"testing/synctest"`) {
			t.Errorf("%s sleeps; wait for what you wait for, or use testing/synctest", f.name)
		}
	}
}
