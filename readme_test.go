package stillwater_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"stillwater"
	"stillwater/rules"
)

// A readme is one of the two, by sections. Sections are found by their order, which is the same in both.
type readme struct {
	file     string
	text     string
	headings []string // of all levels, with their signs
	sections []string // what stands under each heading of the second level, and before the first
}

// The sections of the READMEs that tests look into, by their number.
const (
	mapSection          = 3
	rulesSection        = 6
	whereSection        = 8
	dependenciesSection = 9
)

func readmes(t *testing.T) []readme {
	t.Helper()
	var all []readme
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		all = append(all, parse(name, contents(t, name)))
	}
	return all
}

func contents(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// parse parts a text at its headings. Lines in fences are none.
func parse(name, text string) readme {
	r := readme{file: name, text: text, sections: []string{""}}
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if !fenced && strings.HasPrefix(line, "#") {
			r.headings = append(r.headings, strings.TrimSpace(line))
			if strings.HasPrefix(line, "## ") {
				r.sections = append(r.sections, "")
			}
		}
		r.sections[len(r.sections)-1] += line
	}
	return r
}

var quoted = regexp.MustCompile("`([^`\n]+)`")

// firstCells gives what is quoted in the first cell of each row of the tables in a text.
func firstCells(text string) []string {
	var cells []string
	for line := range strings.Lines(text) {
		cell := strings.Split(line, "|")
		if len(cell) < 3 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cell[1], -1) {
			cells = append(cells, m[1])
		}
	}
	return cells
}

// TestReadmesAgree holds the two READMEs to the same shape: headings, tables and commands.
func TestReadmesAgree(t *testing.T) {
	all := readmes(t)
	en, zh := all[0], all[1]
	if len(en.headings) != len(zh.headings) {
		t.Fatalf("%s has %d headings, %s %d", en.file, len(en.headings), zh.file, len(zh.headings))
	}
	for i := range en.headings {
		level := func(h string) int { return len(h) - len(strings.TrimLeft(h, "#")) }
		if level(en.headings[i]) != level(zh.headings[i]) {
			t.Errorf("heading %q is of another level than %q", en.headings[i], zh.headings[i])
		}
	}
	for i := range min(len(en.sections), len(zh.sections)) {
		if a, b := firstCells(en.sections[i]), firstCells(zh.sections[i]); !slices.Equal(a, b) {
			t.Errorf("section %d: the tables begin with\n%q in %s and\n%q in %s", i, a, en.file, b, zh.file)
		}
		if a, b := commands(en.sections[i]), commands(zh.sections[i]); !slices.Equal(a, b) {
			t.Errorf("section %d: the commands are\n%q in %s and\n%q in %s", i, a, en.file, b, zh.file)
		}
	}
}

// TestReadmeMap wants each folder of the map to exist, and each folder with code on the map.
func TestReadmeMap(t *testing.T) {
	packages := map[string]bool{"deploy/": true}
	for _, f := range files(t) {
		packages[f.folder+"/"] = true
	}
	packages["."] = packages["/"]
	delete(packages, "/")
	for _, r := range readmes(t) {
		named := firstCells(r.sections[mapSection])
		for _, folder := range named {
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				t.Errorf("%s: the map names %q, which is no folder here", r.file, folder)
			}
		}
		for folder := range packages {
			if !slices.Contains(named, folder) {
				t.Errorf("%s: the map lacks %q", r.file, folder)
			}
		}
	}
}

// TestReadmeDependencies compares the tables of dependencies with go.mod: every direct one and every tool, and no other.
func TestReadmeDependencies(t *testing.T) {
	var direct []string
	for line := range strings.Lines(contents(t, "go.mod")) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "tool":
			direct = append(direct, fields[1])
		case len(fields) == 2 && strings.HasPrefix(fields[1], "v"):
			direct = append(direct, fields[0])
		case len(fields) == 3 && fields[0] == "require":
			direct = append(direct, fields[1])
		}
	}
	slices.Sort(direct)
	if len(direct) < 5 {
		t.Fatalf("go.mod has only %q", direct)
	}
	for _, r := range readmes(t) {
		named := firstCells(r.sections[dependenciesSection])
		slices.Sort(named)
		for _, module := range direct {
			if !slices.Contains(named, module) {
				t.Errorf("%s does not say why %s is needed", r.file, module)
			}
		}
		for _, module := range named {
			if !slices.Contains(direct, module) {
				t.Errorf("%s names %s, which go.mod does not need directly", r.file, module)
			}
		}
	}
}

