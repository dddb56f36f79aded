package registry

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"stillwater"
)

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func lines(problems []Problem) string {
	var said []string
	for _, p := range problems {
		said = append(said, p.String())
	}
	return strings.Join(said, "\n")
}

// TestOfficeWorkbook imports a workbook as an office keeps it, written by another library (testdata/office.py): titles, merged cells,
// numbers shown with zeros, dates of three kinds, telephone numbers as numbers, full-width digits.
func TestOfficeWorkbook(t *testing.T) {
	households, problems, notes := Import(File{"台账.xlsx", readTestdata(t, "office.xlsx")})
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	var got strings.Builder
	for _, f := range ExportCSV(households, Style{}) {
		got.WriteString(f.Name + "\n" + strings.TrimPrefix(string(f.Data), "\xEF\xBB\xBF") + "\n")
	}
	if want := string(readTestdata(t, "office.golden")); got.String() != want {
		t.Errorf("it is\n%s\nwant\n%s", got.String(), want)
	}
	want := `统计: left out: the name of this sheet is not 住户, 设备 or 联系人 (households, devices, contacts), and nothing of it was stored
联系人!N1:与老人关系: left out: this column is not used, and nothing of it was stored
设备!F2:安装人: left out: this column is not used, and nothing of it was stored
住户!A3:序号: left out: this column is not used, and nothing of it was stored
住户!D3:身份证号: left out: this column is not used, and nothing of it was stored
住户!8: left out: there is nothing under 户号*, 姓名（必填）, 同意日期`
	if lines(notes) != want {
		t.Errorf("notes\n%s\nwant\n%s", lines(notes), want)
	}
	for _, secret := range []string{"33010619", "制表", "张师傅", "对门"} {
		if strings.Contains(got.String()+lines(notes), secret) {
			t.Errorf("%q came in", secret)
		}
	}
}

// changed is the office's workbook after somebody worked in it.
func changed(t *testing.T, change func(*excelize.File) error) File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(readTestdata(t, "office.xlsx")))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := change(f); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return File{"台账.xlsx", out.Bytes()}
}

