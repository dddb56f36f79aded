package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"stillwater"
)

// A trio is the three tables of an import.
type trio struct{ Households, Devices, Contacts File }

func (t trio) files() []File { return []File{t.Households, t.Devices, t.Contacts} }

// office is three tables as an office keeps them.
func office() trio {
	return trio{
		Households: File{"households.csv", []byte(`户号,姓名,身份证号,街道,楼栋,立管,供水分区,常住人数,同意日期,家属,网格员
h1,王秀英,330106194001010011,城东街道,3幢,东,城北,1,2026/3/1,lan,zhao
h2,李大山,330106193901010012,城东街道,3幢,东,城北,2,2026-03-02,,zhao；chen
`)},
		Devices: File{"devices.csv", []byte(`设备编号,户号,类型,来源,上报间隔,量程
WM-1,h1,水表,cupboard-1/3,15分钟,10000 m³
D-1,h1,门磁,lobby/home/7/door,,
WM-2,h2,水表,cupboard-1/4,1小时,
`)},
		Contacts: File{"contacts.csv", []byte(`联系人编号,姓名,角色,手机号,语言,异地
lan,王兰,家属,13800138000,中文,是
zhao,赵敏,网格员,8613900139000,英文,否
chen,陈晨,worker,+86 137 0013 7000,,
`)},
	}
}

func officeHouseholds() []stillwater.Household {
	lan := stillwater.Contact{ID: "lan", Name: "王兰", Role: stillwater.Family, Phone: "+8613800138000", Language: "zh-CN", Remote: true}
	zhao := stillwater.Contact{ID: "zhao", Name: "赵敏", Role: stillwater.Worker, Phone: "+8613900139000", Language: "en"}
	chen := stillwater.Contact{ID: "chen", Name: "陈晨", Role: stillwater.Worker, Phone: "+8613700137000", Language: "zh-CN"}
	place := stillwater.Place{Street: "城东街道", Building: "3幢", Riser: "东", Zone: "城北"}
	return []stillwater.Household{
		{ID: "h1", Name: "王秀英", Residents: 1, TimeZone: "Asia/Shanghai", Place: place,
			Consent: stillwater.Consent{Given: time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC)},
			Devices: []stillwater.Device{
				{ID: "WM-1", Kind: stillwater.Meter, Source: "cupboard-1/3", Every: 15 * time.Minute, Rollover: 1e7},
				{ID: "D-1", Kind: stillwater.DoorContact, Source: "lobby/home/7/door"},
			},
			Contacts: []stillwater.Contact{lan, zhao}},
		{ID: "h2", Name: "李大山", Residents: 2, TimeZone: "Asia/Shanghai", Place: place,
			Consent:  stillwater.Consent{Given: time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC)},
			Devices:  []stillwater.Device{{ID: "WM-2", Kind: stillwater.Meter, Source: "cupboard-1/4", Every: time.Hour}},
			Contacts: []stillwater.Contact{zhao, chen}},
	}
}

// Every way an office's spreadsheet may write the same tables gives the same households; identity card numbers are noted and left.
func TestImportEncodings(t *testing.T) {
	encodings := map[string]func([]byte) []byte{
		"UTF-8":        func(b []byte) []byte { return b },
		"UTF-8 marked": func(b []byte) []byte { return append([]byte("\xEF\xBB\xBF"), b...) },
		"CR LF":        func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "\n", "\r\n")) },
		"blank rows":   func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "\n", "\n,,,\n\n")) },
		"in quotes": func(b []byte) []byte {
			return []byte(`"` + strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(strings.TrimSpace(string(b))) + `"`)
		},
		"with blanks": func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), ",", " ,\u3000\u202a")) },
		"GB18030":     encoded(t, func(b []byte) ([]byte, error) { return simplifiedchinese.GB18030.NewEncoder().Bytes(b) }),
		"UTF-16 marked": encoded(t, func(b []byte) ([]byte, error) {
			return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(b)
		}),
		"tabs":       func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), ",", "\t")) },
		"semicolons": func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), ",", ";")) },
	}
	for name, encode := range encodings {
		t.Run(name, func(t *testing.T) {
			tables := office()
			for _, table := range []*File{&tables.Households, &tables.Devices, &tables.Contacts} {
				table.Data = encode(table.Data)
			}
			households, problems, notes := Import(tables.files()...)
			if len(problems) > 0 || !reflect.DeepEqual(households, officeHouseholds()) {
				t.Errorf("%v\n%+v", problems, households)
			}
			if len(notes) != 1 || notes[0].String() != "households.csv:1:身份证号: left out: this column is not used, and nothing of it was stored" {
				t.Errorf("notes %v", notes)
			}
			if all := fmt.Sprintf("%+v %v %v", households, problems, notes); strings.Contains(all, "33010619") {
				t.Error("an identity card number came in")
			}
		})
	}
}

