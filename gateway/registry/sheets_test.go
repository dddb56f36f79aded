package registry

import (
	"reflect"
	"testing"

	"github.com/xuri/excelize/v2"
)

// TestSheets holds what others get of any table: every sheet, rows where they lie, numbers whole and dates as dates.
func TestSheets(t *testing.T) {
	sheets, err := Sheets(changed(t, func(f *excelize.File) error {
		return firstOf(f.SetCellValue("统计", "A1", nil), f.SetCellValue("统计", "B3", "甲"), f.SetCellValue("统计", "A5", 46082), f.SetCellValue("统计", "B5", 13800138000))
	}))
	if err != nil || len(sheets) != 4 {
		t.Fatalf("%d sheets, %v", len(sheets), err)
	}
	want := Sheet{Name: "统计", Workbook: true, Rows: [][]string{nil, nil, {"", "甲"}, nil, {"2026-03-01", "13800138000"}}}
	if !reflect.DeepEqual(sheets[3], want) {
		t.Errorf("the last is %+v, want %+v", sheets[3], want)
	}
	if got := sheets[0].Rows[3][9]; sheets[0].Name != "住户" || got != "2026-03-01" {
		t.Errorf("the date in %s is %q", sheets[0].Name, got)
	}
	sheets, err = Sheets(File{"值班.csv", []byte("\xEF\xBB\xBF标题\n\n日期;姓名\n\"2026\n-3-1\";'赵敏\n")})
	want = Sheet{Name: "值班.csv", Rows: [][]string{{"标题"}, nil, {"日期", "姓名"}, {"2026\n-3-1", "赵敏"}}}
	if err != nil || len(sheets) != 1 || !reflect.DeepEqual(sheets[0], want) {
		t.Errorf("CSV: %+v, %v", sheets, err)
	}
	for name, c := range map[string]struct {
		file File
		want string
	}{
		"formula without its value": {File{"台账.xlsx", readTestdata(t, "office.xlsx")}, "台账.xlsx: 统计!A1: is a formula whose value is not in the file; open it in a spreadsheet program and save it again"},
		"old workbook":              {File{"值班.xls", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")}, "值班.xls: is a workbook of an old kind (XLS), or one with a password; save it as XLSX without a password"},
		"quote":                     {File{"值班.csv", []byte("a,b\nc,d\"e\n")}, `值班.csv:2: a quote does not fit here; a cell with quotes is written "like ""this"""`},
		"far away cell":             {altered(t, map[string]string{sheet1: sheetOf(`<row r="1"><c r="XFD1"><v>1</v></c></row>`)}), "台账.xlsx: 住户 has something in column XFD of row 1; a table of people has at most 256 columns"},
	} {
		if _, err := Sheets(c.file); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
