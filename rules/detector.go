package rules

import (
	"slices"
	"strings"
	"time"

	"stillwater"
)

// A detector is the code of a rule: it judges one rule on one home. To add one, write it in a file of its own, add it to detectors, and add
// what it remembers of a home to memory, with a number in memory.fields.
//
// Judging every rule at every reading costs more than the rest of a reading together, so a gate decides whether a home is judged at all
// (see gate). A detector takes part by the interfaces below that fit it: each says how much of one thing can pass before its
// judgement can change. Too little does no harm. TestGate holds a gated engine against one that judges always, so a detector
// that says too much is found there. A detector that cannot say is eager: then every reading is judged.
type detector interface {
	// needs says which parameters the rule must, may and may not have.
	needs(r Rule) map[string]need
	// kind groups its findings into incidents.
	kind() stillwater.Kind
	// judge appends a finding with its device and facts for each that holds at now; the engine fills in the rest. A finding goes on
	// for as long as it holds, and while one goes on the home is judged at every reading; or, of a stillnessDetector, at every sign
	// of life, draw, hole and closed incident.
	judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding
}

// A stillnessDetector is raised by stillness: due is the coverage (home.DataTo) at which it is raised if the stillness goes on; 0: it is
// not. Time left and protection delay are this moment too, so it is exact. A sign of life must not bring it nearer, unless
// the detector is hastened; a hole and a closed incident never may.
type stillnessDetector interface {
	due(h *home, r *boundRule) instant
}

// A timeDetector can be raised although no reading comes: wake is the event clock at which its judgement could change; 0: it cannot. A
// device that reports as usual must not bring it nearer. What is not as usual (see home.stirred) may.
type timeDetector interface {
	wake(h *home, r *boundRule) instant
}

// A waterDetector is raised by litres: room is how many millilitres more may be drawn before it could be.
type waterDetector interface {
	room(h *home, r *boundRule) int64
}

// A drawWatcher is told of every span of a meter, with or without water, after the home's memory has it, and says whether the home is
// to be judged.
type drawWatcher interface {
	drew(h *home, r *boundRule, w draw) (judge bool)
}

// A hastened stillnessDetector can be due sooner by a sign of life: because it looks at who is out; or, as learnedSilence does, allows less at
// another hour, though never less than ruleset.shortest. It is then asked for due anew.
type hastened interface {
	stillnessDetector
	hastened()
}

// eager is judged at every reading.
type eager interface{ eager() }

// binder is a detector that each rule needs its own of.
type binder interface{ bind(r Rule) detector }

// detectors is every detector by the beginning of the names of its rules. The longest beginning wins.
var detectors = map[string]detector{
	"silence":                silence{},
	"silence-learned":        learnedSilence{},
	"away":                   away{},
	"surge":                  surge{},
	"surge-learned":          learnedSurge{},
	"leak":                   leak{},
	"leak-running":           runningDraw{},
	"leak-night":             leakNight{},
	"door-open":              doorAjar{},
	"door-open-night":        doorAjarAtNight{},
	"door-unusual":           unusualDoor{},
	"night-exit":             nightExit{},
	"no-exit":                noExit{},
	"device-door-stuck":      doorFault{faultStuck},
	"device-door-inverted":   doorFault{faultInverted},
	"device-door-chattering": doorFault{faultLoose},
	"trend-night":            trend{ofNight},
	"trend-use":              trend{ofUse},
	"trend-first":            trend{ofFirst},
	"absence-use":            absenceUse{},
	"absence-back":           absenceBack{},
	"device-silent":          deviceSilent{},
	"device-blind":           deviceBlind{},
	"common-cause-water":     commonCause{noWater{}},
	"common-cause-blind":     commonCause{noData{}},
	"custom":                 (*custom)(nil), // each rule has its own; see bind
}

