package registry

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"stillwater"
)

// A Problem is one mistake in a table, or a note on something that was left out. It is for the person who imports: its text may repeat
// what stands in the cell. A log gets the place alone.
type Problem struct {
	File   string // or the sheet of a workbook
	Row    int    // as spreadsheets count: the first is 1; 0: the file or sheet as a whole
	Cell   string // of a workbook, like "C7"; "7" for the row as a whole
	Column string // as its header calls it; "" for the row as a whole
	Text   string
}

// String is "households.csv:7:phone: text", or of a workbook "contacts!C7:phone: text".
func (p Problem) String() string { return p.place() + ": " + p.Text }

func (p Problem) place() string {
	where := p.File
	switch {
	case p.Cell != "":
		where += "!" + p.Cell
	case p.Row > 0:
		where += fmt.Sprint(":", p.Row)
	}
	if p.Column != "" {
		where += ":" + p.Column
	}
	return where
}

// LogValue is the place without the text.
func (p Problem) LogValue() slog.Value { return slog.StringValue(p.place()) }

// Import reads the households of an office's tables: all of them, or, when there is any problem, none. Notes do not stand in the way: they
// say what was left out. The same files always give the same households.
//
// There are three tables: households, devices and contacts. They are the sheets of a workbook (XLSX), or files of their own (CSV or
// XLSX); their names say which they are, in English or Chinese. CSV is UTF-8, UTF-16 or, as spreadsheets in China write it, GB18030, with
// commas, semicolons or tabs between the cells. Titles may stand above the header. Columns stand in any order under English or Chinese
// names. Telephone numbers without a country code are taken for Chinese.
func Import(files ...File) (households []stillwater.Household, problems, notes []Problem) {
	in := &importer{}
	grids := in.grids(files)
	var people, things, places *sheet
	if grids != nil {
		people = read(in, grids[contacts], contactColumns, "contact", "name", "role")
		things = read(in, grids[devices], deviceColumns, "household", "device", "kind", "source")
		places = read(in, grids[homes], householdColumns, "household", "name", "consent_given")
	}
	if people != nil && things != nil && places != nil {
		in.build(people, things, places)
		in.config.validateAll(in.report)
		in.settle(people, things, places)
	}
	if len(in.problems) > 0 {
		return nil, sorted(in.problems), in.notes
	}
	return in.config.List(), nil, in.notes
}

// A place is where a value stands in the tables.
type place struct {
	file     string
	row      int
	column   string
	index    int // of the column, from 1
	cellwise bool
}

func (p place) say(text string) Problem {
	cell := ""
	if p.cellwise {
		cell = fmt.Sprint(p.row)
		if p.index > 0 {
			cell = cellName(p.index, p.row)
		}
	}
	return Problem{p.file, p.row, cell, p.column, text}
}

// An importer collects what the tables say, and what is wrong with it.
type importer struct {
	config   Config
	byHome   map[string][]row // rows of devices
	bad      map[any]bool     // what could not be read, by pointer into config
	said     []complaint
	problems []Problem
	notes    []Problem
}

// A complaint is what validation says of a field. Its place is looked up when there is one: there seldom is.
type complaint struct {
	field any
	text  string
}

func (in *importer) problem(at place, format string, args ...any) {
	in.problems = append(in.problems, at.say(fmt.Sprintf(format, args...)))
}

func (in *importer) note(at place, format string, args ...any) {
	in.notes = append(in.notes, at.say(fmt.Sprintf(format, args...)))
}

// report takes what the Validate methods say.
func (in *importer) report(field any, problem string) {
	in.said = append(in.said, complaint{field, problem})
}

// grids finds the three tables; nil: they are not all there.
func (in *importer) grids(files []File) []*grid {
	found := make([]*grid, len(tables))
	take := func(k kind, g *grid) {
		if g != nil && found[k] != nil {
			in.problem(place{file: g.name}, "is a table of %s, and %s is one too; remove one", tables[k].words[0], found[k].name)
			return
		}
		found[k] = g
	}
	for _, f := range files {
		k, known := kindOf(strings.TrimSuffix(f.Name, filepath.Ext(f.Name)))
		switch {
		case isWorkbook(f.Data):
			in.sheets(f, take)
		case known:
			take(k, in.csvGrid(f, k))
		default:
			in.problem(place{file: f.Name}, "its name does not say which table it is; name it households.csv, devices.csv or contacts.csv (住户, 设备 or 联系人)")
		}
	}
	read := len(in.problems) == 0 // otherwise a missing table may be what could not be
	for k, g := range found {
		if g == nil && read {
			in.problem(place{file: nameOf(files)}, "there is no table of %s; add a sheet or a file with the name %s or %s", tables[k].words[0], tables[k].words[0], tables[k].words[1])
		}
	}
	if slices.Contains(found, nil) {
		return nil
	}
	return found
}

func nameOf(files []File) string {
	if len(files) == 1 {
		return files[0].Name
	}
	return "these files"
}

