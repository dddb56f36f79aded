package registry

import (
	"cmp"
	"slices"
	"strings"
)

// A grid is a table as it lies there: rows with something in them, and no idea yet what stands where.
type grid struct {
	name     string // of the file or the sheet
	cellwise bool   // a sheet of a workbook: places are cells like C7
	late     bool   // its dates count from 1904
	hollow   map[string]bool
	rows     []row
}

// A row is one line of a grid.
type row struct {
	number int      // as spreadsheets count
	cells  []string // as they are shown
	raw    []string // the same, but numbers as they are stored; nil: the same altogether
}

func (g *grid) place(number int) place { return place{file: g.name, row: number, cellwise: g.cellwise} }

// A sheet is a grid whose header was found: its known columns by their English names.
type sheet struct {
	*grid
	headers map[string]string // as the file calls them
	columns map[string]int
}

// cell is the value under a column as it is shown, "" where there is none.
func (s *sheet) cell(r row, column string) string {
	if i, ok := s.columns[column]; ok && i < len(r.cells) {
		return r.cells[i]
	}
	return ""
}

// stored is the value under a column as it is stored: of a date the number of days, of a telephone number all its digits.
func (s *sheet) stored(r row, column string) string {
	if i, ok := s.columns[column]; ok && i < len(r.raw) {
		return r.raw[i]
	}
	return s.cell(r, column)
}

// unsaved says whether a formula stands there whose value is not in the file.
func (s *sheet) unsaved(r row, column string) bool {
	i, ok := s.columns[column]
	return ok && len(s.hollow) > 0 && s.hollow[cellName(i+1, r.number)]
}

func (s *sheet) place(r row, column string) place {
	at := s.grid.place(r.number)
	if i, ok := s.columns[column]; ok {
		at.column, at.index = s.headers[column], i+1
	}
	return at
}

// headerWithin is in how many rows the header is looked for: titles, dates and names of offices may stand above it.
const headerWithin = 20

// read finds the columns of a table among those it may have, and those it must. It gives nil when there is no telling what stands where.
func read[T any](in *importer, g *grid, columns []column[T], must ...string) *sheet {
	if len(g.rows) == 0 {
		in.problem(g.place(1), "is empty; its first row names the columns: %s", names(columns))
		return nil
	}
	at := headerAt(g.rows, columns)
	header := g.rows[at]
	s := &sheet{grid: g, headers: map[string]string{}, columns: map[string]int{}}
	ok := s.header(in, header, englishNames(columns), consentNames(columns))
	for _, name := range must {
		if _, there := s.columns[name]; !there {
			in.problem(g.place(header.number), "the column %q is missing; the columns are %s", name, names(columns))
			ok = false
		}
	}
	if !ok {
		return nil
	}
	below := g.rows[at+1:]
	s.rows = nil
	for _, r := range below {
		if slices.Equal(r.cells, header.cells) { // again on each printed page, or merged with the row below
			continue
		}
		if extra := len(r.cells) - len(header.cells); extra > 0 && !s.cellwise && !blank(r.cells[len(header.cells):]) {
			in.problem(g.place(r.number), "has more cells than the header; put a cell that contains the separator in quotes")
		}
		if !slices.ContainsFunc(must, func(name string) bool { return s.cell(r, name) != "" || s.unsaved(r, name) }) {
			in.note(g.place(r.number), "left out: there is nothing under %s", strings.Join(s.titles(must), ", "))
			continue
		}
		s.rows = append(s.rows, r)
	}
	return s
}

// titles are columns as the file calls them.
func (s *sheet) titles(columns []string) []string {
	var list []string
	for _, name := range columns {
		list = append(list, s.headers[name])
	}
	return list
}

// headerAt is the row that names the most columns.
func headerAt[T any](rows []row, columns []column[T]) int {
	english := englishNames(columns)
	best, most := 0, 0
	for i, r := range rows[:min(len(rows), headerWithin)] {
		if n := countKnown(r.cells, english); n > most {
			best, most = i, n
		}
	}
	return best
}

// countKnown is how many different columns cells name.
func countKnown(cells []string, english map[string]string) int {
	seen := map[string]bool{}
	for _, cell := range cells {
		if name, ok := english[plainName(cell)]; ok {
			seen[name] = true
		}
	}
	return len(seen)
}

// header takes the columns of a row. Those it does not know are noted and left out.
func (s *sheet) header(in *importer, r row, english map[string]string, consent string) bool {
	ok := true
	for i, title := range r.cells {
		at := s.grid.place(r.number)
		at.column, at.index = title, i+1
		name, known := english[plainName(title)]
		_, twice := s.columns[name]
		switch {
		case title == "":
		case known && twice:
			in.problem(at, "this column and %q are the same; remove one", s.headers[name])
			ok = false
		case known:
			s.columns[name], s.headers[name] = i, title
		case aboutConsent(title):
			in.problem(at, "a column about consent must not be overlooked; name it %s, or remove it", consent)
			ok = false
		default:
			in.note(at, "left out: this column is not used, and nothing of it was stored")
		}
	}
	return ok
}

// aboutConsent says whether a column that is not known seems to say who may be recorded or told.
func aboutConsent(title string) bool {
	for _, hint := range []string{"consent", "withdr", "revok", "同意", "撤回", "授权"} {
		if strings.Contains(strings.ToLower(title), hint) {
			return true
		}
	}
	return false
}

// consentNames are the columns that say it, as a table may call them.
func consentNames[T any](columns []column[T]) string {
	var list []string
	for _, c := range columns {
		if slices.ContainsFunc(c.names, aboutConsent) {
			list = append(list, c.names[0])
		}
	}
	if len(list) == 0 {
		return "in the table of households"
	}
	return strings.Join(list, " or ")
}

// plainName is a column's name without what is compared away: case, blanks, underscores, and the marks of what must be filled in.
func plainName(header string) string { return plainer.Replace(strings.ToLower(fold(tidy(header)))) }

var plainer = strings.NewReplacer(" ", "", "_", "", "-", "", "\n", "", "*", "", "(必填)", "", "(选填)", "", "(分钟)", "", ":", "")

func englishNames[T any](columns []column[T]) map[string]string {
	english := map[string]string{}
	for _, c := range columns {
		for _, name := range c.names {
			english[plainName(name)] = c.names[0]
		}
	}
	return english
}

func names[T any](columns []column[T]) string { return strings.Join(headers(columns, 0), ", ") }

// known is how many columns of this table's cells name.
func (k kind) known(cells []string) int {
	switch k {
	case homes:
		return countKnown(cells, englishNames(householdColumns))
	case devices:
		return countKnown(cells, englishNames(deviceColumns))
	}
	return countKnown(cells, englishNames(contactColumns))
}

func blank(cells []string) bool { return strings.Join(cells, "") == "" }

// sorted is by file and row, each once.
func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row))
	})
	seen := map[Problem]bool{}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}
