package rules

import (
	"slices"
	"strings"
)

// WithBudget is the same rules with another budget, in false alerts per home and year, for the silence that learns. Rules without a budget,
// and those with one for something else, stay as they are.
func WithBudget(list []Rule, perHomeYear float64) []Rule {
	list = slices.Clone(list)
	for i := range list {
		if r := &list[i]; r.Budget > 0 && strings.HasPrefix(r.Name, "silence") {
			r.Budget = perHomeYear
		}
	}
	return list
}
