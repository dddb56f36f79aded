package platform

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// ErrNotJSON says that a message is not one JSON value.
var ErrNotJSON = errors.New("not JSON")

// ErrNotTable says that a text is no table with the columns it should have.
var ErrNotTable = errors.New("not a table")

// maxDepth bounds how deeply JSON may be nested; platforms need six.
const maxDepth = 64

// Decode reads one JSON value, its numbers as they are written: account numbers are longer than what a float64 keeps.
func Decode(data []byte) (any, error) {
	if !shallow(data) {
		return nil, ErrNotJSON
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, ErrNotJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, ErrNotJSON
	}
	return doc, nil
}

// shallow says whether nothing is nested too deeply.
func shallow(data []byte) bool {
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}

// Sheet says how a table of text is written.
type Sheet struct {
	Encoding  string `yaml:"encoding,omitempty" doc:"utf-8 or gb18030 (GBK, GB 2312); default: utf-8 if it is, else gb18030"`
	Separator string `yaml:"separator,omitempty" doc:"what stands between columns: , ; | or tab; default ,"`
	Skip      int    `yaml:"skip,omitempty" doc:"lines above the header that are no part of the table; default 0"`
	Headless  bool   `yaml:"headless,omitempty" doc:"true: there is no header, and columns are called 1, 2, 3 …; default false"`
}

// Validate reports everything that is wrong.
func (s *Sheet) Validate(report func(field any, problem string)) {
	if s.Encoding != "" && s.Encoding != "utf-8" && s.Encoding != "gb18030" {
		report(&s.Encoding, fmt.Sprintf("%q is no encoding that is known; write utf-8 or gb18030", s.Encoding))
	}
	if _, ok := s.separator(); !ok {
		report(&s.Separator, fmt.Sprintf("%q is no separator; write one of , ; | or tab", s.Separator))
	}
	if s.Skip < 0 {
		report(&s.Skip, fmt.Sprintf("%d is below zero; write how many lines stand above the header", s.Skip))
	}
}

func (s *Sheet) separator() (rune, bool) {
	switch s.Separator {
	case "", ",":
		return ',', true
	case ";", "|":
		return rune(s.Separator[0]), true
	case "tab":
		return '\t', true
	}
	return 0, false
}

// Text makes UTF-8 of a text, whatever it is written in.
func Text(data []byte, encoding string) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if encoding == "utf-8" || encoding == "" && utf8.Valid(data) {
		if !utf8.Valid(data) {
			return nil, errors.New("not UTF-8")
		}
		return data, nil
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil {
		return nil, errors.New("not GB 18030")
	}
	return out, nil
}

// Table reads a table as a list of records by the names of its columns. A row that is shorter or longer than the header is not used and
// counted in broken: it may be cut off in the middle of a number.
func (s *Sheet) Table(data []byte) (doc any, broken int, err error) {
	text, err := Text(data, s.Encoding)
	if err != nil {
		return nil, 0, err
	}
	for range s.Skip {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, _ = s.separator()
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace, r.ReuseRecord = -1, true, r.Comma != '\t', true
	var header []string
	rows := []any{}
	for {
		row, err := r.Read()
		switch {
		case err == io.EOF:
			return rows, broken, nil
		case err != nil:
			return nil, 0, ErrNotTable
		case header == nil:
			if header = s.header(row); header == nil {
				return nil, 0, ErrNotTable
			}
			if !s.Headless {
				continue
			}
		}
		if len(row) != len(header) {
			broken++
			continue
		}
		entry := make(map[string]any, len(row))
		for i, name := range header {
			entry[name] = row[i]
		}
		rows = append(rows, entry)
	}
}

// header is the names of the columns; nil: two have the same.
func (s *Sheet) header(row []string) []string {
	names, seen := make([]string, len(row)), map[string]bool{}
	for i, name := range row {
		names[i] = strings.TrimSpace(name)
		if s.Headless {
			names[i] = strconv.Itoa(i + 1)
		}
		if names[i] != "" && seen[names[i]] {
			return nil
		}
		seen[names[i]] = true
	}
	return names
}
