package registry

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"stillwater"
)

// maxTable is far above a district's table; a larger file is something else.
const maxTable = 64 << 20

// A Table is a CSV file as it was handed in.
type Table struct {
	Name string // for problems
	Data []byte
}

// Tables are the three tables of an import.
type Tables struct {
	Households Table // household,name,residents,timezone,street,community,grid,building,riser,zone,consent_given,consent_withdrawn,family,workers
	Devices    Table // household,device,kind,source,every,rollover
	Contacts   Table // contact,name,role,phone,language,remote
}

// ReadFolder reads households.csv, devices.csv and contacts.csv of a folder.
func ReadFolder(dir string) (Tables, error) {
	var t Tables
	for name, table := range map[string]*Table{"households.csv": &t.Households, "devices.csv": &t.Devices, "contacts.csv": &t.Contacts} {
		data, err := readTable(filepath.Join(dir, name))
		if err != nil {
			return Tables{}, fmt.Errorf("import of folder %q needs households.csv, devices.csv and contacts.csv: %w", dir, err)
		}
		*table = Table{name, data}
	}
	return t, nil
}

func readTable(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTable+1))
	if err == nil && len(data) > maxTable {
		return nil, fmt.Errorf("%s is larger than %d MB", path, maxTable>>20)
	}
	return data, err
}

// A Problem is one mistake in a table, or a note on something that was left out. It is for the person who imports: its text may repeat
// what stands in the cell. A log gets the place alone.
type Problem struct {
	File   string
	Row    int    // as spreadsheets count: the header is row 1
	Column string // as its header calls it; "" for the row as a whole
	Text   string
}

// String is "file:row:column: text".
func (p Problem) String() string {
	return p.place() + ": " + p.Text
}

func (p Problem) place() string {
	if p.Column == "" {
		return fmt.Sprintf("%s:%d", p.File, p.Row)
	}
	return fmt.Sprintf("%s:%d:%s", p.File, p.Row, p.Column)
}

// LogValue is the place without the text.
func (p Problem) LogValue() slog.Value { return slog.StringValue(p.place()) }

// ImportCSV reads the households of three tables: all of them, or, when there is any problem, none. Notes do not stand in the way: they say
// which columns were left out. The same tables always give the same households.
//
// Tables are UTF-8, UTF-16 or, as spreadsheets in China write them, GB18030, with commas, semicolons or tabs between the cells. Columns
// stand in any order under English or Chinese names. Telephone numbers without a country code are taken for Chinese.
func ImportCSV(t Tables) (households []stillwater.Household, problems, notes []Problem) {
	in := &importer{places: map[any]place{}}
	contacts := read(in, t.Contacts, contactColumns, "contact", "name", "role", "phone")
	devices := read(in, t.Devices, deviceColumns, "household", "device", "kind", "source")
	homes := read(in, t.Households, householdColumns, "household", "name", "consent_given")
	if contacts != nil && devices != nil && homes != nil {
		in.build(contacts, devices, homes)
		in.config.validateAll(in.report)
	}
	if len(in.problems) > 0 {
		return nil, sorted(in.problems), in.notes
	}
	return in.config.List(), nil, in.notes
}

// A place is where a value stands in the tables.
type place struct {
	file   string
	row    int
	column string
	bad    bool // a problem with it is already known
}

// An importer collects what the tables say, and what is wrong with it.
type importer struct {
	config   Config
	places   map[any]place // by pointer into config
	problems []Problem
	notes    []Problem
}

func (in *importer) problem(at place, format string, args ...any) {
	in.problems = append(in.problems, Problem{at.file, at.row, at.column, fmt.Sprintf(format, args...)})
}

// report takes what the Validate methods say.
func (in *importer) report(field any, problem string) {
	if at := in.places[field]; !at.bad {
		in.problem(at, "%s", problem)
	}
}

// build makes the configuration the tables stand for. Lists get their full length first, so that pointers into them stay.
func (in *importer) build(contacts, devices, homes *sheet) {
	in.config.Contacts = make([]ContactConfig, len(contacts.rows))
	for i, r := range contacts.rows {
		c := &in.config.Contacts[i]
		c.SetDefaults()
		in.places[c] = place{file: contacts.file, row: r.number}
		fill(in, contacts, r, c, contactColumns)
	}
	byHome := map[string][]row{}
	for _, r := range devices.rows {
		home := devices.cell(r, "household")
		byHome[home] = append(byHome[home], r)
	}
	known := map[string]bool{}
	in.config.Households = make([]HouseholdConfig, len(homes.rows))
	for i, r := range homes.rows {
		h := &in.config.Households[i]
		h.SetDefaults()
		name := homes.cell(r, "household")
		own := byHome[name]
		at := place{file: homes.file, row: r.number}
		in.places[h] = at
		if known[name] { // a household that stands there twice has its devices once
			own, at.bad = nil, true
		}
		known[name] = true
		in.places[&h.Devices] = at
		h.Devices = make([]DeviceConfig, len(own))
		fill(in, homes, r, h, householdColumns)
		in.lists(h, homes, r)
		for j, dr := range own {
			in.places[&h.Devices[j]] = place{file: devices.file, row: dr.number}
			fill(in, devices, dr, &h.Devices[j], deviceColumns)
		}
	}
	for _, r := range devices.rows {
		if home := devices.cell(r, "household"); home == "" {
			in.problem(devices.place(r, "household"), "is missing; write the household the device belongs to")
		} else if !known[home] {
			in.problem(devices.place(r, "household"), "%q is not among the households; add it there or mend the name", home)
		}
	}
}

// lists gives each contact in a household's lists the place of its cell.
func (in *importer) lists(h *HouseholdConfig, homes *sheet, r row) {
	for i := range h.Family {
		in.places[&h.Family[i]] = homes.place(r, "family")
	}
	for i := range h.Workers {
		in.places[&h.Workers[i]] = homes.place(r, "workers")
	}
}

// fill sets the fields of one row. A cell that cannot be read is reported once.
func fill[T any](in *importer, s *sheet, r row, target *T, columns []column[T]) {
	for _, c := range columns {
		if c.field == nil {
			continue
		}
		field, at := c.field(target), s.place(r, c.names[0])
		if cell := s.cell(r, c.names[0]); cell != "" {
			if word, ok := c.words[strings.ToLower(cell)]; ok {
				cell = word
			}
			if problem := setCell(field, cell); problem != "" {
				in.problem(at, "%s", problem)
				at.bad = true
			}
		}
		in.places[field] = at
	}
}

// Column names are compared without case, blanks and underscores.
func plainName(header string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "", "\u3000", "").Replace(strings.ToLower(tidy(header)))
}
