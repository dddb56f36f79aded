package rules

import (
	"fmt"
	"slices"
	"time"

	"stillwater"
)

// A Rule is a detector with parameters and a severity. Which parameters count is the detector's, named by how the rule's name begins.
type Rule struct {
	Name     string              `yaml:"rule" doc:"begins with its detector: silence, surge, leak, leak-running, door-open, door-open-night, door-unusual, night-exit, no-exit, away, trend-night, trend-use, trend-first, device-silent, device-blind, device-door-stuck, device-door-inverted, device-door-chattering, common-cause-water, common-cause-blind, custom"`
	Severity stillwater.Severity `yaml:"severity" doc:"notice (maintenance), question (family is asked, nobody is sent), alert or urgent"`
	Trial    bool                `yaml:"trial,omitempty" doc:"true: the rule is counted and reported, and tells nobody"`
	After    time.Duration       `yaml:"after,omitempty" doc:"how long before it is raised: without a sign of life, with the door open, without a report, of running water"`
	Within   time.Duration       `yaml:"within,omitempty" doc:"the window that litres are counted in"`
	Under    stillwater.Litres   `yaml:"under,omitempty" doc:"raised when less than this was used in the window"`
	Over     stillwater.Litres   `yaml:"over,omitempty" doc:"raised when more than this was used in the window, or by one draw"`
	Budget   float64             `yaml:"budget,omitempty" doc:"of a rule that learns: how many false alerts a home may have in a year; with 40 homes and 4 a year a worker makes 3 visits for nothing a week. Fewer means later"`
	Learning bool                `yaml:"learning,omitempty" doc:"true: the rule holds only until the home's routine is learned, 28 covered days"`
	When     string              `yaml:"when,omitempty" doc:"of a custom rule: what must be true, like litres(\"6h\") > 300 and hour < 6; check names what can be asked"`
	About    stillwater.Kind     `yaml:"about,omitempty" doc:"of a custom rule: what its incident is about, welfare (default), water, door or device"`

	Condition *Condition `yaml:"-" json:"-"` // When, compiled; the loader hands it in
}

// Defaults are the rules for homes that are not learned yet.
func Defaults() []Rule {
	return []Rule{
		{Name: "silence-learned", Severity: stillwater.Alert, After: 48 * time.Hour, Budget: 4},
		{Name: "silence-12h", Severity: stillwater.Question, After: 12 * time.Hour, Learning: true},
		{Name: "silence-24h", Severity: stillwater.Alert, After: 24 * time.Hour, Learning: true},
		{Name: "away-question", Severity: stillwater.Question, After: 10 * time.Hour, Budget: 6},
		{Name: "away-alert", Severity: stillwater.Alert, After: 12 * time.Hour},
		{Name: "absence-use", Severity: stillwater.Question},
		{Name: "absence-back", Severity: stillwater.Question},
		{Name: "surge-2m3-day", Severity: stillwater.Alert, Over: 2000, Within: 24 * time.Hour},
		{Name: "surge-learned", Severity: stillwater.Alert, Budget: 1},
		{Name: "leak-running", Severity: stillwater.Urgent, After: 6 * time.Hour, Budget: 1},
		{Name: "leak-24h", Severity: stillwater.Notice, After: 24 * time.Hour},
		{Name: "leak-night", Severity: stillwater.Notice, After: 3 * 24 * time.Hour},
		{Name: "door-open", Severity: stillwater.Question, After: time.Hour},
		{Name: "door-open-night", Severity: stillwater.Alert, After: 20 * time.Minute},
		{Name: "door-unusual", Severity: stillwater.Question},
		{Name: "night-exit", Severity: stillwater.Alert, After: 30 * time.Minute},
		{Name: "no-exit", Severity: stillwater.Notice, After: 7 * 24 * time.Hour},
		{Name: "trend-night", Severity: stillwater.Notice},
		{Name: "trend-use", Severity: stillwater.Notice},
		{Name: "trend-first", Severity: stillwater.Notice},
		{Name: "device-silent", Severity: stillwater.Notice},
		{Name: "device-blind", Severity: stillwater.Alert, After: 24 * time.Hour},
		{Name: "device-door-stuck", Severity: stillwater.Notice},
		{Name: "device-door-inverted", Severity: stillwater.Notice},
		{Name: "device-door-chattering", Severity: stillwater.Notice},
		{Name: "common-cause-water", Severity: stillwater.Alert},
		{Name: "common-cause-blind", Severity: stillwater.Notice},
		{Name: "common-cause-blind-day", Severity: stillwater.Alert},
	}
}

