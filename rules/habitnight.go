package rules

import "time"

// quick is small draws all night, in every night: a fountain, a drip. How many litres an hour they come to and how large the largest is
// can be told on any meter that is read each hour or more often, also where its steps are larger than the draws: a litre then shows
// now and then. Once known, so much an hour, in draws no larger than they are, is no sign of life; whoever draws more is seen.
//
// A night counts if it holds small draws, about as much as the nights before, for as much of it as nothing larger ran. Where they are
// many a week of such nights is enough; where they are one or two, twelve, in which they come in both halves: who reads until one and
// then sleeps draws in the first. A night without any counts against seven: what has stopped is forgotten after two.
type quick struct {
	Night instant // that is under way, or the next
	ML    uint32  // millilitres of its small draws
	Top   uint32  // the largest of them
	Known uint16  // seconds of it in which nothing larger ran
	Seen  uint8   // readings of it with small draws
	Tail  uint8   // of them, those of its second half

	Nights uint8  // that count
	Sure   bool   // they were enough
	First  uint16 // readings with small draws, of all these nights, by halves
	Second uint16
	Rate   uint32 // millilitres an hour
	Size   uint32 // the largest of all

	At   instant // when Left was so
	Left int64   // millilitres that may be drawn now and be no life; below zero where a step of the counter came early
}

const (
	habitNights = 7  // in which they are many
	rareNights  = 12 // in which they are few
	mostNights  = 14 // are counted
	quickMany   = 4  // readings in a night
	quickNight  = 5 * time.Hour
	quickKnown  = quickNight / 2
	quickSize   = 2000 // millilitres: a hand basin or a flush takes more
	quickHour   = 1500 // and so much an hour more, where readings are far apart: several may come in one
	quickSame   = 0.35 // by how much nights may differ
	quickSlack  = 1.25 // above the mean rate
)

func (q *quick) fields(c *codec) {
	c.time(1, &q.Night)
	small(c, 2, &q.ML)
	small(c, 3, &q.Top)
	small(c, 4, &q.Known)
	small(c, 5, &q.Seen)
	small(c, 6, &q.Tail)
	small(c, 7, &q.Nights)
	c.flag(8, &q.Sure)
	small(c, 9, &q.First)
	small(c, 10, &q.Second)
	small(c, 11, &q.Rate)
	small(c, 12, &q.Size)
	c.time(13, &q.At)
	c.int64(14, &q.Left)
}

// learn takes a span of the meter, with or without water, and the night that it is in or before.
func (q *quick) learn(w draw, step int64, night instant) {
	if night != q.Night {
		q.endNight(float64(step))
		q.Night, q.ML, q.Top, q.Known, q.Seen, q.Tail = night, 0, 0, 0, 0, 0
	}
	if night == 0 || w.From < night || w.To > night.add(quickNight) || float64(w.ML) > quickSize+quickHour*w.span().Hours() {
		return
	}
	q.Known = uint16(min(time.Duration(q.Known)+w.span()/time.Second, quickNight/time.Second)) // of several meters too
	if w.ML == 0 {
		return
	}
	q.ML, q.Top, q.Seen = q.ML+uint32(w.ML), max(q.Top, uint32(w.ML)), min(q.Seen+1, 200)
	if w.To.sub(night) > quickNight/2 {
		q.Tail = min(q.Tail+1, 200)
	}
}

// endNight files a night.
func (q *quick) endNight(step float64) {
	known := time.Duration(q.Known) * time.Second
	if known < quickKnown {
		return // too little of it to say
	}
	usual, differs := float64(q.Rate)*known.Hours(), float64(q.ML)
	if differs -= usual; differs < 0 {
		differs = -differs
	}
	switch {
	case q.ML == 0 && usual < 2*step: // it comes to less than a step of the counter, now and then
		q.Nights -= min(q.Nights, 3)
	case q.ML == 0:
		q.Nights -= min(q.Nights, habitNights)
	case q.Nights == 0:
		q.Nights, q.Size, q.Rate = 1, q.Top, uint32(float64(q.ML)/known.Hours())
		q.First, q.Second = uint16(q.Seen-q.Tail), uint16(q.Tail)
	case differs > quickSame*usual+1.5*max(step, float64(q.Size)):
		q.Nights -= min(q.Nights, 2)
	default:
		q.follow(known)
	}
	q.Sure = q.Nights > 2 && (q.Sure || q.enough())
}

// follow takes one more night that counts.
func (q *quick) follow(known time.Duration) {
	q.Nights = min(q.Nights+1, mostNights)
	q.Size = max(q.Size, q.Top)
	q.Rate = uint32(float64(q.Rate) + (float64(q.ML)/known.Hours()-float64(q.Rate))/float64(q.Nights))
	q.First, q.Second = min(q.First+uint16(q.Seen-q.Tail), 10000), min(q.Second+uint16(q.Tail), 10000)
}

// enough says whether the nights that count show that something draws by itself.
func (q *quick) enough() bool {
	all := int(q.First) + int(q.Second)
	if q.Nights < habitNights || 4*int(min(q.First, q.Second)) < all {
		return false
	}
	return q.Nights >= rareNights || all >= quickMany*int(q.Nights)
}

// takes says whether a draw is one of those.
func (q *quick) takes(w draw, step int64) bool {
	if !q.Sure {
		return false
	}
	most := int64(q.Size)
	if q.At != 0 {
		q.Left += int64(quickSlack * float64(q.Rate) * w.To.sub(q.At).Hours())
	}
	q.At, q.Left = w.To, min(q.Left, most)
	if w.ML == 0 || w.ML > most+most/8+step/2 || w.ML > q.Left+max(step, most/4) {
		return false
	}
	q.Left -= w.ML
	return true
}
