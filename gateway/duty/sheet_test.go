package duty

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stillwater"
)

// office is who is known to the tables of testdata/sheets.
func office() Office {
	contact := func(id, name, phone string) stillwater.Contact {
		return stillwater.Contact{ID: stillwater.ContactID(id), Name: name, Phone: stillwater.Phone(phone)}
	}
	return Office{
		Posts: []Post{{Name: "社区值班室", Role: stillwater.Community, Desk: "desk"}, {Name: "网格三", Role: stillwater.Worker}},
		Contacts: []stillwater.Contact{
			contact("chen", "陈强", "+8613800000001"), contact("li-1", "李明", "+8613800000002"), contact("li-2", "李明", "+8613800000003"),
			contact("wang", "王芳", "+8613800000004"), contact("na", "Li Na", "+8613800000005"), contact("desk", "值班电话", "+8657188880000"),
		},
	}
}

// TestSheets reads testdata/sheets/*.txt: a table as offices keep it, "----", and below it the shifts, or what is wrong. A first line
// "post 网格三" says which post it is of.
func TestSheets(t *testing.T) {
	files, err := filepath.Glob("testdata/sheets/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sheets: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sheet, want, found := strings.Cut(string(text), "\n----\n")
			if !found {
				t.Fatal("no ---- line between the table and what is expected")
			}
			got := readSheet(t, sheet)
			if *update {
				if err := os.WriteFile(file, []byte(sheet+"\n----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("expected\n%s\nhappened\n%s", want, got)
			}
		})
	}
}

func readSheet(t *testing.T, text string) string {
	o := office()
	if rest, ok := strings.CutPrefix(text, "post "); ok {
		o.Post, text, _ = strings.Cut(rest, "\n")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	roster, problems, notes := Read("值班表.csv", rows, o)
	var out strings.Builder
	for _, n := range notes {
		fmt.Fprintln(&out, "note:", n)
	}
	for _, p := range problems {
		fmt.Fprintln(&out, p)
	}
	for _, p := range roster.Posts {
		for _, s := range p.Shifts {
			days := fmt.Sprintf("%s..%s", s.From, s.To)
			if s.From.IsZero() {
				days = ""
			}
			fmt.Fprintln(&out, strings.Join(strings.Fields(fmt.Sprint(p.Post, " ", days, " ", s.Days, " ", s.Hours, " ", s.Who, " ", s.Handover)), " "))
			s.Validate(func(field any, problem string) { t.Errorf("%+v: %s", s, problem) })
		}
	}
	return out.String()
}

// A problem in a workbook names the cell.
func TestSheetCell(t *testing.T) {
	o := office()
	o.Workbook = true
	_, problems, _ := Read("二月", [][]string{{"日期", "岗位", "值班人员"}, {"2026-02-16", "网格三", "张三"}}, o)
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "二月!C2:值班人员: ") {
		t.Errorf("%v", problems)
	}
	if got := letters(25) + letters(26) + letters(702); got != "ZAAAAA" {
		t.Errorf("columns are %s", got)
	}
}

// FuzzRead holds that no table stops the program, that a table is taken whole or not at all, and that what is taken is valid.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/sheets/*.txt")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		sheet, _, _ := strings.Cut(string(text), "\n----\n")
		f.Add(sheet)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			return
		}
		roster, problems, _ := Read("f.csv", rows, office())
		if (len(problems) == 0) == (len(roster.Posts) == 0) {
			t.Errorf("%d problems and %d posts", len(problems), len(roster.Posts))
		}
		c, lost := Config{Posts: office().Posts}.With(roster)
		if len(lost) > 0 {
			t.Errorf("lost %v", lost)
		}
		for i := range c.Posts {
			for j := range c.Posts[i].Shifts {
				c.Posts[i].Shifts[j].Validate(func(_ any, problem string) { t.Errorf("%+v: %s", c.Posts[i].Shifts[j], problem) })
			}
			c.Posts[i].Validate(func(_ any, problem string) { t.Errorf("%s", problem) })
		}
	})
}
