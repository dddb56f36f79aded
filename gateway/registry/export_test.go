package registry

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"stillwater"
)

// TestExportReadsBack holds for any households that what is exported, in whatever form and language, is imported as the same, and that a
// second import changes nothing.
func TestExportReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		households := drawHouseholds(t)
		style := Style{Chinese: rapid.Bool().Draw(t, "chinese")}
		files := ExportCSV(households, style)
		if rapid.Bool().Draw(t, "workbook") {
			data, err := ExportXLSX(households, style)
			if err != nil {
				t.Fatal(err)
			}
			files = []File{{"台账.xlsx", data}}
		}
		got, problems, notes := Import(files...)
		if len(problems)+len(notes) > 0 || !reflect.DeepEqual(got, households) {
			t.Fatalf("problems %v, notes %v\n%+v, want\n%+v", problems, notes, got, households)
		}
		if merged, conflicts := Merge(got, households); len(conflicts) > 0 || len(merged) != len(households) {
			t.Fatalf("a second import: %v", conflicts)
		}
	})
}

var drawName = rapid.StringMatching(`[=\-+@王李"',;x|＝][王李a-z"',; （）]{0,8}[王李x"]`)

func drawPerson(t *rapid.T, i int) stillwater.Contact {
	c := stillwater.Contact{
		ID: stillwater.ContactID(fmt.Sprintf("p%d", i)), Name: drawName.Draw(t, "person"),
		Role: rapid.SampledFrom(stillwater.Roles[1:]).Draw(t, "role"), Phone: stillwater.Phone(fmt.Sprintf("+86138%08d", 10000+i)),
		Language: rapid.SampledFrom([]string{"zh-CN", "en"}).Draw(t, "language"), Remote: rapid.Bool().Draw(t, "remote"),
		Minutes: rapid.IntRange(0, 90).Draw(t, "minutes"), TimeZone: rapid.SampledFrom([]string{"", "Europe/London"}).Draw(t, "zone"),
	}
	if rapid.Bool().Draw(t, "more") {
		c.Email, c.WeCom, c.Webhook = "duty@example.org", "zhao.min", "desk-1"
		c.Channels = rapid.Permutation(stillwater.Channels).Draw(t, "channels")[:rapid.IntRange(1, 5).Draw(t, "count")]
		if c.Phone = ""; c.AddressOf(stillwater.SMS) == "" && (contains(c.Channels, stillwater.SMS) || contains(c.Channels, stillwater.Voice)) {
			c.Phone = stillwater.Phone(fmt.Sprintf("+86138%08d", 10000+i))
		}
		c.Quiet = []stillwater.Hours{{From: 22 * time.Hour, To: 6 * time.Hour}, {From: 12*time.Hour + 30*time.Minute, To: 24 * time.Hour}}[:rapid.IntRange(1, 2).Draw(t, "spans")]
	}
	if rapid.Bool().Draw(t, "agreed") {
		c.Agreed.Given = time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "when"), 0).UTC()
		if i > 1 && rapid.Bool().Draw(t, "withdrew") {
			c.Agreed.Withdrawn = c.Agreed.Given.Add(time.Hour)
		}
	}
	return c
}

func contains(list []stillwater.Channel, by stillwater.Channel) bool {
	for _, c := range list {
		if c == by {
			return true
		}
	}
	return false
}

func drawHouseholds(t *rapid.T) []stillwater.Household {
	var people []stillwater.Contact
	for i := range rapid.IntRange(1, 5).Draw(t, "people") {
		people = append(people, drawPerson(t, i))
	}
	herself := drawPerson(t, 9)
	herself.ID, herself.Role, herself.Agreed.Withdrawn = "herself", stillwater.Resident, time.Time{}
	households := []stillwater.Household{}
	for i := range rapid.IntRange(0, 6).Draw(t, "homes") {
		h := stillwater.Household{
			ID: stillwater.HouseholdID(fmt.Sprintf("h%d", i)), Name: drawName.Draw(t, "name"), Residents: rapid.IntRange(1, 4).Draw(t, "residents"),
			TimeZone: rapid.SampledFrom([]string{"Asia/Shanghai", "Europe/London", "UTC"}).Draw(t, "zone"),
			Place:    stillwater.Place{Street: drawName.Draw(t, "street"), Grid: "7", Building: "0007", Riser: drawName.Draw(t, "riser"), Zone: drawName.Draw(t, "zone")},
			Consent:  stillwater.Consent{Given: time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "given"), 0).UTC()},
			Devices: []stillwater.Device{{ID: "WM", Kind: stillwater.Meter, Source: fmt.Sprintf("bus/%d", i),
				Every: time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "every")), Rollover: stillwater.Litres(rapid.IntRange(0, 5000).Draw(t, "rollover"))}},
		}
		if rapid.Bool().Draw(t, "withdrawn") {
			h.Consent.Withdrawn = h.Consent.Given.Add(time.Hour)
		}
		if rapid.Bool().Draw(t, "asked") {
			h.Contacts = append(h.Contacts, herself)
		}
		for _, list := range []string{"family", "workers"} { // in the order of lists
			for _, p := range people {
				if listOf(p.Role) == list && (p.ID == "p0" || rapid.Bool().Draw(t, "belongs")) {
					p.Key = rapid.Bool().Draw(t, "key")
					h.Contacts = append(h.Contacts, p)
				}
			}
		}
		households = append(households, h)
	}
	return households
}