// Presets are the rules cities use as they are. They can be switched on; a backtest counts them on trial.
func Presets() []Rule {
	return []Rule{
		{Name: "silence-none-in-12h", Severity: stillwater.Alert, After: 12 * time.Hour},
		{Name: "silence-under-10L-12h", Severity: stillwater.Alert, Under: 10, Within: 12 * time.Hour},
		{Name: "silence-under-10L-24h", Severity: stillwater.Alert, Under: 10, Within: 24 * time.Hour},
		{Name: "surge-1m3-day", Severity: stillwater.Alert, Over: 1000, Within: 24 * time.Hour},
		{Name: "surge-500L-hour", Severity: stillwater.Alert, Over: 500, Within: time.Hour},
	}
}

// OnTrial gives the presets that no rule of on has the name of, as trials.
func OnTrial(on []Rule) []Rule {
	var trials []Rule
	for _, p := range Presets() {
		if !slices.ContainsFunc(on, func(r Rule) bool { return r.Name == p.Name }) {
			p.Trial = true
			trials = append(trials, p)
		}
	}
	return trials
}

// Bounds of what a rule may say: beyond them it is a slip of the pen.
const (
	minAfter  = time.Minute
	maxAfter  = 30 * 24 * time.Hour
	maxWithin = 48 * time.Hour // draws are remembered this long
	maxBudget = 400            // more than one a day is no budget
)

// Validate says what is wrong with a rule, field by field. It is the loader's; see gateway/config.
func (r *Rule) Validate(report func(field any, problem string)) {
	if !r.Severity.Valid() {
		report(&r.Severity, fmt.Sprintf("%q is not a severity; write notice, question, alert or urgent", r.Severity))
	}
	d := detectorOf(r.Name)
	if d == nil {
		hint := "begin its name with that of a detector"
		if near := nearestDetector(r.Name); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		report(&r.Name, fmt.Sprintf("rule %q begins with no detector; %s (stillwater check --help lists them)", r.Name, hint))
		return
	}
	if m, ok := d.(interface{ most() stillwater.Severity }); ok && r.Severity.Above(m.most()) {
		report(&r.Severity, fmt.Sprintf("rule %q is for prevention and never an alarm; write severity: %s", r.Name, m.most()))
	}
	needs := d.needs(*r)
	for _, p := range []struct {
		name  string
		field any
		set   bool
	}{
		{"after", &r.After, r.After != 0},
		{"within", &r.Within, r.Within != 0},
		{"under", &r.Under, r.Under != 0},
		{"over", &r.Over, r.Over != 0},
		{"budget", &r.Budget, r.Budget != 0},
		{"learning", &r.Learning, r.Learning},
		{"when", &r.When, r.When != ""},
		{"about", &r.About, r.About != ""},
	} {
		switch {
		case needs[p.name] == must && !p.set:
			report(p.field, fmt.Sprintf("rule %q needs %s; add a line like %s", r.Name, p.name, examples[p.name]))
		case needs[p.name] == never && p.set:
			report(p.field, fmt.Sprintf("rule %q does not use %s; take the line out", r.Name, p.name))
		}
	}
	if r.After != 0 && (r.After < minAfter || r.After > maxAfter) {
		report(&r.After, fmt.Sprintf("%s is out of range; after is between 1m and 30d", stillwater.FormatSpan(r.After)))
	}
	if r.Within != 0 && (r.Within < minAfter || r.Within > maxWithin) {
		report(&r.Within, fmt.Sprintf("%s is out of range; within is between 1m and 48h", stillwater.FormatSpan(r.Within)))
	}
	if r.Budget < 0 || r.Budget > maxBudget {
		report(&r.Budget, fmt.Sprintf("%v is out of range; budget is false alerts per home and year, more than 0 and at most %d", r.Budget, maxBudget))
	}
	switch r.About {
	case "", stillwater.Welfare, stillwater.Water, stillwater.DoorKind, stillwater.Equipment:
	default:
		report(&r.About, fmt.Sprintf("%q is nothing an incident is about; write welfare, water, door or device", r.About))
	}
}

// CheckNames reports rules that share a name.
func CheckNames(list []Rule, report func(field any, problem string)) {
	seen := map[string]bool{}
	for i := range list {
		if name := list[i].Name; name != "" && seen[name] {
			report(&list[i].Name, fmt.Sprintf("rule %q stands twice; give each rule a name of its own", name))
		}
		seen[list[i].Name] = true
	}
}

// examples shows how each parameter is written.
var examples = map[string]string{"after": "after: 12h", "within": "within: 24h", "under": "under: 10 L", "over": "over: 1 m³", "budget": "budget: 4", "learning": "learning: true", "when": "when: still_hours > 8 and night"}

// need says how a detector takes a parameter.
type need int

const (
	never need = iota
	may
	must
)
