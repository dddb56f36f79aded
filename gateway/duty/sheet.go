package duty

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stillwater"
	"stillwater/gateway/registry"
)

// Problem is a mistake in a table, by row and column.
type Problem = registry.Problem

// Office is what a table is read against.
type Office struct {
	Posts    []Post
	Contacts []stillwater.Contact
	Post     string // of a table without a column for it; empty: the only one there is
	Workbook bool   // the table is a sheet of a workbook: problems name its cells
}

// The columns of a roster, by the names people give them; a column headed by hours, like 白班(08:00-20:00), holds who is on duty then.
var columnNames = map[string][]string{
	"date":     {"date", "day", "日期", "值班日期", "时间日期"},
	"from":     {"from", "开始日期", "起始日期"},
	"to":       {"to", "结束日期", "截止日期"},
	"days":     {"days", "weekday", "weekdays", "星期", "周几", "周"},
	"post":     {"post", "岗位", "值班岗位", "网格", "值班网格", "值班地点"},
	"hours":    {"hours", "time", "shift", "时间", "值班时间", "时段", "值班时段", "班次"},
	"who":      {"who", "name", "names", "contact", "contacts", "姓名", "值班人", "值班人员", "值班员", "人员", "值班人姓名"},
	"phone":    {"phone", "telephone", "mobile", "电话", "联系电话", "手机", "手机号", "手机号码", "联系方式", "值班电话"},
	"handover": {"handover", "交接", "交接时间", "交接分钟"},
}

// headerWithin is in how many rows the header is looked for: a title stands above it.
const headerWithin = 10

// Read reads a roster as offices keep it: a row a day and shift, or a row a day and a column a shift. Rows are those of the table from its first
// on, empty ones too. It gives all shifts or, where there is any problem, none. Notes do not stand in the way: they say what was left out.
//
// A cell for the date or the post that is empty repeats the one above it. A date may be a span, and lack its year where the title above the header
// says it. Instead of dates a table may have days of the week. Names are those of contacts, or their IDs; several in a cell have a mark
// between them. A telephone number tells two people of one name apart, and must be that of somebody in the row.
func Read(file string, rows [][]string, o Office) (roster Imported, problems, notes []Problem) {
	t := &table{file: file, year: yearIn(file), office: o, rows: rows, columns: map[string]int{}, seen: map[entry]int{}}
	if t.header() && t.check() {
		for i := t.head + 1; i < len(rows); i++ {
			t.row(i)
		}
		if len(t.problems) == 0 && len(t.roster.Posts) == 0 {
			t.problem(t.head, -1, "has nobody below it; enter who is on duty")
		}
	}
	if len(t.problems) > 0 {
		return Imported{}, t.problems, t.notes
	}
	return t.roster, nil, t.notes
}

// IsRoster says whether a table has the columns of a roster. Other sheets may lie beside it in a workbook.
func IsRoster(rows [][]string) bool {
	return (&table{rows: rows, columns: map[string]int{}}).header()
}

// A table is a roster while it is read.
type table struct {
	file     string
	office   Office
	rows     [][]string
	head     int            // the row of the header
	columns  map[string]int // by their English names
	shifts   []shiftColumn
	twice    [][2]int // columns that say the same
	year     int      // of dates that do not say it
	date     span2
	post     string
	seen     map[entry]int
	roster   Imported
	problems []Problem
	notes    []Problem
}

// A shiftColumn holds who is on duty in hours that its header names.
type shiftColumn struct {
	column int
	hours  []stillwater.Hours
}

// A span2 is a first and a last day.
type span2 struct{ from, to Date }

// An entry is somebody on a shift; it stands in a table once.
type entry struct {
	post, hours, days string
	dates             span2
	who               stillwater.ContactID
}

// problem says what is wrong in a row and column, both from 0; column -1 is the row as a whole.
func (t *table) problem(row, column int, format string, args ...any) {
	t.problems = append(t.problems, t.at(row, column, fmt.Sprintf(format, args...)))
}

func (t *table) note(row, column int, text string) {
	t.notes = append(t.notes, t.at(row, column, text))
}

func (t *table) at(row, column int, text string) Problem {
	p := Problem{File: t.file, Row: row + 1, Text: text}
	if column >= 0 {
		p.Column = t.cell(t.head, column)
	}
	if t.office.Workbook {
		p.Cell = strconv.Itoa(row + 1)
		if column >= 0 {
			p.Cell = letters(column) + p.Cell
		}
	}
	return p
}

