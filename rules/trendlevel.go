package rules

import "math"

// A level is what is usual in a home's weeks, of one trend, and the cumulative sum of what is not.
//
// The sum is signed: above zero it is of weeks that were more than usual, below of weeks that were less. Page's two sums are at most in rare weeks both
// above zero; the one that was there first is kept then.
type level struct {
	Usual  packed // the level, an exponential average of weeks
	Spread packed // standard deviation of weeks around it
	Mean   packed // of the weeks of the sum
	Was    packed // what was usual before the change told last; 0: none was, or it is back there
	Sum    int8   // in sixteenths
	Run    uint8  // weeks since the sum was last zero
	Missed uint8  // and those since that could not be judged
	Weeks  uint8  // learned from, at most levelMemory
}

// The measures of trends. Limits and memory were tried on real recordings and pretended homes; see the table in README.md.
const (
	levelAllows = 1.0 // standard deviations that a week may be off
	levelMost   = 6.0 // the sum is cut off there
	levelCut    = 3.0 // no week counts for more
	levelLearns = 8   // weeks before anything is told
	levelMemory = 16  // weeks that are remembered
	levelWaits  = 8   // weeks that a suspected change keeps the level where it is
	levelCommon = 6   // weeks that the spread common to homes counts for
	levelRun    = 2   // one odd week is none
	levelGrain  = 16  // of the sum
)

// packed is a week's value or a level in the units of its trend, in two bytes.
type packed uint16

// trendKind is how the weeks of a trend are made comparable: values of equal noise in all homes, whatever their level.
type trendKind struct {
	scale          float64 // of packed
	spread, least  float64 // common standard deviation of weeks, and the least
	limit          float64 // of the sum
	more, less     bool    // which way is told
	within, people func(float64) float64
	far            func(before, now float64) bool // as people count: whether it matters
}

// trendKinds is by trendOf. The square root makes counts of any size equally noisy, the logarithm sizes.
var trendKinds = [trendsAll]trendKind{
	ofNight: {
		scale: 4096, spread: 0.22, least: 0.12, limit: 4, more: true,
		within: func(uses float64) float64 { return math.Sqrt(uses + 0.2) },
		people: func(v float64) float64 { return max(0, v*v-0.2) },
		far: func(before, now float64) bool {
			return math.Abs(now-before) >= 0.8 && max(now, before) >= 1.4*min(now, before)
		},
	},
	ofUse: {
		scale: 4096, spread: 0.2, least: 0.1, limit: 4, less: true,
		within: func(litres float64) float64 { return math.Log(litres + 5) },
		people: func(v float64) float64 { return max(0, math.Exp(v)-5) },
		far:    func(before, now float64) bool { return min(now, before) <= 0.75*max(now, before) },
	},
	ofFirst: {
		scale: 32, spread: 25, least: 10, limit: 5, more: true, less: true,
		within: func(minutes float64) float64 { return minutes },
		people: func(v float64) float64 { return v },
		far:    func(before, now float64) bool { return math.Abs(now-before) >= 60 },
	},
}

func (k *trendKind) pack(v float64) packed {
	return packed(max(0, min(v*k.scale+0.5, math.MaxUint16)))
}

func (k *trendKind) unpack(p packed) float64 { return float64(p) / k.scale }

// sigma is the standard deviation of the home's weeks, drawn towards that of all homes while few are known.
func (l *level) sigma(k *trendKind) float64 {
	own, n := k.unpack(l.Spread), float64(l.Weeks)
	return max(k.least, math.Sqrt((levelCommon*k.spread*k.spread+n*own*own)/(levelCommon+n)))
}

// known says whether enough weeks are known to judge by.
func (l *level) known() bool { return l.Weeks >= levelLearns }

// size is how much has added up, in standard deviations.
func (l *level) size() float64 { return math.Abs(float64(l.Sum)) / levelGrain }

// missed takes a week of which too little is known.
func (l *level) missed() {
	if l.Run > 0 && l.Missed < math.MaxUint8 {
		l.Missed++
	}
}

// week takes the value of a week, and gives the change if there is one to tell.
func (l *level) week(k *trendKind, value float64) (c turn, tell bool) {
	x := k.within(value)
	if l.Weeks == 0 {
		*l = level{Usual: k.pack(x), Weeks: 1}
		return c, false
	}
	if l.known() {
		l.add((x-k.unpack(l.Usual))/l.sigma(k), k, x)
	}
	if l.changed(k) {
		return l.move(k)
	}
	l.Sum = max(-levelMost*levelGrain, min(l.Sum, levelMost*levelGrain))
	if l.size() <= k.limit/2 || l.Run > levelWaits {
		l.learn(k, x)
	}
	return c, false
}

// add adds a week to the sum.
func (l *level) add(off float64, k *trendKind, x float64) {
	before := float64(l.Sum) / levelGrain
	off = max(-levelCut, min(off, levelCut))
	up, down := max(0, max(0, before)+off-levelAllows), max(0, max(0, -before)-off-levelAllows)
	sum := up
	if down > 0 && (up == 0 || before < 0) {
		sum = -down
	}
	if sum == 0 || sum*before <= 0 {
		l.Run, l.Missed, l.Mean = 0, 0, 0
	}
	if l.Sum = int8(math.Round(sum * levelGrain)); l.Sum == 0 {
		l.Run, l.Missed, l.Mean = 0, 0, 0
		return
	}
	l.Run = min(l.Run+1, math.MaxUint8-1)
	l.Mean = k.pack(k.unpack(l.Mean) + (x-k.unpack(l.Mean))/float64(l.Run))
}

// changed says whether the level is another.
func (l *level) changed(k *trendKind) bool {
	return l.size() > k.limit && l.Run >= levelRun && k.far(k.people(k.unpack(l.Usual)), k.people(k.unpack(l.Mean)))
}

// move makes the new level the usual one, and says whether that is to be told: the other way is good news, or none, and so is the way back.
func (l *level) move(k *trendKind) (c turn, tell bool) {
	before, now, was := k.unpack(l.Usual), k.unpack(l.Mean), k.unpack(l.Was)
	back := l.Was != 0 && math.Abs(now-was) < math.Abs(before-was)/2
	tell = !back && (l.Sum > 0 && k.more || l.Sum < 0 && k.less)
	c = turn{Before: l.Usual, Now: l.Mean, Weeks: uint8(min(int(l.Run)+int(l.Missed), math.MaxUint8))}
	weeks := max(l.Run, levelLearns)
	*l = level{Usual: l.Mean, Spread: l.Spread, Was: l.Usual, Weeks: min(l.Weeks, weeks)}
	if back {
		l.Was = 0
	}
	return c, tell
}

// learn lets a week count for what is usual; one far off counts for less than it is.
func (l *level) learn(k *trendKind, x float64) {
	s, usual, own := l.sigma(k), k.unpack(l.Usual), k.unpack(l.Spread)
	off := x - usual
	part := 1 / float64(min(l.Weeks+1, levelMemory))
	l.Usual = k.pack(usual + part*max(-2*s, min(off, 2*s)))
	l.Spread = k.pack(math.Sqrt(own*own + part*(min(off*off, 6*s*s)-own*own)))
	l.Weeks = min(l.Weeks+1, levelMemory)
}

func (l *level) fields(c *codec) {
	small(c, 1, &l.Usual)
	small(c, 2, &l.Spread)
	small(c, 3, &l.Mean)
	small(c, 4, &l.Was)
	small(c, 5, &l.Sum)
	small(c, 6, &l.Run)
	small(c, 7, &l.Missed)
	small(c, 8, &l.Weeks)
}
