package backtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"stillwater"
)

// groupColumns are the columns of households.csv, all of which may be absent, that say what a home shares with others. What is empty is
// shared with nobody.
var groupColumns = []string{"building", "riser", "zone", "feed"}

// households is what is known of the homes of recordings. Of each time zone there is one copy, in byName.
type households struct {
	byName map[string]*time.Location
	zones  map[stillwater.HouseholdID]*time.Location
	people map[stillwater.HouseholdID]int // how many live there; none where that is not said
	groups map[stillwater.HouseholdID][]string
}

func newHouseholds() households {
	return households{
		byName: map[string]*time.Location{}, zones: map[stillwater.HouseholdID]*time.Location{},
		people: map[stillwater.HouseholdID]int{}, groups: map[stillwater.HouseholdID][]string{},
	}
}

// read adds what a folder's households.csv says; without one nothing is known.
func (h *households) read(folder string) error {
	var columns []string
	groups := map[stillwater.HouseholdID][]string{}
	err := beside(folder, "households.csv", func(header []string) error {
		columns = slices.Clone(header)
		if !slices.Contains(columns, "household") || !slices.Contains(columns, "timezone") {
			return errors.New("the header needs the columns household and timezone")
		}
		return nil
	}, func(row []string) error {
		field := func(name string) string {
			if i := slices.Index(columns, name); i >= 0 {
				return row[i]
			}
			return ""
		}
		id := stillwater.HouseholdID(field("household"))
		for _, name := range groupColumns {
			if of := field(name); of != "" {
				if name == "riser" { // of a building: another's has the same name
					of = field("building") + "/" + of
				}
				groups[id] = append(groups[id], name+"/"+of)
			}
		}
		if err := h.locate(id, field("timezone")); err != nil {
			return err
		}
		return h.inhabit(id, field("residents"))
	})
	maps.Copy(h.groups, groups)
	return err
}

func (h *households) locate(id stillwater.HouseholdID, zone string) error {
	loc := h.byName[zone]
	if loc == nil {
		var err error
		if loc, err = time.LoadLocation(zone); err != nil {
			return fmt.Errorf("%q is not a time zone; write like Asia/Shanghai", zone)
		}
		h.byName[zone] = loc
	}
	h.zones[id] = loc
	return nil
}

func (h *households) inhabit(id stillwater.HouseholdID, residents string) error {
	if residents == "" {
		return nil
	}
	n, err := strconv.Atoi(residents)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a number of residents; write like 1", residents)
	}
	h.people[id] = n
	return nil
}
