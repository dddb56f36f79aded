package registry

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// A sheet is a table that was read, its known columns by their English names.
type sheet struct {
	file    string
	headers map[string]string // as the file calls them
	columns map[string]int
	rows    []row
}

// A row is one line of a sheet.
type row struct {
	number int // as spreadsheets count
	cells  []string
}

// cell is the value under a column, "" where there is none.
func (s *sheet) cell(r row, column string) string {
	if i, ok := s.columns[column]; ok && i < len(r.cells) {
		return r.cells[i]
	}
	return ""
}

func (s *sheet) place(r row, column string) place {
	return place{file: s.file, row: r.number, column: s.headers[column]}
}

// read reads a table with the columns it may have, and those it must. It gives nil when there is no telling what stands where.
func read[T any](in *importer, t Table, columns []column[T], must ...string) *sheet {
	at := place{file: t.Name, row: 1}
	text, err := decode(t.Data)
	if err != nil {
		in.problem(at, "%v", err)
		return nil
	}
	rows := in.rows(t.Name, text)
	if len(rows) == 0 {
		in.problem(at, "is empty; its first row names the columns: %s", names(columns))
		return nil
	}
	s := &sheet{file: t.Name, headers: map[string]string{}, columns: map[string]int{}, rows: rows[1:]}
	at.row = rows[0].number
	ok := header(in, s, rows[0], columns)
	for _, name := range must {
		if _, has := s.columns[name]; !has {
			in.problem(at, "the column %q is missing; the columns are %s", name, names(columns))
			ok = false
		}
	}
	if !ok {
		return nil
	}
	for _, r := range s.rows {
		if extra := len(r.cells) - len(rows[0].cells); extra > 0 && strings.Join(r.cells[len(rows[0].cells):], "") != "" {
			in.problem(place{file: t.Name, row: r.number}, "has more cells than the header; put a cell that contains the separator in quotes")
		}
	}
	return s
}

// header finds the columns. Those it does not know are noted and left out.
func header[T any](in *importer, s *sheet, r row, columns []column[T]) bool {
	english := map[string]string{}
	for _, c := range columns {
		for _, name := range c.names {
			english[plainName(name)] = c.names[0]
		}
	}
	ok := true
	for i, title := range r.cells {
		at := place{file: s.file, row: r.number, column: title}
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
			in.problem(at, "a column about consent must not be overlooked; name it consent_given or consent_withdrawn, or remove it")
			ok = false
		default:
			in.notes = append(in.notes, Problem{at.file, at.row, title, "this column is not used; nothing of it was stored"})
		}
	}
	return ok
}

// aboutConsent says whether a column that is not known seems to say who may be recorded.
func aboutConsent(title string) bool {
	for _, hint := range []string{"consent", "withdr", "revok", "同意", "撤回", "授权"} {
		if strings.Contains(strings.ToLower(title), hint) {
			return true
		}
	}
	return false
}

func names[T any](columns []column[T]) string {
	var list []string
	for _, c := range columns {
		list = append(list, c.names[0])
	}
	return strings.Join(list, ", ")
}

// rows cuts a text into cells. Rows without any value are left out.
func (in *importer) rows(file string, text []byte) []row {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma = separator(text)
	reader.FieldsPerRecord = -1
	var list []row
	wrapped := 0 // line breaks within cells so far: spreadsheets count rows, not lines
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			in.problem(place{file: file, row: bad.StartLine - wrapped}, `a quote does not fit here; a cell with quotes is written "like ""this"""`)
			wrapped += bad.Line - bad.StartLine
			continue
		}
		line, _ := reader.FieldPos(0)
		r := row{number: line - wrapped, cells: cells}
		for i := range cells {
			wrapped += strings.Count(cells[i], "\n")
			cells[i] = tidy(cells[i])
		}
		if strings.Join(cells, "") != "" {
			list = append(list, r)
		}
	}
}

// separator is what stands between the cells of the first row: a comma, unless there is none.
func separator(text []byte) rune {
	first, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte("\n"))
	for _, r := range []rune{',', '\t', ';'} {
		if bytes.ContainsRune(first, r) {
			return r
		}
	}
	return ','
}

// decode gives UTF-8.
func decode(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return nil, errors.New("this is a spreadsheet, not CSV; save it as CSV UTF-8")
	case bytes.IndexByte(data, 0) >= 0:
		return nil, errors.New("this is not a text; save the table as CSV UTF-8")
	case utf8.Valid(data):
		return bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), nil
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, fmt.Errorf("this is neither UTF-8 nor GB18030; save the table as CSV UTF-8")
	}
	return text, nil
}

// sorted is by file, row and column, each once.
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
