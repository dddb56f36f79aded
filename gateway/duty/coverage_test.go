package duty

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/calendar"
	"stillwater/rules"
)

// district is two grids, one with half a night shift, and a desk whose roster for the Spring Festival has holes.
func district(t *testing.T) (*Roster, []stillwater.Household) {
	t.Helper()
	hours := func(list ...string) (all []stillwater.Hours) {
		for _, text := range list {
			var h stillwater.Hours
			if err := h.UnmarshalText([]byte(text)); err != nil {
				t.Fatal(err)
			}
			all = append(all, h)
		}
		return all
	}
	date := func(text string) (d Date) {
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	ids := func(list ...stillwater.ContactID) []stillwater.ContactID { return list }
	c := Config{Posts: []Post{
		{Name: "网格三", Role: stillwater.Worker, Area: stillwater.Place{Grid: "3"}, Shifts: []Shift{{Who: ids("chen")}}},
		{Name: "网格四", Role: stillwater.Worker, Area: stillwater.Place{Grid: "4"}, Shifts: []Shift{{Who: ids("li"), Days: []Days{"workdays"}, Hours: hours("08:00-20:00")}}},
		{Name: "夜班", Role: stillwater.Worker, Area: stillwater.Place{Grid: "4"}, Shifts: []Shift{{Who: ids("wang"), Days: []Days{"mon-fri"}, Hours: hours("20:00-24:00")}}},
		{Name: "值班室", Role: stillwater.Community, Shifts: []Shift{
			{Who: ids("wang"), Days: []Days{"workdays", "weekends"}, Hours: hours("08:00-08:00")},
			{Who: ids("zhao"), From: date("2026-02-15"), To: date("2026-02-20"), Hours: hours("08:00-08:00")},
			{Who: ids("zhou"), From: date("2026-02-22"), To: date("2026-02-23"), Hours: hours("08:00-08:00")},
		}},
		{Name: "网格九", Role: stillwater.Worker, Area: stillwater.Place{Grid: "9"}, Shifts: []Shift{{Who: ids("chen")}}},
	}, StandIns: []StandIn{{For: "own", From: Moment{date: date("2026-02-02")}, To: Moment{date: date("2026-02-02")}}}}
	contacts := []stillwater.Contact{{ID: "chen", Name: "陈强"}, {ID: "li", Name: "李明"}, {ID: "wang", Name: "王芳"}, {ID: "zhao"}, {ID: "own"}}
	days := calendar.Config{Holidays: calendar.China}
	r := New(c, contacts, Calendar{Days: calendar.Working(days), Spring: calendar.Spring(days)})
	home := func(id, grid string, c ...stillwater.Contact) stillwater.Household {
		return stillwater.Household{ID: stillwater.HouseholdID(id), TimeZone: "Asia/Shanghai", Place: stillwater.Place{Grid: grid}, Contacts: c}
	}
	return r, r.Attach([]stillwater.Household{
		home("h3", "3"), home("h4", "4"), home("h5", "4"),
		home("h6", "4", stillwater.Contact{ID: "w", Role: stillwater.Worker}, stillwater.Contact{ID: "own", Role: stillwater.Family}),
	})
}

func shanghai(y int, m time.Month, d int) time.Time {
	return time.Date(y, m, d, 0, 0, 0, 0, location("Asia/Shanghai"))
}

// TestReport holds what is said of two weeks of February without a holiday in them (the next one is looked at too), in both languages, and
// the table of two days of the Spring Festival: testdata/report.golden.
func TestReport(t *testing.T) {
	r, homes := district(t)
	roles := []stillwater.Role{stillwater.Family, stillwater.Worker, stillwater.Community, stillwater.Street}
	report := r.Report(homes, roles, shanghai(2026, 2, 2), shanghai(2026, 2, 9))
	var out strings.Builder
	for _, language := range []string{"en", "zh-CN"} {
		fmt.Fprintf(&out, "%s\n\n", strings.Join(report.Warnings(language), "\n"))
		rows := r.Rows(homes, stillwater.Place{}, DateOf(shanghai(2026, 2, 20)), 2)
		fmt.Fprintln(&out, r.Text(rows, language))
		for _, record := range r.Records(rows, language) {
			fmt.Fprintln(&out, strings.Join(record, ","))
		}
		fmt.Fprintln(&out)
	}
	const golden = "testdata/report.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(want) != out.String() {
		t.Errorf("%v; happened\n%s", err, out.String())
	}
}

// TestLacks compares the extents of each home and role with a count of every minute of three weeks, by what OnDuty says.
func TestLacks(t *testing.T) {
	r, homes := district(t)
	from, to := shanghai(2026, 2, 1), shanghai(2026, 2, 26)
	for _, role := range []stillwater.Role{stillwater.Family, stillwater.Worker, stillwater.Community, stillwater.Street} {
		said := map[stillwater.HouseholdID]Cover{}
		for _, l := range r.lacks(homes, []stillwater.Role{role}, from, to) {
			for _, id := range l.Homes {
				said[id] = l.Cover
			}
		}
		for _, h := range homes {
			want := slowCover(r, h, role, from, to)
			if got, lacks := said[h.ID]; lacks != want.open() || lacks && got != want {
				t.Errorf("%s of %s: %+v (%v), want %+v", role, h.ID, got, lacks, want)
			}
		}
	}
}

