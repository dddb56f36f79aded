package rules

import "math"

// A ceiling is the most that a home uses, learned from its own weeks: of each of the last half-year the most litres of one kind,
// in an hour, in a day, by one draw. Beyond what it has seen it follows a Gumbel distribution of the logarithms, the limit of maxima,
// drawn towards all homes while few weeks are known, and it is never below the most it has seen. A week with guests raises it
// until that week is half a year old, and a burst pipe no more than a large wash does (see most).
type ceiling struct {
	Week  uint16              // the week under way, from 1970; 0: none yet
	Most  loudness            // of it
	Seen  uint8               // how many of Weeks are known
	Next  uint8               // where the next goes
	Weeks [weeksKept]loudness // a ring
}

const (
	weeksKept  = 26
	weeksLeast = 3    // what the home itself uses is not known before
	headroom   = 1.05 // above the most it has seen
	taught     = 2    // what is over the ceiling teaches at most this many times the ceiling
	week       = 7 * 24 * 60 * minute
)

// octave is twice as loud.
const octave loudness = 16

// loudness is litres as a sixteenth of their binary logarithm, in a byte: up to 4 % more than they are, at most 63 m³.
type loudness uint8

func loudnessOf(ml float64) loudness {
	return loudness(min(255, max(0, math.Ceil(16*math.Log2(max(1, ml/1000))))))
}

func (l loudness) ml() float64 { return loudnesses[l] }

// loudnesses are in millilitres: a table.
var loudnesses = func() (ml [256]float64) {
	for l := range ml {
		ml[l] = 1000 * math.Exp2(float64(l)/16)
	}
	return ml
}()

// A commonCeiling is what weeks hold in all homes: mean and standard deviation of the binary logarithm of litres. The mean counts as
// much as commonWeeks weeks of the home, the deviation as much as commonSpread.
type commonCeiling struct{ mean, spread float64 }

const (
	commonWeeks  = 2
	commonSpread = 6
)

// Of 44 homes of the DAIAD trial (Alicante 2016–17, CC BY-SA 4.0), made smaller for people who live alone.
var (
	commonHour      = commonCeiling{6.3, 0.6}
	commonDay       = commonCeiling{8.2, 0.6}
	commonDraw      = commonCeiling{6.3, 0.6}
	commonNightDraw = commonCeiling{5.6, 0.7}
)

// weekOf numbers weeks.
func weekOf(at instant) uint16 { return uint16(min(max(1, at/week), math.MaxUint16)) }

// most takes millilitres at a moment and says whether they are the most of their week. More than the bound teaches less than it is.
func (c *ceiling) most(at instant, ml, bound float64) {
	if w := weekOf(at); w > c.Week {
		if most := max(c.Most, c.floor()); most > 0 {
			c.Weeks[c.Next%weeksKept] = most
			c.Next = (c.Next + 1) % weeksKept
			c.Seen = min(c.Seen+1, weeksKept)
		}
		c.Week, c.Most = w, 0
	}
	c.Most = max(c.Most, loudnessOf(min(ml, taught*bound)))
}

// floor is half the most of the week before: what is less is not looked at closely, and counts as so much.
func (c *ceiling) floor() loudness {
	if c.Seen == 0 {
		return 0
	}
	return max(c.Weeks[(c.Next+weeksKept-1)%weeksKept], octave) - octave
}

// news is from how many millilitres on something may be the most of the week.
func (c *ceiling) news() float64 { return max(c.Most, c.floor()).ml() }

// known says whether the ceiling is the home's own.
func (c *ceiling) known() bool { return c.Seen >= weeksLeast }

// bound is how many millilitres a home exceeds perYear times a year.
func (c *ceiling) bound(common commonCeiling, perYear float64) float64 {
	n, sum, most := float64(c.Seen), 0.0, c.Most
	for _, l := range c.Weeks[:c.Seen] {
		sum += float64(l) / 16
		most = max(most, l)
	}
	mean := (commonWeeks*common.mean + sum) / (commonWeeks + n)
	squares := commonSpread * common.spread * common.spread
	for _, l := range c.Weeks[:c.Seen] {
		d := float64(l)/16 - mean
		squares += d * d
	}
	spread := math.Sqrt(squares / (commonSpread + n))
	const eulerMascheroni = 0.5772
	scale := spread * math.Sqrt(6) / math.Pi
	perWeek := min(0.5, perYear/52)
	bound := math.Exp2(mean+scale*(-math.Log(-math.Log1p(-perWeek))-eulerMascheroni)) * 1000
	return max(bound, headroom*most.ml())
}

func (c *ceiling) fields(k *codec) {
	small(k, 1, &c.Week)
	small(k, 2, &c.Most)
	small(k, 3, &c.Seen)
	small(k, 4, &c.Next)
	numbers(k, 5, c.Weeks[:])
	if k.reading {
		c.Seen = min(c.Seen, weeksKept)
	}
}