// formulas are cells that a spreadsheet would run, or change.
var formulas = []string{`=HYPERLINK("http://x","a")`, "+1+1", "-2+3", "@SUM(1)", "＝1+1", "'=1", "|calc", "%x"}

// TestNoFormula holds that nothing exported is run by a spreadsheet, and that it comes back as it was.
func TestNoFormula(t *testing.T) {
	for _, cell := range formulas {
		home := officeHouseholds()[0]
		home.Name, home.Place.Street = cell, cell
		for _, f := range ExportCSV([]stillwater.Household{home}, Style{}) {
			rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(f.Data, []byte("\xEF\xBB\xBF")))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				for _, c := range r {
					if c != "" && strings.ContainsRune("=+-@＝＋－＠|%", []rune(c)[0]) {
						t.Errorf("%s has the cell %q", f.Name, c)
					}
				}
			}
		}
		data, err := ExportXLSX([]stillwater.Household{home}, Style{})
		if err != nil {
			t.Fatal(err)
		}
		w, err := excelize.OpenReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		formula, err := w.GetCellFormula("households", "B2")
		kind, also := w.GetCellType("households", "B2")
		if err != nil || also != nil || formula != "" || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
			t.Errorf("%q is written as %v with the formula %q: %v %v", cell, kind, formula, err, also)
		}
		for _, files := range [][]File{{{"people.xlsx", data}}, ExportCSV([]stillwater.Household{home}, Style{Chinese: true})} {
			got, problems, _ := Import(files...)
			if len(problems) > 0 || !reflect.DeepEqual(got, []stillwater.Household{home}) {
				t.Errorf("%q comes back as %+v, %v", cell, got, problems)
			}
		}
	}
}

// TestExportNames holds the names offices see.
func TestExportNames(t *testing.T) {
	files := ExportCSV(officeHouseholds(), Style{Chinese: true})
	if got := files[0].Name + " " + files[1].Name + " " + files[2].Name; got != "住户.csv 设备.csv 联系人.csv" {
		t.Errorf("the files are %s", got)
	}
	want := "\xEF\xBB\xBF联系人编号,姓名,角色,手机号,语言,异地,到达分钟,时区,邮箱,企业微信,推送接口,通知方式,免打扰,每日一句,同意日期,撤回日期\n" +
		"chen,陈晨,网格员,'+8613700137000,中文,否,,,,,,,,,,\nlan,王兰,家属,'+8613800138000,中文,是,,,,,,,,,,\nzhao,赵敏,网格员,'+8613900139000,英文,否,,,,,,,,,,\n"
	if got := string(files[2].Data); got != want {
		t.Errorf("contacts\n%s\nwant\n%s", got, want)
	}
}

// TestMomentOf holds that a stored time comes back from how it is written, in the hour that comes twice too.
func TestMomentOf(t *testing.T) {
	london := stillwater.Household{TimeZone: "Europe/London"}.Location()
	for at, want := range map[string]string{
		"2026-06-30T23:00:00Z": "2026-07-01", "2026-07-01T08:30:00Z": "2026-07-01T09:30:00",
		"2026-10-25T00:30:00Z": "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z": "2026-10-25T01:30:00", "2026-07-01T08:30:00.5Z": "2026-07-01T08:30:00.5Z",
	} {
		given, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		var back Moment
		text, err := momentOf(given, london).MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || string(text) != want || !back.In(london).Equal(given) {
			t.Errorf("%s is written %q and read %v; want %q", at, text, back.In(london), want)
		}
	}
}
