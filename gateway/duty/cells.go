package duty

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"stillwater"
)

// noneMarks are what people write into a cell for nobody.
var noneMarks = map[string]bool{"": true, "-": true, "—": true, "——": true, "/": true, "无": true}

// tidy makes a cell plain: no blanks around it, nothing invisible in it, full-width marks and digits as half-width ones.
func tidy(cell string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case r == '\u3000':
			return ' '
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		}
		return r
	}, cell)
	return strings.TrimPrefix(strings.TrimSpace(plain), "'")
}

var (
	hoursPattern = regexp.MustCompile(`(\d{1,2}):(\d{2})\s*(?:-|–|—|~|至|到)+\s*(次日|第二天|翌日|next day)?\s*(\d{1,2}):(\d{2})`)
	clockWords   = regexp.MustCompile(`(\d{1,2})\s*[点时](?:(\d{1,2})分?|(半))?`)
	wholeDays    = []string{"全天", "全日", "24小时", "昼夜", "all day", "24h", "whole day"}
)

// parseHours reads hours out of a text: "白班(8:00-20:00)", "18点至次日8点", "全天". found: there were some.
func parseHours(text string) (hours []stillwater.Hours, found bool, problem string) {
	text = clockWords.ReplaceAllStringFunc(strings.ToLower(text), func(s string) string {
		m := clockWords.FindStringSubmatch(s)
		minutes := m[2]
		switch {
		case m[3] != "":
			minutes = "30"
		case minutes == "":
			minutes = "00"
		case len(minutes) == 1:
			minutes = "0" + minutes
		}
		return m[1] + ":" + minutes
	})
	for _, m := range hoursPattern.FindAllStringSubmatch(text, -1) {
		var h stillwater.Hours
		if err := h.UnmarshalText([]byte(m[1] + ":" + m[2] + "-" + m[4] + ":" + m[5])); err != nil {
			return nil, true, err.Error()
		}
		if m[3] != "" && h.To > h.From {
			return nil, true, fmt.Sprintf("%q is longer than a day; write a shift of at most 24 hours", m[0])
		}
		hours = append(hours, h)
	}
	if len(hours) == 0 && slices.ContainsFunc(wholeDays, func(word string) bool { return strings.Contains(text, word) }) {
		return slices.Clone(wholeDay), true, ""
	}
	return hours, len(hours) > 0, ""
}

// hours reads the hours of a row; a table without a column for them means whole days.
func (t *table) hours(i int) []stillwater.Hours {
	column := t.column("hours")
	if column < 0 {
		return nil
	}
	cell := t.cell(i, column)
	hours, found, problem := parseHours(cell)
	switch {
	case problem != "":
		t.problem(i, column, "%s", problem)
	case cell == "":
		t.problem(i, column, "is empty; write the hours, like 08:00-20:00, or 全天 for the whole day")
	case !found:
		t.problem(i, column, "%q says no hours; write them too, like 08:00-20:00 or 18:00-次日08:00", cell)
	}
	return hours
}

// handover reads minutes: "15", "15m", "15分钟".
func (t *table) handover(i int) time.Duration {
	column := t.column("handover")
	cell := t.cell(i, column)
	if noneMarks[cell] {
		return 0
	}
	number := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(cell, "min"), "m"), "钟"), "分"))
	n, err := strconv.Atoi(number)
	if d := time.Duration(n) * time.Minute; err == nil && n >= 0 && d <= maxHandover {
		return d
	}
	t.problem(i, column, "%q are not minutes up to 240; write like 15", cell)
	return 0
}

var (
	weekdayWords = regexp.MustCompile(`(?:星期|周|礼拜)([一二三四五六日天])`)
	datePattern  = regexp.MustCompile(`(?:(20\d\d)\s*[-/.年]\s*)?(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?`)
	lastDay      = regexp.MustCompile(`^\s*(?:-|–|—|~|至|到)+\s*(\d{1,2})\s*[日号]?\s*$`)
	midnight     = regexp.MustCompile(`[T ]0?0:00(:00)?$`)
	serialDate   = regexp.MustCompile(`^[3-7]\d{4}(\.0+)?$`)
)

// spreadsheetEpoch is the day from which spreadsheets count theirs.
var spreadsheetEpoch = DateOf(time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC))