// TestWrongCells holds what is said of each mistake in a workbook, and that nothing is imported then.
func TestWrongCells(t *testing.T) {
	set := func(sheet, cell string, value any) func(*excelize.File) error {
		return func(f *excelize.File) error { return f.SetCellValue(sheet, cell, value) }
	}
	for _, c := range []struct {
		name   string
		change func(*excelize.File) error
		want   string
	}{
		{"number too short", set("联系人", "D3", 1380013800), `联系人!D3:联系电话: "1380013800" is not a telephone number that exists; write the mobile number with its country code, like +8613800138000`},
		{"several at once", func(f *excelize.File) error {
			return firstOf(f.SetCellValue("联系人", "C3", "朋友"), f.SetCellValue("设备", "C5", "水泵"), f.SetCellValue("住户", "J4", "已签"), f.SetCellValue("住户", "N5", "lan"))
		}, `住户!J4:同意日期: "已签" is not a date; write like 2026-03-01 or 2026-03-01T08:00:00+08:00
住户!N5:钥匙: "lan" holds a key, but is nobody who is told of this home; add the contact to family or workers, or mend the name
联系人!C3:身份: "朋友" is not a role; write one of resident, family, neighbour, worker, building-head, grid-head, community, street
设备!C5:设备类型: "水泵" is not a kind of device; write meter, door or activity`},
		{"number cut", set("设备", "B3", "2.02603E+15"), `设备!B3:表号: the spreadsheet has cut the number to 2.02603E+15; format the column as text and enter the number again`},
		{"number of 17 digits", set("设备", "B3", 20260301202603011), `设备!B3:表号: the spreadsheet has cut the number to 2.0260301202603E+16; format the column as text and enter the number again`},
		{"identity card as ID", set("住户", "B5", "11010519491231002X"), "住户!B5:户号*: holds the number of an identity card, which is never stored; remove it, and write what the column is for\n设备!A5:户号: \"0032\" is not among the households; add it there or mend the name"},
		{"identity card in a name", set("联系人", "B3", "王兰１１０１０５１９４９１２３１００２x"), "联系人!B3:姓名: holds the number of an identity card, which is never stored; remove it, and write what the column is for"},
		{"formula without its value", func(f *excelize.File) error {
			return firstOf(f.SetCellValue("住户", "B5", nil), f.SetCellFormula("住户", "B5", "=32"))
		}, "住户!B5:户号*: is a formula whose value is not in the file; open it in a spreadsheet program and save it again, or write the value itself\n设备!A5:户号: \"0032\" is not among the households; add it there or mend the name"},
		{"formula without its value in an empty cell", func(f *excelize.File) error { return f.SetCellFormula("联系人", "E4", "=1/0") }, "联系人!E4:语言: is a formula whose value is not in the file; open it in a spreadsheet program and save it again, or write the value itself"},
		{"formula that came to nothing", set("联系人", "E4", "#REF!"), "联系人!E4:语言: is a formula that came to nothing (#REF!); write the value itself"},
		{"e-mail without address", set("联系人", "I3", ""), `联系人!K3:通知方式: email is agreed to, but there is no e-mail address; add it, or take email out`},
		{"hours", set("联系人", "L3", "晚上"), `联系人!L3:免打扰: "晚上" are no hours; write like 22:00-06:00, several with a semicolon between them`},
		{"time zone", set("联系人", "H7", "北京"), `联系人!H7:时区: "北京" is not a time zone; write an IANA name like Asia/Shanghai or Europe/London`},
		{"channel", set("联系人", "K6", "短信、飞鸽"), `联系人!K6:通知方式: "飞鸽" is not a channel; write sms, voice, wecom, email or webhook`},
		{"sheet missing", func(f *excelize.File) error { return f.DeleteSheet("设备") }, `台账.xlsx: there is no table of devices; add a sheet or a file with the name devices or 设备`},
		{"two sheets missing", func(f *excelize.File) error { return firstOf(f.DeleteSheet("设备"), f.DeleteSheet("联系人")) }, "台账.xlsx: there is no table of devices; add a sheet or a file with the name devices or 设备\n台账.xlsx: there is no table of contacts; add a sheet or a file with the name contacts or 联系人"},
		{"sheet twice", func(f *excelize.File) error { return f.SetSheetName("统计", "Households") }, `Households: is a table of households, and 住户 is one too; remove one`},
		{"column missing", set("联系人", "C1", "职务"), `联系人!1: the column "role" is missing; the columns are contact, name, role, phone, language, remote, minutes, timezone, email, wecom, webhook, channels, quiet, daily, agreed, withdrawn`},
		{"column twice", set("联系人", "N1", "手机"), `联系人!N1:手机: this column and "联系电话" are the same; remove one`},
		{"column about consent", set("联系人", "N1", "授权情况"), `联系人!N1:授权情况: a column about consent must not be overlooked; name it agreed or withdrawn, or remove it`},
		{"empty sheet", func(f *excelize.File) error {
			_, err := f.NewSheet("contacts")
			return firstOf(err, f.DeleteSheet("联系人"))
		}, `contacts!1: is empty; its first row names the columns: contact, name, role, phone, language, remote, minutes, timezone, email, wecom, webhook, channels, quiet, daily, agreed, withdrawn`},
		{"far away cell", set("联系人", "XFD3", "x"), `联系人: has something in column XFD of row 3; a table of people has at most 256 columns`},
	} {
		t.Run(c.name, func(t *testing.T) {
			households, problems, _ := Import(changed(t, c.change))
			if households != nil {
				t.Errorf("imported %d all the same", len(households))
			}
			if got := lines(problems); got != c.want {
				t.Errorf("says\n%s\nwant\n%s", got, c.want)
			}
			if strings.Contains(lines(problems), "11010519491231002") {
				t.Error("the number of an identity card is repeated")
			}
		})
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestGoodCells holds what is taken as it is meant.
func TestGoodCells(t *testing.T) {
	base, _, _ := Import(File{"台账.xlsx", readTestdata(t, "office.xlsx")})
	yes := true
	for name, change := range map[string]func(*excelize.File) error{
		"header again on the next page": func(f *excelize.File) error {
			return firstOf(f.DuplicateRowTo("联系人", 1, 5))
		},
		"formula with its value": func(f *excelize.File) error { // a value comes with it when it is not calculated anew
			return f.SetCellFormula("联系人", "N3", "=1+1")
		},
		"blank rows and styled cells": func(f *excelize.File) error {
			style, err := f.NewStyle(&excelize.Style{NumFmt: 49})
			return firstOf(err, f.InsertRows("设备", 4, 1), f.InsertRows("设备", 1, 3), f.SetCellStyle("设备", "A1", "XFD3", style))
		},
		"hidden row": func(f *excelize.File) error { return f.SetRowVisible("住户", 5, false) },
		"dates since 1904": func(f *excelize.File) error {
			return firstOf(f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}), f.SetCellValue("住户", "J4", 46082-1462), f.SetCellValue("住户", "J6", 46082.35416667-1462), f.SetCellValue("联系人", "M3", 46082-1462))
		},
		"dates and numbers shown in other ways": func(f *excelize.File) error {
			date, err := f.NewStyle(&excelize.Style{NumFmt: 14}) // 03-01-26
			exponent, also := f.NewStyle(&excelize.Style{NumFmt: 11})
			return firstOf(err, also, f.SetCellStyle("住户", "J4", "J4", date), f.SetCellStyle("联系人", "D2", "D5", exponent))
		},
		"program's number": func(f *excelize.File) error { return f.SetCellValue("联系人", "D3", "13800138000.0") },
	} {
		t.Run(name, func(t *testing.T) {
			got, problems, _ := Import(changed(t, change))
			if len(problems) > 0 || !reflect.DeepEqual(got, base) {
				t.Errorf("%s\n%+v", lines(problems), got)
			}
		})
	}
}