// Detectors are the names that a rule's can begin with, in order.
func Detectors() []string {
	names := make([]string, 0, len(detectors))
	for name := range detectors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// detectorOf finds the detector that the name begins with, as a whole word: "leak-running-hot" is a leak-running, "leaks" is nothing.
func detectorOf(name string) detector {
	for prefix := name; prefix != ""; {
		if d, ok := detectors[prefix]; ok {
			return d
		}
		i := strings.LastIndexByte(prefix, '-')
		if i < 0 {
			return nil
		}
		prefix = prefix[:i]
	}
	return nil
}

// nearestDetector is the detector somebody most likely meant by the beginning of a rule's name; "": none is near.
func nearestDetector(name string) string {
	for prefix := name; prefix != ""; prefix = prefix[:max(0, strings.LastIndexByte(prefix, '-'))] {
		if near := stillwater.Nearest(prefix, Detectors()); near != "" {
			return near
		}
	}
	return ""
}

// boundRule is a rule with its detector.
type boundRule struct {
	Rule
	detector detector
	kind     stillwater.Kind
	still    bool // the detector is a stillnessDetector
	paused   bool // by a planned absence
}

// ruleset is the rules of an engine, and which of them take part in what. All homes share it.
type ruleset struct {
	all       []boundRule
	stillness []bound[stillnessDetector]
	time      []bound[timeDetector]
	water     []bound[waterDetector]
	draws     []bound[drawWatcher]
	nearer    []bound[stillnessDetector] // those that are hastened
	common    []bound[commonCause]
	eager     bool          // every reading is judged
	within    time.Duration // the longest window: draws are remembered so long
	per       *budget       // of what learns; nil: nothing does
	away      bool          // a rule alerts of those who are out
	outings   bool          // and one has learned how long that is usual
	shortest  time.Duration // no stillness in the home that follows a sign of life is told of sooner
	running   float64       // the budget of a running draw; 0: none learns
	trends    bool          // a rule asks how her weeks change
	calendar  Calendar
	merge     time.Duration // what no window can tell from one draw, where there are very many
}

// learn notes the budget of a rule that learns.
func (s *ruleset) learn(r *boundRule) {
	_, isAway := r.detector.(away)
	s.away = s.away || isAway && r.Severity.Above(stillwater.Question)
	_, isTrend := r.detector.(trend)
	s.trends = s.trends || isTrend
	if r.Budget == 0 {
		return
	}
	switch r.detector.(type) {
	case runningDraw:
		s.running = r.Budget
		return
	case learnedSurge:
		s.within = max(s.within, 24*time.Hour)
		return
	}
	if s.per == nil {
		s.per = &budget{alerts: 4, asks: 6} // the defaults, for what no rule says
	}
	switch r.detector.(type) {
	case learnedSilence:
		s.per.alerts, s.within = r.Budget, max(s.within, 24*time.Hour) // see slow.seek
		s.shortest = min(s.shortest, r.After)
	case away:
		s.per.asks, s.outings = r.Budget, true
	}
}

// byName is the rule of the name; nil: there is none.
func (s *ruleset) byName(name string) *boundRule {
	for i := range s.all {
		if s.all[i].Name == name {
			return &s.all[i]
		}
	}
	return nil
}

// bound is a rule with its detector in one of its roles.
type bound[role any] struct {
	*boundRule
	as role
}

// addTo adds the rule to those of a role that its detector has.
func addTo[role any](list *[]bound[role], r *boundRule) {
	if as, ok := r.detector.(role); ok {
		*list = append(*list, bound[role]{r, as})
	}
}

// bind makes the rules ready.
func bind(list []Rule) *ruleset {
	s := &ruleset{merge: drawsMerge, shortest: time.Duration(bounds[0] * float64(time.Hour))}
	for _, r := range list {
		d := detectorOf(r.Name)
		if d == nil {
			continue
		}
		if b, ok := d.(binder); ok {
			d = b.bind(r)
		}
		s.all = append(s.all, boundRule{Rule: r, detector: d, kind: d.kind()})
	}
	for i := range s.all {
		s.add(&s.all[i])
	}
	return s
}

func (s *ruleset) add(r *boundRule) {
	s.learn(r)
	addTo(&s.stillness, r)
	_, r.still = r.detector.(stillnessDetector)
	r.paused = r.still || pausedToo(r)
	addTo(&s.time, r)
	addTo(&s.water, r)
	addTo(&s.draws, r)
	if d, ok := r.detector.(hastened); ok {
		s.nearer = append(s.nearer, bound[stillnessDetector]{r, d})
	}
	addTo(&s.common, r)
	if _, ok := r.detector.(eager); ok {
		s.eager = true
	}
	if c, ok := r.detector.(*custom); ok && c.condition.Longest > 0 {
		s.within = max(s.within, c.condition.Longest)
		s.merge = min(s.merge, c.condition.Shortest/4)
	}
	if r.Within > 0 {
		s.within = max(s.within, r.Within)
		s.merge = min(s.merge, r.Within/4)
	}
}
