package rules

import (
	"errors"
	"math"
	"slices"

	"stillwater"
)

// recent are the latest readings of one quantity of a device. They tell a reading that comes twice, as brokers send what was not
// acknowledged, from one that comes late; and what a late one corrects.
type recent struct {
	At       instant // of the newest
	Value    float64
	Quantity quantity
	Older    uint8               // how many more are remembered
	Used     uint8               // bytes of Trail
	Trail    [trailOfRecent]byte // the older ones, each by its difference from the next
}

// remembered is how many readings of a quantity are remembered, fewer where their differences do not fit: of whole seconds and
// thousandths all do. Whether an older one came before is for the journal to say.
const remembered = 8

const trailOfRecent = 45

// quantity is a stillwater.Quantity in a byte.
type quantity uint8

// quantities in the order of their numbers, which are in snapshots: add at the end.
var quantities = [...]stillwater.Quantity{
	"", stillwater.WaterTotal, stillwater.WaterFlow, stillwater.Door, stillwater.Activity, stillwater.Battery, stillwater.Alive,
}

// quantityOf is the number of a quantity; 0: one that is not remembered apart.
func quantityOf(q stillwater.Quantity) quantity {
	switch q {
	case stillwater.WaterTotal:
		return 1
	case stillwater.WaterFlow:
		return 2
	case stillwater.Door:
		return 3
	case stillwater.Activity:
		return 4
	case stillwater.Battery:
		return 5
	case stillwater.Alive:
		return 6
	}
	return 0
}

// sample is one value with its time.
type sample struct {
	At    instant
	Value float64
}

// note remembers a sample newer than all.
func (r *recent) note(s sample) {
	var buf [32]byte
	add := pushStep(buf[:0], s, sample{r.At, r.Value})
	r.At, r.Value = s.At, s.Value
	for r.Used > 0 && (int(r.Older) >= remembered-1 || int(r.Used)+len(add) > len(r.Trail)) {
		cut := skipNumbers(r.Trail[:r.Used], 2)
		r.Used = uint8(copy(r.Trail[:], r.Trail[cut:r.Used]))
		r.Older--
	}
	r.Used += uint8(copy(r.Trail[r.Used:], add))
	r.Older++
}

// pushStep writes what leads back from s to the older sample: two numbers.
func pushStep(trail []byte, s, older sample) []byte {
	a, exact := milli(s.Value)
	b, exactly := milli(older.Value)
	span := spanNumber(s.At-older.At) << 1
	if exact && exactly {
		return pushNumber(pushNumber(trail, span), zigzag(a-b))
	}
	return pushNumber(pushNumber(trail, span|1), math.Float64bits(s.Value)^math.Float64bits(older.Value))
}

// samples are all that are remembered, the newest first.
func (r *recent) samples(into []sample) []sample {
	s := sample{r.At, r.Value}
	into = append(into, s)
	end := int(r.Used)
	for range r.Older {
		if s, end = popStep(r.Trail[:], end, s); end < 0 {
			break
		}
		into = append(into, s)
	}
	return into
}

// popStep reads the sample before s; end is negative where there is none.
func popStep(trail []byte, end int, s sample) (sample, int) {
	value, end := popNumber(trail, end)
	if end < 0 {
		return s, end
	}
	span, end := popNumber(trail, end)
	if end < 0 {
		return s, end
	}
	s.At -= numberSpan(span >> 1)
	if span&1 == 0 {
		m, _ := milli(s.Value)
		s.Value = float64(m-unzigzag(value)) / 1000
	} else {
		s.Value = math.Float64frombits(math.Float64bits(s.Value) ^ value)
	}
	return s, end
}

// check says whether a reading is new, late, or nothing that can be told from what is known.
func (r *recent) check(v sample) Outcome {
	if r == nil || v.At > r.At {
		return Accepted
	}
	var buf [remembered]sample
	outcome := Late
	for _, s := range r.samples(buf[:0]) {
		if s.At == v.At {
			if s.Value == v.Value {
				return Duplicate
			}
			outcome = OutOfOrder
		}
	}
	return outcome
}

// noteLate remembers a sample that is behind the newest, in its place.
func (r *recent) noteLate(v sample) {
	var buf [remembered + 1]sample
	all := r.samples(buf[:0])
	i, _ := slices.BinarySearchFunc(all, v.At, func(s sample, at instant) int { // the newest first
		switch {
		case s.At > at:
			return -1
		case s.At < at:
			return 1
		}
		return 0
	})
	all = slices.Insert(all, i, v)
	oldest := all[len(all)-1]
	*r = recent{At: oldest.At, Value: oldest.Value, Quantity: r.Quantity}
	for i := len(all) - 2; i >= 0; i-- {
		r.note(all[i])
	}
}

// around are the samples remembered next before and after a moment; zero: none.
func (r *recent) around(at instant) (before, after sample) {
	var buf [remembered]sample
	for _, s := range r.samples(buf[:0]) {
		switch {
		case s.At > at:
			after = s
		case s.At < at:
			return s, after
		}
	}
	return before, after
}

func (r *recent) fields(c *codec) {
	c.time(1, &r.At)
	c.float(2, &r.Value)
	small(c, 3, &r.Quantity)
	small(c, 4, &r.Older)
	trail := c.few(5, r.Trail[:r.Used])
	if !c.reading {
		return
	}
	if len(trail) > len(r.Trail) || r.Older >= remembered {
		c.fail(errors.New("more readings than are remembered"))
		return
	}
	r.Used = uint8(copy(r.Trail[:], trail))
	s, end := sample{r.At, r.Value}, int(r.Used)
	for range r.Older {
		s, end = popStep(r.Trail[:], end, s)
	}
	if end != 0 {
		c.fail(errors.New("readings remembered are not whole"))
	}
}
