package backtest

import "stillwater"

// span is values of a quantity between which all are plausible.
type span struct {
	of       stillwater.Quantity
	low, top float64
}

// has says whether the reading is plausible. To ask of each costs more than to read it, and plausible values have no gaps.
func (s *span) has(r *stillwater.Reading) bool {
	if s.of == r.Quantity && s.low <= r.Value && r.Value <= s.top && !r.At.IsZero() {
		return true
	}
	if r.Validate() != nil {
		return false
	}
	if s.of != r.Quantity {
		*s = span{r.Quantity, r.Value, r.Value}
	}
	s.low, s.top = min(s.low, r.Value), max(s.top, r.Value)
	if further := *r; s.top == r.Value { // counters go on
		if further.Value += countedOn; further.Validate() == nil {
			s.top = further.Value
		}
	}
	return true
}

// countedOn is how far beyond a value it is looked whether that would be plausible too: litres that a home uses in weeks.
const countedOn = 10_000
