package backtest

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"stillwater"
)

// groupColumns are the columns of households.csv, all of which may be absent, that say what a home shares with others. What is empty is
// shared with nobody.
var groupColumns = []string{"building", "riser", "zone", "feed"}

// groups are the groups of the households in a folder; without a households.csv there are none.
func groups(folder string) (map[stillwater.HouseholdID][]string, error) {
	path := filepath.Join(folder, "households.csv")
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", path, err)
	}
	id, found := slices.Index(header, "household"), map[stillwater.HouseholdID][]string{}
	for {
		row, err := rows.Read()
		if err == io.EOF || id < 0 {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, name := range groupColumns {
			if i := slices.Index(header, name); i >= 0 && row[i] != "" {
				found[stillwater.HouseholdID(row[id])] = append(found[stillwater.HouseholdID(row[id])], name+"/"+row[i])
			}
		}
	}
}