// sheets takes the tables of a workbook. The sheet of a workbook that has one alone may be called anything when the file's name says it.
func (in *importer) sheets(f File, take func(kind, *grid)) {
	w, err := openWorkbook(f.Data)
	if err != nil {
		in.problem(place{file: f.Name}, "%v", err)
		return
	}
	defer w.Close() //nolint:errcheck // it is in memory
	list := w.GetSheetList()
	for _, name := range list {
		k, known := kindOf(name)
		label := name
		if !known && len(list) == 1 {
			k, known = kindOf(strings.TrimSuffix(f.Name, filepath.Ext(f.Name)))
			label = f.Name
		}
		if !known {
			in.note(place{file: name}, "left out: the name of this sheet is not 住户, 设备 or 联系人 (households, devices, contacts), and nothing of it was stored")
			continue
		}
		g, err := w.grid(name, label)
		if err != nil {
			in.problem(place{file: label}, "%v", err)
			continue
		}
		take(k, g)
	}
}

// build makes the configuration the tables stand for. Lists get their full length first, so that pointers into them stay.
func (in *importer) build(people, things, places *sheet) {
	in.bad = map[any]bool{}
	in.config.Contacts = make([]ContactConfig, len(people.rows))
	for i, r := range people.rows {
		c := &in.config.Contacts[i]
		c.SetDefaults()
		fill(in, people, r, c, contactColumns)
	}
	in.byHome = map[string][]row{}
	for _, r := range things.rows {
		home := fold(things.cell(r, "household"))
		in.byHome[home] = append(in.byHome[home], r)
	}
	known := map[string]bool{}
	in.config.Households = make([]HouseholdConfig, len(places.rows))
	for i, r := range places.rows {
		h := &in.config.Households[i]
		h.SetDefaults()
		fill(in, places, r, h, householdColumns)
		own := in.byHome[string(h.ID)]
		in.bad[&h.Devices] = in.bad[&h.ID]
		if known[string(h.ID)] { // a household that stands there twice has its devices once
			own, in.bad[h], in.bad[&h.Devices] = nil, true, true
		}
		known[string(h.ID)] = true
		h.Devices = make([]DeviceConfig, len(own))
		for j, dr := range own {
			fill(in, things, dr, &h.Devices[j], deviceColumns)
		}
	}
	for _, r := range things.rows {
		if home := fold(things.cell(r, "household")); home == "" {
			in.problem(things.place(r, "household"), "is missing; write the household the device belongs to")
		} else if !known[home] {
			in.problem(things.place(r, "household"), "%q is not among the households; add it there or mend the name", home)
		}
	}
	in.noteUntold(people)
}

// noteUntold notes the contacts that no household names: people are stored with the homes they belong to.
func (in *importer) noteUntold(people *sheet) {
	told := map[stillwater.ContactID]bool{}
	for _, h := range in.config.Households {
		told[h.Resident] = true
		for _, id := range slices.Concat(h.Family, h.Workers) {
			told[id] = true
		}
	}
	for i, r := range people.rows {
		if id := in.config.Contacts[i].ID; !told[id] && id != "" {
			in.note(people.place(r, "contact"), "left out: %q stands in no household's list, and nothing of it was stored; staff of duty desks belong in the configuration", id)
		}
	}
}

// fill sets the fields of one row. A cell that cannot be read is reported once.
func fill[T any](in *importer, s *sheet, r row, target *T, columns []column[T]) {
	for _, c := range columns {
		if c.field == nil {
			continue
		}
		field := c.field(target)
		if problem := fillCell(s, r, c.names[0], field, c.words); problem != "" {
			in.problem(s.place(r, c.names[0]), "%s", problem)
			in.bad[field] = true
		}
	}
}

func fillCell(s *sheet, r row, column string, field any, words []word) string {
	cell := s.cell(r, column)
	switch field.(type) {
	case *Moment:
		cell = dateOf(fold(s.stored(r, column)), s.late)
	case *int, *stillwater.Phone:
		cell = s.stored(r, column)
	}
	switch {
	case cell == "" && s.unsaved(r, column):
		return "is a formula whose value is not in the file; open it in a spreadsheet program and save it again, or write the value itself"
	case cell == "":
		return ""
	case errorValues[cell]:
		return fmt.Sprintf("is a formula that came to nothing (%s); write the value itself", cell)
	case hasIdentityCard(cell):
		return "holds the number of an identity card, which is never stored; remove it, and write what the column is for"
	}
	return setCell(field, cell, words)
}

// identityCard is what could be the number of a Chinese identity card: area, birthday, order and a check digit.
var identityCard = regexp.MustCompile(`[1-9]\d{5}(19|20)\d{2}[01]\d[0-3]\d{4}[\dXx]`)

// hasIdentityCard says whether a cell holds such a number, by its check digit (GB 11643).
func hasIdentityCard(cell string) bool {
	if len(cell) < 18 {
		return false
	}
	for _, number := range identityCard.FindAllString(fold(cell), -1) {
		sum, weight := 0, 1
		for i := 16; i >= 0; i-- {
			weight = weight * 2 % 11
			sum += int(number[i]-'0') * weight
		}
		if "10X98765432"[sum%11] == strings.ToUpper(number)[17] {
			return true
		}
	}
	return false
}