func slowCover(r *Roster, h stillwater.Household, role stillwater.Role, from, to time.Time) Cover {
	var all tally
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		local := at.In(h.Location())
		kind := nightHours
		if local.Hour() >= 8 && local.Hour() < 20 {
			kind = map[rules.DayKind]int{rules.Workday: dayHours, rules.Restday: weekendHours, rules.Festival: holidayHours}[r.calendar.Days.Kind(local.Date())]
		}
		all.whole[kind]++
		if !slices.ContainsFunc(h.Contacts, func(c stillwater.Contact) bool { return c.Role == role && r.OnDuty(h, c, at) }) {
			all.open[kind]++
		}
	}
	return Cover{all.extent(dayHours), all.extent(nightHours), all.extent(weekendHours), all.extent(holidayHours)}
}

// The Spring Festival is asked about from thirty days before it until it is over, and only days to come.
func TestSpring(t *testing.T) {
	r, homes := district(t)
	for day, want := range map[time.Time]string{
		shanghai(2026, 1, 16): "",
		shanghai(2026, 1, 17): "2026-02-21",
		shanghai(2026, 2, 21): "2026-02-21",
		shanghai(2026, 2, 22): "",
		shanghai(2026, 2, 24): "",
	} {
		got := ""
		for _, s := range r.Report(homes, nil, day, day.AddDate(0, 0, 1)).Springs {
			if s.Post == "值班室" {
				got = strings.Join(spans(s.Missing), ",")
			}
		}
		if got != want {
			t.Errorf("on %v: %q, want %q", day, got, want)
		}
	}
}

// TestTake puts February's roster over a year's: what is not in February stays, and so does what names no dates.
func TestTake(t *testing.T) {
	date := func(text string) (d Date) {
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	shift := func(who, from, to string) Shift {
		return Shift{Who: []stillwater.ContactID{stillwater.ContactID(who)}, From: date(from), To: date(to)}
	}
	roster := func(shifts ...Shift) Imported { return Imported{Posts: []ImportedPost{{Post: "desk", Shifts: shifts}}} }
	all := roster(shift("week", "", ""), shift("year", "2026-01-01", "2026-12-31"), shift("jan", "2026-01-31", "2026-01-31"), shift("feb", "2026-02-03", "2026-02-04"))
	all.Take(roster(shift("new", "2026-02-02", "2026-02-02"), shift("new", "2026-02-27", "2026-02-28")))
	all.Take(Imported{Posts: []ImportedPost{{Post: "other", Shifts: []Shift{shift("x", "", "")}}}})
	want := roster(shift("week", "", ""), shift("year", "2026-01-01", "2026-02-01"), shift("jan", "2026-01-31", "2026-01-31"),
		shift("new", "2026-02-02", "2026-02-02"), shift("new", "2026-02-27", "2026-02-28"), shift("year", "2026-03-01", "2026-12-31"))
	want.Posts = append(want.Posts, ImportedPost{Post: "other", Shifts: []Shift{shift("x", "", "")}})
	if !reflect.DeepEqual(all, want) {
		t.Errorf("got\n%v\nwant\n%v", all, want)
	}
	all.Take(roster(shift("mondays", "", "")))
	if got := all.Posts[0].Shifts[0].Who[0]; got != "mondays" || len(all.Posts[0].Shifts) != len(want.Posts[0].Shifts) {
		t.Errorf("a roster by the week did not take the place of the one before: %v", all.Posts[0].Shifts)
	}
	body, err := json.Marshal(all)
	var back Imported
	if err != nil || json.Unmarshal(body, &back) != nil || !reflect.DeepEqual(back, all) {
		t.Errorf("%s reads back as %v (%v)", body, back, err)
	}
	c := Config{Posts: []Post{{Name: "Desk", Shifts: []Shift{shift("own", "", "")}}}}
	both, lost := c.With(all)
	if !slices.Equal(lost, []string{"other"}) || len(both.Posts[0].Shifts) != 1+len(all.Posts[0].Shifts) || len(c.Posts[0].Shifts) != 1 {
		t.Errorf("with the imported roster: %v, lost %v", both, lost)
	}
}

// A group of homes has the place of its first member alone, and the staff of all: whoever serves another member is on duty for the group as well.
func TestGroup(t *testing.T) {
	r, homes := district(t)
	group := stillwater.Household{TimeZone: "Asia/Shanghai", Place: homes[0].Place, Contacts: append(slices.Clone(homes[0].Contacts), homes[1].Contacts...)}
	for _, c := range group.Contacts {
		if noon := shanghai(2026, 2, 3).Add(12 * time.Hour); r.OnDuty(group, c, noon) != (c.ID != "zhao" && c.Post != "夜班") {
			t.Errorf("%s of %s is on duty for the group: %v", c.ID, c.Post, r.OnDuty(group, c, noon))
		}
	}
}

// Who withdraws the consent to be told leaves a gap from then on, though the roster still names that person.
func TestWithdrawn(t *testing.T) {
	at := shanghai(2026, 3, 2).Add(10 * time.Hour)
	c := Config{Posts: []Post{{Name: "desk", Role: stillwater.Community, Shifts: []Shift{{Who: []stillwater.ContactID{"chen"}}}}}}
	r := New(c, []stillwater.Contact{{ID: "chen", Agreed: stillwater.Consent{Withdrawn: at}}}, Calendar{})
	homes := r.Attach([]stillwater.Household{{ID: "h", TimeZone: "Asia/Shanghai"}})
	gaps := r.Gaps(homes, stillwater.Place{}, shanghai(2026, 3, 2), shanghai(2026, 3, 3))
	if len(gaps) != 1 || !gaps[0].From.Equal(at) || !gaps[0].To.Equal(shanghai(2026, 3, 3)) {
		t.Errorf("gaps %v", gaps)
	}
	if chen := homes[0].Contacts[0]; !r.OnDuty(homes[0], chen, at.Add(-time.Second)) || r.OnDuty(homes[0], chen, at) {
		t.Error("on duty after withdrawing, or not before")
	}
}
