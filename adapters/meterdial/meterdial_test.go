package meterdial

import (
	"math"
	"strings"
	"testing"

	"stillwater"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, unit    string
		volume, digit stillwater.Litres
	}{
		{"00123.456", "m3", 123456, 1}, {"123", "m³", 123000, 1000}, {"88401", "L", 88401, 1}, {"12.5", "gal", 47.3176473, 0.3785411784}, {"0.1", "FT3", 2.8316846592, 2.8316846592},
	} {
		d, err := Parse(c.text, c.unit)
		if err != nil || math.Abs(float64(d.Volume-c.volume)) > 1e-6 || math.Abs(float64(d.Digit-c.digit)) > 1e-9 {
			t.Errorf("%s %s: %+v, %v", c.text, c.unit, d, err)
		}
	}
	for _, c := range [][2]string{{"", "m3"}, {"12,5", "m3"}, {"-3", "m3"}, {"1e3", "m3"}, {"NaN", "m3"}, {"1.2.3", "m3"}, {"12.5", "barrels"}} {
		if d, err := Parse(c[0], c[1]); err == nil || !strings.Contains(err.Error(), "write") {
			t.Errorf("%q: %+v, %v", c, d, err)
		}
	}
}

// What agrees is evidence, the more so the more digits do; a little more than was read is weaker, less is weaker still, and far off is none.
func TestDialEvidence(t *testing.T) {
	d := Dial{Volume: 123456, Digit: 1}
	order := []float64{
		d.Evidence(123456, 1), d.Evidence(123457.5, 1), d.Evidence(123466, 1), d.Evidence(123446, 1), d.Evidence(123556, 1), 0,
	}
	for i := 1; i < len(order); i++ {
		if !(order[i] < order[i-1]) {
			t.Errorf("%v: the value at %d is no weaker than the one before", order, i)
		}
	}
	if order[0] < 19 || order[0] > 22 {
		t.Errorf("six digits give %.1f bits, want about 20", order[0])
	}
	rough := Dial{Volume: 123000, Digit: 1000}
	if a, b := rough.Evidence(123456, 1), order[0]; !(a > 8 && a < b-8) {
		t.Errorf("three digits give %.1f bits, six %.1f", a, b)
	}
	if a, b := d.Evidence(123000, 1000), order[0]; !(a > 5 && a < b-8) {
		t.Errorf("a counter of cubic metres gives %.1f bits, one of litres %.1f", a, b)
	}
	for _, v := range []stillwater.Litres{0, 124456, 122456, -1, stillwater.Litres(math.NaN()), stillwater.Litres(math.Inf(1))} {
		if b := d.Evidence(v, 1); !math.IsInf(b, -1) {
			t.Errorf("%v gives %.1f bits", v, b)
		}
	}
}