// TestSeparateWorkbooks imports each table from a file of its own, whose one sheet has no name that says anything.
func TestSeparateWorkbooks(t *testing.T) {
	base, _, _ := Import(File{"台账.xlsx", readTestdata(t, "office.xlsx")})
	var files []File
	for _, keep := range []string{"住户", "设备", "联系人"} {
		f := changed(t, func(f *excelize.File) error {
			for _, name := range f.GetSheetList() {
				if name != keep {
					if err := f.DeleteSheet(name); err != nil {
						return err
					}
				}
			}
			return f.SetSheetName(keep, "Sheet1")
		})
		files = append(files, File{"东坡社区" + keep + "2026.xlsx", f.Data})
	}
	got, problems, _ := Import(files...)
	if len(problems) > 0 || !reflect.DeepEqual(got, base) {
		t.Errorf("%s\n%+v", lines(problems), got)
	}
	files[2].Name = "people.xlsx"
	if _, problems, notes := Import(files...); lines(problems) != "these files: there is no table of contacts; add a sheet or a file with the name contacts or 联系人" || !strings.HasPrefix(lines(notes), "Sheet1: left out: ") {
		t.Errorf("says %s, notes %s", lines(problems), lines(notes))
	}
}

// TestTitlesInCSV holds that titles may stand above the header of a CSV file, too, whatever separates its cells.
func TestTitlesInCSV(t *testing.T) {
	for _, title := range []string{"东坡社区独居老人台账\n", "台账,,,,,\n填报日期：2026-03-05,,,,,\n\n", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o\n"} {
		o := office()
		for _, f := range []*File{&o.Households, &o.Devices, &o.Contacts} {
			f.Data = append([]byte(title), bytes.ReplaceAll(f.Data, []byte(","), []byte(";"))...)
			f.Data = bytes.ReplaceAll(f.Data, []byte("；"), []byte("、"))
		}
		got, problems, _ := Import(o.files()...)
		if len(problems) > 0 || !reflect.DeepEqual(got, officeHouseholds()) {
			t.Errorf("title %q: %s\n%+v", title, lines(problems), got)
		}
	}
}

// A contact who stands in no list is noted: people are stored with their homes.
func TestUntold(t *testing.T) {
	o := office()
	o.Contacts.Data = append(o.Contacts.Data, "liu,刘站长,网格长,13500135000,,\n"...)
	got, problems, notes := Import(o.files()...)
	if want := `contacts.csv:5:联系人编号: left out: "liu" stands in no household's list, and nothing of it was stored; staff of duty desks belong in the configuration`; len(problems) > 0 || !strings.Contains(lines(notes), want) {
		t.Errorf("says %s, notes %s", lines(problems), lines(notes))
	}
	for _, h := range got {
		for _, c := range h.Contacts {
			if c.ID == stillwater.ContactID("liu") {
				t.Errorf("stored in household %s", h.ID)
			}
		}
	}
}
