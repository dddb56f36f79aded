package expression

import (
	"slices"

	"stillwater/rules"
)

// A sort is what a quantity is, to the checker of types.
type sort int

const (
	number sort = iota
	whole
	yesNo
	text   // one of a few words
	window // litres("6h")
)

// A word is one name of the language.
type word struct {
	name  string
	sort  sort
	asks  rules.Quantity
	value []float64 // of a yesNo: what counts as yes, other than 1
	words []string  // of a text: by value
	least float64   // of a whole number
	most  float64
	doc   string
}

// vocabulary is every name, in the order of the manual.
var vocabulary = []word{
	{name: "still_hours", asks: rules.StillHours, doc: "hours without any sign of life, as far as there are data"},
	{name: "usual_hours", asks: rules.UsualHours, doc: "the longest stillness of a usual day of this home, in hours; unknown in the first week"},
	{name: "hours_since_water", asks: rules.HoursSinceWater, doc: "hours since water last ran, as far as there are data without a hole"},
	{name: "hours_since_door", asks: rules.HoursSinceDoor, doc: "hours since the door last moved; unknown while its contact is quiet for too long"},
	{name: "hours_since_activity", asks: rules.HoursSinceActivity, doc: "hours since another sensor last saw life; unknown while it is quiet for too long"},
	{name: "litres", sort: window, asks: rules.LitresIn, doc: "litres(\"6h\"): used in the last 6 hours, at most 48; unknown where data have a hole or come less often"},
	{name: "draws", sort: window, asks: rules.DrawsIn, doc: "draws(\"1h\"): reading intervals in which water was used, a minute at least; unknown as litres"},
	{name: "door", sort: text, asks: rules.DoorOpen, words: []string{"closed", "open"}, doc: "\"open\" or \"closed\""},
	{name: "door_open_minutes", asks: rules.DoorOpenMinutes, doc: "how long a door has stood open; 0 when closed"},
	{name: "hour", sort: whole, asks: rules.LocalHour, most: 23, doc: "0 to 23, the local hour"},
	{name: "weekday", sort: text, asks: rules.LocalWeekday, words: []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}, doc: "\"monday\" to \"sunday\""},
	{name: "month", sort: whole, asks: rules.LocalMonth, least: 1, most: 12, doc: "1 to 12"},
	{name: "night", sort: yesNo, asks: rules.LocalNight, value: []float64{1}, doc: "whether it is from 22 to 6"},
	{name: "workday", sort: yesNo, asks: rules.LocalDay, value: []float64{float64(rules.Workday)}, doc: "whether it is a working day by the calendar"},
	{name: "restday", sort: yesNo, asks: rules.LocalDay, value: []float64{float64(rules.Restday), float64(rules.Festival)}, doc: "whether it is not"},
	{name: "festival", sort: yesNo, asks: rules.LocalDay, value: []float64{float64(rules.Festival)}, doc: "whether it is the Spring Festival, or another that the calendar was told"},
	{name: "covered_days", asks: rules.CoveredDays, doc: "how many days of data there are, so that a rule can wait until the home is known"},
	{name: "data_age_hours", asks: rules.DataAgeHours, doc: "how old the newest data are"},
}

// find is the word of a name, nil for none.
func find(name string) *word {
	if i := slices.IndexFunc(vocabulary, func(w word) bool { return w.name == name }); i >= 0 {
		return &vocabulary[i]
	}
	return nil
}

// names lists the names as people write them.
func names() []string {
	list := make([]string, len(vocabulary))
	for i, w := range vocabulary {
		list[i] = w.name
	}
	return list
}

// Manual gives each name of the language with what it means, in the order of a manual.
func Manual() (lines [][2]string) {
	for _, w := range vocabulary {
		lines = append(lines, [2]string{w.name, w.doc})
	}
	return lines
}

// environment is the vocabulary as the library checks types by it.
func environment() map[string]any {
	env := map[string]any{}
	for _, w := range vocabulary {
		switch w.sort {
		case number:
			env[w.name] = 0.0
		case whole:
			env[w.name] = 0
		case yesNo:
			env[w.name] = false
		case text:
			env[w.name] = ""
		case window:
			env[w.name] = func(string) float64 { return 0 }
		}
	}
	return env
}
