package duty

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/rules"
)

// A Row is a part of one day at one post: from when to when the same people are on duty, or nobody.
type Row struct {
	Date     Date            `json:"date"`
	Kind     rules.DayKind   `json:"kind"`
	Post     string          `json:"post"`
	Role     stillwater.Role `json:"role"`
	TimeZone string          `json:"timezone"`
	From     time.Duration   `json:"from"` // by the clock on the wall; a row that ends with its day ends at 24h
	To       time.Duration   `json:"to"`
	Who      []Presence      `json:"who"` // nobody: a hole
}

// Rows is the roster day by day and post by post, for the posts that serve homes in an area.
func (r *Roster) Rows(homes []stillwater.Household, area stillwater.Place, from Date, days int) []Row {
	var rows []Row
	for d := from; d < from+Date(days); d++ {
		for _, p := range r.posts {
			if !meets(&p.Area, &area) {
				continue
			}
			for _, zone := range zones(homes, p) {
				rows = append(rows, r.day(p, zone, d)...)
			}
		}
	}
	return rows
}

// day is the rows of one day at a post.
func (r *Roster) day(p *post, name string, d Date) []Row {
	zone := location(name)
	in := span{instant(wall{d, 0}, zone), instant(wall{d + 1, 0}, zone)}
	var rows []Row
	for _, at := range r.changes(p, zone, in) {
		who := r.present(p, see(time.Unix(at, 0), zone))
		if last := len(rows) - 1; last >= 0 && slices.Equal(rows[last].Who, who) {
			continue
		}
		local := time.Unix(at, 0).In(zone)
		begin := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
		if last := len(rows) - 1; last >= 0 {
			rows[last].To = begin
		}
		rows = append(rows, Row{Date: d, Kind: kindOf(d, r.calendar.Days), Post: p.Name, Role: p.Role, TimeZone: name, From: begin, To: 24 * time.Hour, Who: who})
	}
	return rows
}

// who names those of a row.
func (r *Roster) who(w *phrases, row Row) string {
	var names []string
	for _, p := range row.Who {
		name := r.name(p.Who)
		if p.For != "" {
			name = fmt.Sprintf(w.standIn, name, r.name(p.For))
		}
		names = append(names, name)
	}
	return strings.Join(names, w.list)
}

// Text is rows as a table for a terminal, by day and post, holes marked.
func (r *Roster) Text(rows []Row, language string) string {
	w := languageOf(language)
	wide := 0
	for _, row := range rows {
		wide = max(wide, width(row.Post))
	}
	several := slices.ContainsFunc(rows, func(row Row) bool { return row.TimeZone != rows[0].TimeZone })
	var out strings.Builder
	for i, row := range rows {
		if i == 0 || row.Date != rows[i-1].Date {
			fmt.Fprintf(&out, "%s %s %s\n", row.Date, w.weekdays[row.Date.Weekday()], w.kinds[row.Kind])
		}
		name := row.Post
		if i > 0 && row.Date == rows[i-1].Date && name == rows[i-1].Post && row.TimeZone == rows[i-1].TimeZone {
			name = ""
		}
		who := r.who(w, row)
		if who == "" {
			who = w.nobody
		}
		if several {
			who += "  " + row.TimeZone
		}
		fmt.Fprintf(&out, "  %s%s  %s  %s\n", name, strings.Repeat(" ", wide-width(name)), row.hours(), who)
	}
	return out.String()
}

// hours is from when to when, as a shift is written.
func (row Row) hours() string { return stillwater.Hours{From: row.From, To: row.To}.String() }

// Records is rows as the records of a table file, the header first.
func (r *Roster) Records(rows []Row, language string) [][]string {
	w := languageOf(language)
	records := [][]string{w.headers}
	for _, row := range rows {
		hole := ""
		if len(row.Who) == 0 {
			hole = w.nobody
		}
		records = append(records, []string{
			row.Date.String(), w.weekdays[row.Date.Weekday()], w.kinds[row.Kind], row.Post, w.role(row.Role), row.hours(), r.who(w, row), hole,
		})
	}
	return records
}

// width is how many columns a text takes on a terminal; Chinese characters take two.
func width(text string) (columns int) {
	for _, r := range text {
		columns++
		if r >= 0x1100 {
			columns++
		}
	}
	return columns
}
