package registry

import (
	"math"
	"regexp"
	"strconv"
	"time"
)

// serial is a date as a spreadsheet counts it: in days.
var serial = regexp.MustCompile(`^\d{5}(\.\d+)?$`)

// The days between which a number is a date of our time: 1954 to 2119.
const (
	firstDay = 20_000
	lastDay  = 80_000
)

// daysTo1904 is how much later the old Macs began to count.
const daysTo1904 = 1462

// dateOf writes a spreadsheet's number of days as a date; anything else stays.
func dateOf(cell string, late bool) string {
	days, err := strconv.ParseFloat(cell, 64)
	if err != nil || !serial.MatchString(cell) {
		return cell
	}
	if late {
		days += daysTo1904
	}
	if days < firstDay || days > lastDay {
		return cell
	}
	whole, part := math.Modf(days)
	at := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(whole)).Add((time.Duration(part * float64(24*time.Hour))).Round(time.Second))
	if at.Equal(at.Truncate(24 * time.Hour)) {
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02T15:04:05")
}
