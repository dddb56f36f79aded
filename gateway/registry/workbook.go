package registry

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// A workbook is an XLSX file that was found harmless.
type workbook struct {
	*excelize.File
	layouts map[string]layout
	parts   map[string]string // by the sheet's name
	late    bool              // its dates count from 1904, as those of old Macs did
}

// openWorkbook opens an XLSX file.
func openWorkbook(data []byte) (w *workbook, err error) {
	if isOldWorkbook(data) {
		return nil, errors.New("is a workbook of an old kind (XLS), or one with a password; save it as XLSX without a password")
	}
	layouts, err := guard(data)
	if err != nil {
		return nil, err
	}
	defer unreadable(&err)
	// A part larger than the XML limit would go to a temporary file, where nobody erases what it says of people.
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: 2 * maxUnzipped, UnzipXMLSizeLimit: 2 * maxUnzipped})
	if err != nil {
		return nil, fmt.Errorf("cannot be read (%w); open it in a spreadsheet program and save it again as XLSX", err)
	}
	props, err := f.GetWorkbookProps()
	if err != nil {
		return nil, err
	}
	return &workbook{f, layouts, sheetParts(f), props.Date1904 != nil && *props.Date1904}, nil
}

// unreadable turns a panic over a damaged workbook into an error: the file comes from outside, and the gateway does not stop for one.
func unreadable(err *error) {
	if p := recover(); p != nil {
		*err = errors.New("is damaged; open it in a spreadsheet program and save it again as XLSX")
	}
}

// sheetParts finds the part that holds each sheet.
func sheetParts(f *excelize.File) map[string]string {
	var list struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		}
	}
	at := map[string]string{}
	f.Pkg.Range(func(name, data any) bool {
		if text, ok := data.([]byte); ok && strings.HasSuffix(strings.ToLower(name.(string)), "_rels/workbook.xml.rels") {
			folder := path.Dir(path.Dir(name.(string)))
			if xml.Unmarshal(text, &list) == nil {
				for _, r := range list.Relationship {
					at[r.ID] = path.Join(folder, r.Target)
					if strings.HasPrefix(r.Target, "/") {
						at[r.ID] = r.Target[1:]
					}
				}
			}
			return false
		}
		return true
	})
	parts := map[string]string{}
	for _, s := range f.WorkBook.Sheets.Sheet {
		parts[s.Name] = at[s.ID]
	}
	return parts
}

// errorValues are what a spreadsheet shows where a formula came to nothing.
var errorValues = map[string]bool{"#N/A": true, "#REF!": true, "#VALUE!": true, "#DIV/0!": true, "#NAME?": true, "#NULL!": true, "#NUM!": true}

// grid reads a sheet as it is shown, with dates and telephone numbers as they are stored. Formulas count by the value that was saved with them.
func (w *workbook) grid(sheet, name string) (g *grid, err error) {
	defer unreadable(&err)
	l := w.layouts[w.parts[sheet]]
	g = &grid{name: name, cellwise: true, late: w.late, hollow: l.hollow}
	merged, err := newMerged(l.merges)
	if err != nil {
		return nil, err
	}
	rows, err := w.Rows(sheet)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // it is in memory
	for number := 1; rows.Next(); number++ {
		if number > excelize.TotalRows { // a row that says a number of its own makes excelize count up to it
			return nil, fmt.Errorf("has a row beyond the %dth; copy the table into a new workbook", excelize.TotalRows)
		}
		cells, err := rows.Columns()
		if err != nil {
			return nil, err
		}
		if blank(cells) {
			continue
		}
		r, err := merged.spread(stored(row{number: number, cells: cells}, l.numbers))
		if err != nil {
			return nil, err
		}
		if len(r.cells) > maxColumns {
			return nil, fmt.Errorf("has something in column %s of row %d; a table of people has at most %d columns", columnLetters(len(r.cells)), number, maxColumns)
		}
		g.rows = append(g.rows, r)
	}
	return g, rows.Error()
}

// stored tidies the cells of a row and sets beside them what the file has of their numbers.
func stored(r row, numbers map[string]string) row {
	for i := range r.cells {
		r.cells[i] = tidy(r.cells[i])
	}
	r.raw = r.cells
	if len(numbers) == 0 {
		return r
	}
	r.raw = slices.Clone(r.cells)
	for i := range r.raw {
		if number, ok := numbers[cellName(i+1, r.number)]; ok {
			r.raw[i] = number
		}
	}
	return r
}

// columnLetters is a column as spreadsheets call it: 3 is C.
func columnLetters(n int) string {
	name := ""
	for ; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// cellName is a cell as spreadsheets call it: C7.
func cellName(column, row int) string { return columnLetters(column) + strconv.Itoa(row) }
