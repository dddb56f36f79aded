package registry

import (
	"bytes"
	"strings"

	"github.com/xuri/excelize/v2"

	"stillwater"
)

// ExportXLSX writes households as the workbook Import reads back: a sheet for each table, with every cell a text, so that numbers keep their
// zeros and nothing is taken for a formula.
func ExportXLSX(households []stillwater.Household, style Style) (data []byte, err error) {
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // it is in memory
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49})
	if err != nil {
		return nil, err
	}
	for k, rows := range tableRows(households, style) {
		name := tables[k].words[style.header()]
		if k == 0 {
			err = f.SetSheetName(f.GetSheetName(0), name)
		} else {
			_, err = f.NewSheet(name)
		}
		if err != nil {
			return nil, err
		}
		if err = writeSheet(f, name, rows, text); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err = f.Write(&out)
	return out.Bytes(), err
}

// columnWidth shows a date or a telephone number whole.
const columnWidth = 16

func writeSheet(f *excelize.File, name string, rows [][]string, text int) error {
	w, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	if err := w.SetColWidth(1, len(rows[0]), columnWidth); err != nil {
		return err
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	for i, cells := range rows {
		row := make([]any, len(cells))
		for j, cell := range cells {
			if strings.HasPrefix(cell, "'") { // one is taken off on reading
				cell = "'" + cell
			}
			if cell != "" {
				row[j] = excelize.Cell{StyleID: text, Value: cell}
			}
		}
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			return err
		}
		if err := w.SetRow(at, row); err != nil {
			return err
		}
	}
	return w.Flush()
}