// TestReadmeRules compares the tables of rules with the rules: names, severities and numbers.
func TestReadmeRules(t *testing.T) {
	all := append(rules.Defaults(), rules.Presets()...)
	severities := map[string]map[stillwater.Severity]string{
		"README.md":       {stillwater.Notice: "notice", stillwater.Question: "question", stillwater.Alert: "alert", stillwater.Urgent: "urgent"},
		"README.zh-CN.md": {stillwater.Notice: "留意", stillwater.Question: "询问", stillwater.Alert: "警报", stillwater.Urgent: "紧急"},
	}
	for _, r := range readmes(t) {
		var want []string
		for _, rule := range all {
			want = append(want, rule.Name)
			row := rowOf(r.sections[rulesSection], rule.Name)
			if len(row) < 4 {
				t.Errorf("%s: no row for the rule %s", r.file, rule.Name)
				continue
			}
			if severity := severities[r.file][rule.Severity]; strings.TrimSpace(row[2]) != severity {
				t.Errorf("%s: %s is %q there, and is %q", r.file, rule.Name, strings.TrimSpace(row[2]), severity)
			}
			if there, is := numbers(row[3]), parameters(rule); !slices.Equal(there, is) {
				t.Errorf("%s: %s has %q there, and has %q", r.file, rule.Name, there, is)
			}
		}
		if named := firstCells(r.sections[rulesSection]); !slices.Equal(named, want) {
			t.Errorf("%s: the rules are %q there, and are %q", r.file, named, want)
		}
	}
}

// rowOf is the row of a table that begins with a quoted name, by cells.
func rowOf(text, name string) []string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| `"+name+"` |") {
			return strings.Split(line, "|")
		}
	}
	return nil
}

// numbers is what is quoted in a cell, in order.
func numbers(cell string) []string {
	var list []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return list
}

// parameters is the numbers of a rule as people write them, in order.
func parameters(r rules.Rule) []string {
	var list []string
	for _, span := range []time.Duration{r.After, r.Within} {
		if span != 0 {
			list = append(list, stillwater.FormatSpan(span))
		}
	}
	for _, volume := range []stillwater.Litres{r.Under, r.Over} {
		if volume != 0 {
			list = append(list, volume.String())
		}
	}
	slices.Sort(list)
	return list
}

var shell = regexp.MustCompile("(?s)```sh\n(.*?)```")

// commands gives the lines of the shell blocks of a text, without comments.
func commands(text string) []string {
	var lines []string
	for _, block := range shell.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// TestReadmeCommands wants the commands and flags that the READMEs show to be in the programs' sources, and the goals of make in the
// Makefile.
func TestReadmeCommands(t *testing.T) {
	programs := map[string]map[string]bool{"./gateway": words(t, "gateway"), "./simulator": words(t, "simulator")}
	makefile := contents(t, "Makefile")
	texts := readmes(t)
	for _, file := range []string{"deploy/README.md", "simulator/README.md"} {
		texts = append(texts, parse(file, contents(t, file)))
	}
	seen := 0
	for _, r := range texts {
		for _, line := range commands(r.text) {
			fields := strings.Fields(line)
			switch {
			case fields[0] == "make" && !strings.Contains(makefile, "\n"+fields[1]+":"):
				t.Errorf("%s: %q: the Makefile has no such goal", r.file, line)
			case len(fields) > 3 && fields[0] == "go" && fields[1] == "run":
				checkCommand(t, r.file, line, fields[3:], programs[fields[2]])
				seen++
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d commands were found", seen)
	}
}

// checkCommand checks a subcommand and its flags against what a program knows.
func checkCommand(t *testing.T, file, line string, args []string, known map[string]bool) {
	t.Helper()
	if known == nil {
		t.Errorf("%s: %q runs a program there is not", file, line)
		return
	}
	for i, arg := range args {
		if arg == "|" || arg == ">" {
			return
		}
		name, _, _ := strings.Cut(arg, "=")
		if i == 0 || strings.HasPrefix(name, "-") {
			if !known[name] {
				t.Errorf("%s: %q: the program has no %q", file, line, name)
			}
		}
	}
}

// words gives the subcommands and flags that a program's source defines: the first word of a Use, and the name that a
// function of pflag called …Var or …VarP is given.
func words(t *testing.T, folder string) map[string]bool {
	t.Helper()
	known := map[string]bool{"help": true, "--help": true}
	for _, f := range files(t) {
		if f.folder != folder || f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Use" {
					use, _, _ := strings.Cut(literal(n.Value), " ")
					known[use] = true
				}
			case *ast.CallExpr:
				fn, ok := n.Fun.(*ast.SelectorExpr)
				if ok && len(n.Args) > 2 && regexp.MustCompile(`VarP?$`).MatchString(fn.Sel.Name) {
					known["--"+literal(n.Args[1])] = true
					if short := literal(n.Args[2]); strings.HasSuffix(fn.Sel.Name, "VarP") {
						known["-"+short] = true
					}
				}
			}
			return true
		})
	}
	return known
}