// when is the days of a row: dates, days of the week, or days of the week from a date on.
func (t *table) when(i int) (from, to Date, days []Days) {
	column := t.column("date")
	if column < 0 {
		column = t.column("from")
	}
	if column < 0 {
		return 0, 0, t.days(i)
	}
	if cell := t.cell(i, column); cell != "" {
		t.date = t.dates(i, column, cell)
		if end := t.value(i, "to"); end != "" {
			t.date.to = t.dates(i, t.column("to"), end).to
		}
	} else if t.date == (span2{}) {
		t.problem(i, column, "is empty; write the date, like 2026-02-16")
	}
	if t.date.to < t.date.from {
		t.problem(i, column, "%s is before %s; put the earlier day first", t.date.to, t.date.from)
	}
	switch cell := t.value(i, "days"); {
	case cell == "":
	case t.date.from == t.date.to:
		t.compareWeekday(i, t.column("days"), cell, t.date.from)
	default:
		days = t.days(i)
	}
	return t.date.from, t.date.to, days
}

// dates reads a date or a span of dates.
func (t *table) dates(i, column int, cell string) span2 {
	if serialDate.MatchString(cell) {
		n, _ := strconv.Atoi(cell[:5])
		d := spreadsheetEpoch + Date(n)
		return span2{d, d}
	}
	cell = midnight.ReplaceAllString(cell, "")
	found := datePattern.FindAllStringSubmatch(cell, -1)
	rest := datePattern.ReplaceAllString(cell, "")
	if last := lastDay.FindStringSubmatch(rest); len(found) == 1 && last != nil { // 2月16日-18日
		found = append(found, []string{"", found[0][1], found[0][2], last[1]})
		rest = ""
	}
	if len(found) == 0 || len(found) > 2 || strings.ContainsFunc(rest, unicode.IsDigit) {
		t.problem(i, column, "%q is no date; write like 2026-02-16, or a span like 2026-02-16..2026-02-18", cell)
		return span2{}
	}
	var days []Date
	for _, m := range found {
		d, problem := t.dateOf(m)
		if problem != "" {
			t.problem(i, column, "%q %s", cell, problem)
			return span2{}
		}
		days = append(days, d)
	}
	if len(days) == 1 {
		t.compareWeekday(i, column, cell, days[0])
	}
	return span2{days[0], days[len(days)-1]}
}

// dateOf is one date; a year that is not said is that of the date before, or of the title.
func (t *table) dateOf(m []string) (Date, string) {
	month, _ := strconv.Atoi(m[2])
	day, _ := strconv.Atoi(m[3])
	year := t.year
	if m[1] != "" {
		year, _ = strconv.Atoi(m[1])
	} else if last := t.date.to; !last.IsZero() && last.UTC().Year() == year && int(last.UTC().Month())-month > 6 {
		year++ // December's roster goes on into January
	}
	if year == 0 {
		return 0, "lacks its year; write like 2026-02-16, or the year into the title above the columns"
	}
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if at.Day() != day || int(at.Month()) != month {
		return 0, "is no day of the calendar; mend it"
	}
	t.year = year
	return DateOf(at), ""
}

// compareWeekday refuses a date with another day of the week beside it: most often the roster is a copy of last year's.
func (t *table) compareWeekday(i, column int, cell string, d Date) {
	said := -1
	if m := weekdayWords.FindStringSubmatch(cell); m != nil {
		said = min(6, slices.Index([]rune("一二三四五六日天"), []rune(m[1])[0]))
	} else if len(cell) >= 3 {
		said = weekday(strings.ToLower(cell[:3]))
	} else if n := slices.Index([]string{"一", "二", "三", "四", "五", "六", "日"}, cell); n >= 0 {
		said = n
	}
	if said >= 0 && said != mondayFirst(d.Weekday()) {
		t.problem(i, column, "%q does not fit: %s is a %s; is the table that of another year?", cell, d, d.Weekday())
	}
}

// dayWords are kinds of day as offices write them.
var dayWords = map[string]Days{"工作日": "workdays", "节假日": "holidays", "法定节假日": "holidays", "周末": "weekends", "双休日": "weekends", "休息日": "restdays", "每天": "mon-sun", "每日": "mon-sun", "daily": "mon-sun"}

// days reads days of the week: "周一至周五", "周六、周日", "工作日", "mon-fri".
func (t *table) days(i int) (list []Days) {
	column := t.column("days")
	cell := weekdayWords.ReplaceAllStringFunc(t.cell(i, column), func(s string) string {
		return weekdays[min(6, slices.Index([]rune("一二三四五六日天"), []rune(s)[len([]rune(s))-1]))]
	})
	cell = strings.NewReplacer("至", "-", "到", "-", "~", "-").Replace(cell)
	for _, word := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";,、和\n ", r) }) {
		d := Days(word)
		if known, ok := dayWords[word]; ok {
			d = known
		}
		if _, problem := d.parse(); problem != "" {
			t.problem(i, column, "%s", problem)
			return nil
		}
		list = append(list, d)
	}
	if len(list) == 0 {
		t.problem(i, column, "is empty; write days, like 周一至周五, 工作日 or mon-fri")
	}
	return list
}
