package backtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// absencesFile stands beside a recording where people said when nobody is in: household, from, until, and perhaps told, the moment at
// which they said it; without one it was said at its beginning. A line with neither from nor until takes back what was said before. It
// is played as part of the journal. (away.csv is another thing: the truth, for the figures alone.)
const absencesFile = "absences.csv"

// plannedAbsences reads the file of a folder, if it is there.
func plannedAbsences(folder string) (list []stillwater.Absence, err error) {
	err = beside(folder, absencesFile, func(header []string) error {
		header[0] = strings.TrimPrefix(header[0], "\ufeff")
		if want := []string{"household", "from", "until", "told"}; !slices.Equal(header, want) && !slices.Equal(header, want[:3]) {
			return errors.New("the header is household,from,until and perhaps told")
		}
		return nil
	}, func(row []string) error {
		a, err := absenceOf(row)
		list = append(list, a)
		return err
	})
	return list, err
}

func absenceOf(row []string) (a stillwater.Absence, err error) {
	a.Household = stillwater.HouseholdID(row[0])
	at := []*time.Time{&a.From, &a.Until, &a.At}
	for i, text := range row[1:] {
		if text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return a, fmt.Errorf("%q is not a time; write like 2026-01-02T15:04:05Z", text)
		}
		*at[i] = t.UTC().Truncate(stillwater.Instant)
	}
	if a.At.IsZero() {
		a.At = a.From
	}
	return a, a.Validate()
}

// inOrder sorts absences by when they were said.
func inOrder(list []stillwater.Absence) {
	slices.SortStableFunc(list, func(a, b stillwater.Absence) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(string(a.Household), string(b.Household)))
	})
}

// saidAbsence is an absence with its number among all, which are in order.
type saidAbsence struct {
	stillwater.Absence
	n int64
}

// said is when the next absence is said that the lane has not played; zero: there is none.
func (l *lane) said() time.Time {
	if len(l.absences) == 0 {
		return time.Time{}
	}
	return l.absences[0].At
}

// say plays the next absence.
func (l *lane) say() {
	a := l.absences[0]
	l.absences = l.absences[1:]
	l.happens(moment{at: a.At, kind: anAbsence, n: a.n})
	found, _ := l.engine.Step(&stillwater.Entry{Away: &a.Absence})
	l.file(found)
}