// literal is the text of a literal, "" for other expressions.
func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		return strings.Trim(l.Value, "\"`")
	}
	return ""
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks wants the relative links of every README to lead somewhere, headings included.
func TestLinks(t *testing.T) {
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" || strings.Contains(path, "testdata") {
			return nil
		}
		for _, m := range link.FindAllStringSubmatch(contents(t, path), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			target, anchor, _ := strings.Cut(m[1], "#")
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), filepath.FromSlash(target))
			}
			info, err := os.Stat(file)
			if err == nil && info.IsDir() && anchor != "" {
				file = filepath.Join(file, "README.md")
			}
			if err != nil {
				t.Errorf("%s: the link to %s leads nowhere", path, m[1])
			} else if anchor != "" && !slices.Contains(anchors(contents(t, file)), anchor) {
				t.Errorf("%s: %s has no heading %q", path, file, anchor)
			}
		}
		return nil
	})
	if err != nil || found < 20 {
		t.Errorf("%d links: %v", found, err)
	}
}

// anchors is what the headings of a text are linked by.
func anchors(text string) []string {
	var list []string
	for _, h := range parse("", text).headings {
		h = strings.ToLower(strings.TrimSpace(strings.TrimLeft(h, "#")))
		list = append(list, strings.ReplaceAll(h, " ", "-"))
	}
	return list
}

// TestReadmePaths wants files and folders that the READMEs quote to exist, and tests that they name.
func TestReadmePaths(t *testing.T) {
	path := regexp.MustCompile(`^(\.ci|rules|adapters|gateway|simulator|deploy)(/[A-Za-z0-9_.-]+)+/?$|^[a-z_]+\.go$`)
	tests := map[string]bool{}
	names := map[string]bool{}
	for _, f := range files(t) {
		names[filepath.Base(f.name)] = true
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test {
				tests[fn.Name.Name] = true
			}
		}
	}
	for _, r := range readmes(t) {
		for _, m := range quoted.FindAllStringSubmatch(r.text, -1) {
			switch name := m[1]; {
			case strings.HasPrefix(name, "Test") && !tests[name]:
				t.Errorf("%s: there is no test %s", r.file, name)
			case path.MatchString(name) && !names[name]:
				if _, err := os.Stat(name); err != nil {
					t.Errorf("%s: there is no %s", r.file, name)
				}
			}
		}
	}
}

// TestAlertRules wants the rules for Prometheus to be YAML, and to ask for metrics that the gateway has.
func TestAlertRules(t *testing.T) {
	text := contents(t, "deploy/prometheus-rules.yaml")
	var sheet struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&sheet); err != nil {
		t.Fatal(err)
	}
	metrics := map[string]bool{} // that the gateway has these is for its own tests
	for _, m := range regexp.MustCompile("(?m)^\\| `(stillwater_\\w+)").FindAllStringSubmatch(contents(t, "deploy/README.md"), -1) {
		metrics[m[1]] = true
	}
	asked := map[string]bool{}
	for _, g := range sheet.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Expr == "" || r.Annotations["summary"] == "" {
				t.Errorf("an alert of %s lacks its name, expression or summary: %+v", g.Name, r)
			}
			for _, name := range regexp.MustCompile(`stillwater_\w+`).FindAllString(r.Expr, -1) {
				asked[name] = true
				if !metrics[name] {
					t.Errorf("alert %s asks for %s, which is not in the table of deploy/README.md", r.Alert, name)
				}
			}
		}
	}
	for name := range metrics {
		if strings.HasSuffix(name, "_total") && !asked[name] && !strings.Contains(name, "_bus_") && !strings.Contains(name, "_history_") {
			t.Errorf("no alert asks for %s", name)
		}
	}
}
