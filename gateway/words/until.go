package words

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// backBy is the hour at which somebody who is away until a day is expected: early enough that the night is watched, late enough for most
// journeys.
const backBy = 18

var (
	fullDate = regexp.MustCompile(`(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})`)
	monthDay = regexp.MustCompile(`(\d{1,2})\s*(?:[-/]|月)\s*(\d{1,2})`)
	dayAlone = regexp.MustCompile(`(\d{1,2})\s*[日号號]`)
	inDays   = regexp.MustCompile(`(\d{1,2})\s*(?:天|days?\b)`)
	weekday  = regexp.MustCompile(`(?:周|星期|礼拜)\s*([一二三四五六日天])|\b(mon|tue|wed|thu|fri|sat|sun)`)
)

// weekdays by what weekday finds.
var weekdays = map[string]time.Weekday{
	"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "日": 0, "天": 0,
	"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 0,
}

// AwayUntil is the moment until which the answer "3 away until …" says that she is away, where it names a day: 12月25日, 12-25, 25日,
// 2026-12-25, 周日, Sunday, 3天, 5 days. It is the evening of that day, the next of that name after now. False: it names none, or one
// that is no date; then nothing is paused.
func AwayUntil(reply string, now time.Time) (time.Time, bool) {
	line, _ := lines(reply)
	text := strings.ToLower(line)
	if m := leading.FindString(text); m != "" {
		text = text[len(m):]
	}
	year, month, day := now.Date()
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	switch {
	case fullDate.MatchString(text):
		m := fullDate.FindStringSubmatch(text)
		return evening(number(m[1]), number(m[2]), number(m[3]), now)
	case monthDay.MatchString(text):
		m := monthDay.FindStringSubmatch(text)
		if at, ok := evening(year, number(m[1]), number(m[2]), now); ok {
			return at, true
		}
		return evening(year+1, number(m[1]), number(m[2]), now)
	case dayAlone.MatchString(text):
		d := number(dayAlone.FindStringSubmatch(text)[1])
		if at, ok := evening(year, int(month), d, now); ok {
			return at, true
		}
		next := time.Date(year, month+1, 1, 0, 0, 0, 0, now.Location())
		return evening(next.Year(), int(next.Month()), d, now)
	case weekday.MatchString(text):
		m := weekday.FindStringSubmatch(text)
		ahead := (int(weekdays[m[1]+m[2]]) - int(now.Weekday()) + 7) % 7
		at := time.Date(year, month, day+ahead, backBy, 0, 0, 0, now.Location())
		if !at.After(now) {
			at = at.AddDate(0, 0, 7)
		}
		return at, true
	case inDays.MatchString(text):
		n := number(inDays.FindStringSubmatch(text)[1])
		return time.Date(year, month, day+n, backBy, 0, 0, 0, now.Location()), n > 0
	}
	return time.Time{}, false
}

// evening is the evening of a date after now; false: there is no such date, or it is over.
func evening(year, month, day int, now time.Time) (time.Time, bool) {
	at := time.Date(year, time.Month(month), day, backBy, 0, 0, 0, now.Location())
	y, m, d := at.Date()
	return at, y == year && int(m) == month && d == day && at.After(now)
}
