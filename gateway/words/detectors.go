package words

import (
	"strings"

	"stillwater"
)

// detectorNames are the detectors that have sentences of their own, by how the names of their rules begin, the longest first.
var detectorNames = []string{"device-door-chattering", "device-door-inverted", "device-door-stuck", "door-open-night", "door-unusual", "night-exit", "no-exit", "common-cause-water", "common-cause-blind", "device-silent", "absence-back", "absence-use", "trend-night", "trend-first", "trend-use", "leak-running", "leak-night", "surge-learned", "device-blind", "door-open", "silence", "surge", "away", "leak"}

// Sentences that differ within a detector.
const (
	silenceUnder = "silence-under" // some water, less than the rule asks for
	generic      = "generic"       // a detector without sentences of its own
	hospitalUse  = "absence-hospital"
)

// sentence names the sentence that fits a finding; it is the ending of catalogue keys.
func sentence(f stillwater.Finding) string {
	for _, name := range detectorNames {
		if rest, of := strings.CutPrefix(f.Rule, name); !of || rest != "" && rest[0] != '-' {
			continue
		}
		if name == "silence" && f.Facts.Bound > 0 {
			return silenceUnder
		}
		if name == "absence-use" && f.Facts.Stay == stillwater.InHospital {
			return hospitalUse
		}
		return name
	}
	return generic
}

// Lead is the finding an incident is told by: of those not on trial one that goes on rather than one that is over, then the
// most severe, then the earliest.
func Lead(inc stillwater.Incident) (stillwater.Finding, bool) {
	var lead stillwater.Finding
	found := false
	for _, f := range inc.Findings {
		if f.Trial {
			continue
		}
		if !found || before(f, lead) {
			lead, found = f, true
		}
	}
	return lead, found
}

func before(a, b stillwater.Finding) bool {
	if a.Ended.IsZero() != b.Ended.IsZero() {
		return a.Ended.IsZero()
	}
	if a.Severity != b.Severity {
		return a.Severity.Above(b.Severity)
	}
	return a.Began.Before(b.Began)
}
