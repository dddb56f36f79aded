package registry

import "fmt"

// A Sheet is a table of any kind as it lies there, for who knows what to look for in it.
type Sheet struct {
	Name     string     // of the sheet, or of the file where it is a table by itself
	Workbook bool       // it is a sheet of a workbook, where places are cells like C7
	Rows     [][]string // from the first on, empty ones too; dates of a workbook come as 2026-02-16
}

// Sheets reads a file of any tables with the care of Import: of a workbook every sheet with something in it, of a CSV file the one there is.
func Sheets(f File) ([]Sheet, error) {
	if isWorkbook(f.Data) {
		return workbookSheets(f)
	}
	text, err := decode(f.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	rows := csvRows(text, separator(text, func(cells []string) int { return len(cells) - 1 }), func(row int, problem string) {
		if err == nil {
			err = fmt.Errorf("%s:%d: %s", f.Name, row, problem)
		}
	})
	return []Sheet{{Name: f.Name, Rows: plainRows(rows, false)}}, err
}

func workbookSheets(f File) (list []Sheet, err error) {
	w, err := openWorkbook(f.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	defer w.Close() //nolint:errcheck // it is in memory
	for _, name := range w.GetSheetList() {
		g, err := w.grid(name, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %s %w", f.Name, name, err)
		}
		for cell := range g.hollow {
			return nil, fmt.Errorf("%s: %s!%s: is a formula whose value is not in the file; open it in a spreadsheet program and save it again", f.Name, name, cell)
		}
		if len(g.rows) > 0 {
			list = append(list, Sheet{Name: name, Workbook: true, Rows: plainRows(g.rows, g.late)})
		}
	}
	return list, nil
}

// plainRows gives each row its number as its place.
func plainRows(rows []row, late bool) [][]string {
	var list [][]string
	for _, r := range rows {
		for len(list) < r.number-1 {
			list = append(list, nil)
		}
		for i := range r.raw {
			if date := dateOf(r.raw[i], late); date != r.raw[i] {
				r.cells[i] = date
			}
		}
		list = append(list, r.cells)
	}
	return list
}
