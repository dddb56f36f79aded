package registry

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// csvGrid reads a CSV file; nil: it is none.
func (in *importer) csvGrid(f File, k kind) *grid {
	g := &grid{name: f.Name}
	text, err := decode(f.Data)
	if err != nil {
		in.problem(g.place(1), "%v", err)
		return nil
	}
	g.rows = csvRows(text, separator(text, k.known), func(number int, problem string) { in.problem(g.place(number), "%s", problem) })
	return g
}

// csvRows cuts a text into the rows that have something in them.
func csvRows(text []byte, comma rune, report func(row int, problem string)) []row {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.Comma = comma
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
			report(bad.StartLine-wrapped, `a quote does not fit here; a cell with quotes is written "like ""this"""`)
			wrapped += bad.Line - bad.StartLine
			continue
		}
		line, _ := reader.FieldPos(0)
		r := row{number: line - wrapped, cells: cells}
		for i := range cells {
			wrapped += strings.Count(cells[i], "\n")
			cells[i] = tidy(cells[i])
		}
		if !blank(cells) {
			list = append(list, r)
		}
	}
}

// separator is what stands between cells: by which the first rows show the most of what is looked for. Nothing but a comma, unless another shows more.
func separator(text []byte, found func(cells []string) int) rune {
	best, most := ',', 0
	lines := bytes.SplitN(text, []byte("\n"), headerWithin+1)
	for _, r := range []rune{',', '\t', ';'} {
		for _, line := range lines[:min(len(lines), headerWithin)] {
			cells := strings.Split(string(line), string(r))
			for i := range cells {
				cells[i] = strings.Trim(tidy(cells[i]), `"`)
			}
			if n := found(cells); n > most {
				best, most = r, n
			}
		}
	}
	return best
}

// decode gives UTF-8.
func decode(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
	case bytes.IndexByte(data, 0) >= 0:
		return nil, errors.New("this is not a text; save the table as CSV UTF-8 or XLSX")
	case utf8.Valid(data):
		return bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), nil
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return nil, errors.New("this is neither UTF-8 nor GB18030; save the table as CSV UTF-8 or XLSX")
	}
	return text, nil
}
