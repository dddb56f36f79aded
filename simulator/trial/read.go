package trial

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"stillwater"
)

// A finding is one line of alerts.csv.
type finding struct {
	household    stillwater.HouseholdID
	rule         string
	severity     stillwater.Severity
	began, ended time.Time // ended zero: it goes on
}

// readAbout reads what a staged recording says of itself.
func readAbout(dir string) (About, error) {
	var a About
	text, err := os.ReadFile(filepath.Join(dir, AboutFile))
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("%s: %w", AboutFile, err)
	}
	return a, nil
}

// readHomes reads homes.csv.
func readHomes(dir string) (map[stillwater.HouseholdID]Home, error) {
	homes := map[stillwater.HouseholdID]Home{}
	err := rows(filepath.Join(dir, HomesFile), []string{"household", "stratum", "event", "from", "to", "note"}, func(f []string) (err error) {
		h := Home{Household: stillwater.HouseholdID(f[0]), Stratum: Stratum(f[1]), Event: Event(f[2]), Note: f[5]}
		if h.From, err = time.Parse(time.RFC3339, f[3]); err == nil {
			h.To, err = time.Parse(time.RFC3339, f[4])
		}
		homes[h.Household] = h
		return err
	})
	return homes, err
}

// readTruths reads truth.csv.
func readTruths(dir string) ([]Truth, error) {
	var truths []Truth
	err := rows(filepath.Join(dir, TruthFile), []string{"household", "event", "from", "to", "note", "known"}, func(f []string) (err error) {
		t := Truth{Household: stillwater.HouseholdID(f[0]), Event: Event(f[1]), Note: f[4]}
		if t.From, err = time.Parse(time.RFC3339, f[2]); err == nil {
			t.To, err = time.Parse(time.RFC3339, f[3])
		}
		if err == nil {
			t.Known, err = time.Parse(time.RFC3339, f[5])
		}
		truths = append(truths, t)
		return err
	})
	return truths, err
}

// readFindings reads the alerts.csv of a backtest, by home; those of a group have an empty home.
func readFindings(path string) (map[stillwater.HouseholdID][]finding, error) {
	all := map[stillwater.HouseholdID][]finding{}
	err := rows(path, []string{"household", "rule", "severity", "began", "ended"}, func(f []string) (err error) {
		x := finding{household: stillwater.HouseholdID(f[0]), rule: f[1], severity: stillwater.Severity(f[2])}
		if !x.severity.Valid() {
			return fmt.Errorf("severity %q", f[2])
		}
		if x.began, err = time.Parse(time.RFC3339, f[3]); err == nil && f[4] != "" {
			x.ended, err = time.Parse(time.RFC3339, f[4])
		}
		all[x.household] = append(all[x.household], x)
		return err
	})
	for _, list := range all {
		slices.SortStableFunc(list, func(a, b finding) int { return a.began.Compare(b.began) })
	}
	return all, err
}

// rows gives each row of a table, its fields in the order of the columns asked for.
func rows(path string, columns []string, take func([]string) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	table := csv.NewReader(f)
	header, err := table.Read()
	if err != nil {
		return fmt.Errorf("%s: the header is missing: %w", path, err)
	}
	places := make([]int, len(columns))
	for i, c := range columns {
		if places[i] = slices.Index(header, c); places[i] < 0 {
			return fmt.Errorf("%s:1: no column %q", path, c)
		}
	}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		fields := make([]string, len(columns))
		for i, p := range places {
			fields[i] = row[p]
		}
		if err := take(fields); err != nil {
			line, _ := table.FieldPos(0)
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
}