func encoded(t *testing.T, encode func([]byte) ([]byte, error)) func([]byte) []byte {
	return func(b []byte) []byte {
		out, err := encode(b)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// TestWrongRows holds what is said of each mistake, and that nothing is imported then.
func TestWrongRows(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown household", "WM-2,h2", "WM-2,h3", "devices.csv:4:户号: \"h3\" is not among the households; add it there or mend the name\nhouseholds.csv:3: there is no water meter and no activity sensor, so nothing can be seen; add one"},
		{"device without household", "D-1,h1", "D-1,", "devices.csv:3:户号: is missing; write the household the device belongs to"},
		{"household twice", "h2,李大山", "h1,李大山", "devices.csv:4:户号: \"h2\" is not among the households; add it there or mend the name\nhouseholds.csv:3:户号: \"h1\" is already a household; each has its own ID"},
		{"unknown contact", "zhao；chen", "zhao；cheng", `households.csv:3:网格员: "cheng" is not a contact; add it to the contacts or mend the name`},
		{"wrong list", "lan,zhao", "lan;chen,zhao", `households.csv:2:家属: contact "chen" has the role worker; move it to workers, or change the role`},
		{"nobody to tell", "lan,zhao", ",", "households.csv:2:家属: there is nobody to tell; write at least one contact under family or workers"},
		{"no consent", "2026/3/1", "", "households.csv:2:同意日期: no consent is on file, so nothing of this home would be recorded and nobody told; write the date it was given, like 2026-03-01, or leave the household out until then"},
		{"consent without date", "2026/3/1", "已签", `households.csv:2:同意日期: "已签" is not a date; write like 2026-03-01 or 2026-03-01T08:00:00+08:00`},
		{"cut number", "13800138000", "1.38001E+10", "contacts.csv:2:手机号: the spreadsheet has cut the number to 1.38001E+10; format the column as text and enter the number again"},
		{"wrong number", "13800138000", "1380013800", `contacts.csv:2:手机号: "1380013800" is not a telephone number that exists; write the mobile number with its country code, like +8613800138000`},
		{"kind", "D-1,h1,门磁", "D-1,h1,摄像头", `devices.csv:3:类型: "摄像头" is not a kind of device; write meter, door or activity`},
		{"span", "1小时", "often", `devices.csv:4:上报间隔: "often" is not a duration; write like 90s, 30m, 12h or 2d`},
		{"volume", "10000 m³", "10000", `devices.csv:2:量程: "10000" has no unit; write like 10000 L or 10000 m³`},
		{"count", "城北,2,", "城北,两人,", `households.csv:3:常住人数: "两人" is not a whole number; write like 1`},
		{"yes or no", "英文,否", "英文,也许", `contacts.csv:3:异地: "也许" is neither yes nor no; write yes or no (是 or 否)`},
		{"source twice", "cupboard-1/4", "cupboard-1/3", `devices.csv:4:来源: "cupboard-1/3" is already the source of device "WM-1" of household "h1"; a device has one household`},
		{"door alone", "WM-1,h1,水表", "WM-1,h1,门磁", "devices.csv:2:量程: only the counter of a meter rolls over; remove it\nhouseholds.csv:2: a door contact alone never covers a home; add a water meter or an activity sensor"},
		{"column missing", "户号,姓名,身份证号", "户,姓名,身份证号", `households.csv:1: the column "household" is missing; the columns are household, name, residents, timezone, privacy, street, community, grid, building, riser, zone, consent_given, consent_withdrawn, resident, family, workers, keys`},
		{"column twice", "街道,楼栋", "街道,street", `households.csv:1:street: this column and "街道" are the same; remove one`},
		{"column about consent", "街道,楼栋", "街道,撤回同意的日子", "households.csv:1:撤回同意的日子: a column about consent must not be overlooked; name it consent_given or consent_withdrawn, or remove it"},
		{"too many cells", "zhao；chen\n", "zhao,chen\n", "households.csv:3: has more cells than the header; put a cell that contains the separator in quotes"},
		{"quote", "h1,王秀英", "h1,王\"秀英", "devices.csv:2:户号: \"h1\" is not among the households; add it there or mend the name\ndevices.csv:3:户号: \"h1\" is not among the households; add it there or mend the name\nhouseholds.csv:2: a quote does not fit here; a cell with quotes is written \"like \"\"this\"\"\""},
		{"line break in a cell", "3幢,东,城北,1,2026/3/1,lan,zhao\nh2,李大山", "\"3\n幢\",东,城北,1,2026/3/1,lan,zhao\nh2,", "households.csv:3:姓名: is missing; write the full name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tables, changed := office(), false
			for _, table := range []*File{&tables.Contacts, &tables.Devices, &tables.Households} {
				if text := string(table.Data); !changed && strings.Contains(text, c.old) {
					table.Data, changed = []byte(strings.Replace(text, c.old, c.new, 1)), true
				}
			}
			if !changed {
				t.Fatal("nothing was changed")
			}
			households, problems, _ := Import(tables.files()...)
			if households != nil {
				t.Errorf("imported %v all the same", households)
			}
			var said []string
			for _, p := range problems {
				said = append(said, p.String())
			}
			if got := strings.Join(said, "\n"); got != c.want {
				t.Errorf("says\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestNotATable(t *testing.T) {
	for text, want := range map[string]string{
		"":                "contacts.csv:1: is empty; its first row names the columns: contact, name, role, phone, language, remote, minutes, timezone, email, wecom, webhook, channels, quiet, daily, agreed, withdrawn",
		"PK\x03\x04rest":  "contacts.csv: is no workbook, or a damaged one (zip: not a valid zip file); save it again as XLSX",
		"a\x00b":          "contacts.csv:1: this is not a text; save the table as CSV UTF-8 or XLSX",
		"\xff\xff\xff,\n": "contacts.csv:1: this is neither UTF-8 nor GB18030; save the table as CSV UTF-8 or XLSX",
	} {
		tables := office()
		tables.Contacts.Data = []byte(text)
		if households, problems, _ := Import(tables.files()...); households != nil || len(problems) != 1 || problems[0].String() != want {
			t.Errorf("%q: %v %v", text, households, problems)
		}
	}
}

func TestReadFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadFiles(dir); err == nil || !strings.Contains(err.Error(), "has no table to import; put a workbook (.xlsx) there, or households.csv, devices.csv and contacts.csv") {
		t.Errorf("empty folder: %v", err)
	}
	o := office()
	for _, table := range o.files() {
		if err := os.WriteFile(filepath.Join(dir, table.Name), table.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"alerts.csv", "~$households.xlsx", ".households.csv", "households.txt"} { // not for an import
		if err := os.WriteFile(filepath.Join(dir, other), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []File{o.Contacts, o.Devices, o.Households}
	if files, err := ReadFiles(dir); err != nil || !reflect.DeepEqual(files, want) {
		t.Errorf("folder: read %v, %v", files, err)
	}
	files, err := ReadFiles(filepath.Join(dir, "contacts.csv"), filepath.Join(dir, "devices.csv"), filepath.Join(dir, "households.csv"))
	if err != nil || !reflect.DeepEqual(files, want) {
		t.Errorf("files: read %v, %v", files, err)
	}
	if _, err := ReadFiles(filepath.Join(dir, "people.xlsx")); err == nil {
		t.Error("a file that is not there was read")
	}
}

// FuzzImport holds that no table stops the program, and that every problem has a place.
func FuzzImport(f *testing.F) {
	o := office()
	f.Add(o.Households.Data, o.Devices.Data, o.Contacts.Data)
	f.Add([]byte("household,name,consent_given\nh1,\"a\"b,\n"), []byte("\xEF\xBB\xBF户号;设备号\n"), []byte("\xd6\xd0,x\n"))
	f.Fuzz(func(t *testing.T, homes, devices, contacts []byte) {
		households, problems, notes := Import(File{"households", homes}, File{"devices", devices}, File{"contacts", contacts})
		if len(problems) > 0 && households != nil {
			t.Error("imported with problems")
		}
		for _, p := range append(problems, notes...) {
			if p.File == "" || p.Text == "" {
				t.Errorf("a problem without a place: %+v", p)
			}
		}
	})
}