// letters is a column as spreadsheets call it.
func letters(column int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// cell is a value, "" where there is none.
func (t *table) cell(row, column int) string {
	if row >= len(t.rows) || column < 0 || column >= len(t.rows[row]) {
		return ""
	}
	return tidy(t.rows[row][column])
}

// value is the cell of a row under a column by its English name.
func (t *table) value(row int, name string) string { return t.cell(row, t.column(name)) }

func (t *table) column(name string) int {
	if i, ok := t.columns[name]; ok {
		return i
	}
	return -1
}

var yearPattern = regexp.MustCompile(`(20\d\d)\s*年|\b(20\d\d)\b`)

// yearIn is the year that a title names, 0 for none.
func yearIn(title string) int {
	m := yearPattern.FindStringSubmatch(title)
	if m == nil {
		return 0
	}
	year, _ := strconv.Atoi(m[1] + m[2])
	return year
}

// header finds the row that names the columns: the first with who is on duty and one column more.
func (t *table) header() bool {
	for i := range t.rows[:min(len(t.rows), headerWithin)] {
		t.head, t.columns, t.shifts, t.twice = i, map[string]int{}, nil, nil
		for j := range t.rows[i] {
			t.name(j)
		}
		_, who := t.columns["who"]
		if (who || len(t.shifts) > 0) && len(t.columns)+len(t.shifts) > 1 {
			return true
		}
		for j := range t.rows[i] {
			if year := yearIn(t.cell(i, j)); year != 0 {
				t.year = year
			}
		}
	}
	t.head = 0
	t.problem(0, -1, "names no columns of a roster; write them into the first row, like date, post, hours, who, phone (日期、岗位、时间、值班人员、电话)")
	return false
}

// name finds out what a column of the header is.
func (t *table) name(column int) {
	title := t.cell(t.head, column)
	if hours, found, problem := parseHours(title); found && problem == "" {
		t.shifts = append(t.shifts, shiftColumn{column, hours})
		return
	}
	for name, known := range columnNames {
		if !slices.Contains(known, plainName(title)) {
			continue
		}
		if first, twice := t.columns[name]; twice {
			t.twice = append(t.twice, [2]int{first, column})
			return
		}
		t.columns[name] = column
	}
}

// check says what the header lacks, and which columns are not used.
func (t *table) check() bool {
	used := map[int]bool{}
	for _, i := range t.columns {
		used[i] = true
	}
	for _, s := range t.shifts {
		used[s.column] = true
	}
	before := len(t.problems)
	for _, two := range t.twice {
		used[two[1]] = true
		t.problem(t.head, two[1], "this column and %q are the same; put what stands in both into one", t.cell(t.head, two[0]))
	}
	for j := range t.rows[t.head] {
		if !used[j] && t.cell(t.head, j) != "" {
			t.note(t.head, j, "this column is not used; nothing of it was stored")
		}
	}
	if t.column("date") < 0 && t.column("from") < 0 && t.column("days") < 0 {
		t.problem(t.head, -1, "the column for the date is missing; name it date (日期), or days (星期) for a roster by the week")
	}
	if t.column("post") < 0 && t.office.Post == "" && len(t.office.Posts) != 1 {
		t.problem(t.head, -1, "the column for the post is missing; name it post (岗位), or say at the import which post the table is of: %s", t.postNames())
	}
	if t.column("hours") < 0 && len(t.shifts) == 0 {
		t.note(t.head, -1, "no column says the hours (时间), so each entry counts as its whole day, 00:00-24:00")
	}
	return len(t.problems) == before
}

func (t *table) postNames() string {
	var names []string
	for _, p := range t.office.Posts {
		names = append(names, p.Name)
	}
	if names == nil {
		return "the configuration has none under duty; add the post there first"
	}
	return strings.Join(names, ", ")
}

// row reads one row.
func (t *table) row(i int) {
	filled := 0
	for j := range t.rows[i] {
		if t.cell(i, j) != "" {
			filled++
		}
	}
	switch {
	case filled == 0:
		return
	case filled == 1 && len(t.rows[t.head]) > 2 && t.value(i, "who") == "":
		t.note(i, -1, "looks like a remark and is not used")
		return
	}
	before := len(t.problems)
	s := Shift{Handover: t.handover(i)}
	post := t.postOf(i)
	s.From, s.To, s.Days = t.when(i)
	if len(t.problems) > before {
		return
	}
	if column := t.column("who"); column >= 0 {
		if t.cell(i, column) == "" && len(t.shifts) == 0 {
			t.problem(i, column, "is empty; write who is on duty, or take the row out")
			return
		}
		if s.Hours = t.hours(i); len(t.problems) == before {
			t.add(i, column, post, s)
		}
	}
	for _, c := range t.shifts {
		s.Hours = c.hours
		t.add(i, c.column, post, s)
	}
}

// add enters the people of a cell.
func (t *table) add(i, column int, post *Post, s Shift) {
	cell := t.cell(i, column)
	if noneMarks[cell] {
		return
	}
	before := len(t.problems)
	s.Who = t.people(i, column, post)
	if len(t.problems) > before {
		return
	}
	for _, id := range s.Who {
		e := entry{post.Name, fmt.Sprint(s.Hours), fmt.Sprint(s.Days), span2{s.From, s.To}, id}
		if row, twice := t.seen[e]; twice {
			t.problem(i, column, "%q has this shift already, in row %d; take one out", id, row+1)
			return
		}
		t.seen[e] = i
	}
	at := slices.IndexFunc(t.roster.Posts, func(p ImportedPost) bool { return p.Post == post.Name })
	if at < 0 {
		at = len(t.roster.Posts)
		t.roster.Posts = append(t.roster.Posts, ImportedPost{Post: post.Name})
	}
	t.roster.Posts[at].Shifts = append(t.roster.Posts[at].Shifts, s)
}

// postOf is the post of a row.
func (t *table) postOf(i int) *Post {
	column := t.column("post")
	if cell := t.cell(i, column); cell != "" {
		t.post = cell
	}
	name := t.post
	if column < 0 {
		name = t.office.Post
		if name == "" {
			name = t.office.Posts[0].Name
		}
	}
	var names []string
	for j := range t.office.Posts {
		if p := &t.office.Posts[j]; plainName(p.Name) == plainName(name) {
			return p
		}
		names = append(names, t.office.Posts[j].Name)
	}
	switch near := nearest(name, names); {
	case name == "":
		t.problem(i, column, "is empty; write the post: %s", t.postNames())
	case near != "":
		t.problem(i, column, "%q is no post of the configuration; did you mean %s?", name, near)
	default:
		t.problem(i, column, "%q is no post of the configuration; the posts are: %s", name, t.postNames())
	}
	return nil
}
