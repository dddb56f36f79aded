package backtest

import (
	"slices"
	"strings"
	"time"

	"stillwater"
)

// about counts what a finding means for its household.
func (l *lane) about(h *played, f *stillwater.Finding, began bool) {
	if began {
		h.raised[f.Rule]++
	}
	if f.Trial {
		return
	}
	if h.blindness(f) {
		h.blinded(f, began)
		if !began && l.drawn() {
			h.drawBlind(f)
		}
	}
	if !began {
		return
	}
	h.severe[slices.Index(severities[:], f.Severity)]++
	if l.drawn() && f.Began.Unix() < h.last+int64(drawnAfter/time.Second) {
		h.raster.mark(f.Began, f.Severity)
	}
	if h.first == 0 || f.Began.Unix() < h.learned() {
		return
	}
	switch {
	case f.Severity == stillwater.Question:
		h.questions++
	case f.Severity.Above(stillwater.Question) && aboutStillness(f.Rule):
		h.falses++
	}
}

// aboutStillness says whether the rule is one that the budget of false alerts is for.
func aboutStillness(rule string) bool {
	return strings.HasPrefix(rule, "silence") || strings.HasPrefix(rule, "away")
}

// blindness says whether the finding is that nothing is known of the home: a meter that is silent, and not a door contact.
func (h *played) blindness(f *stillwater.Finding) bool {
	return strings.HasPrefix(f.Rule, "device-blind") || strings.HasPrefix(f.Rule, "device-silent") && slices.Contains(h.meters, f.Device)
}

// blinded adds up the time in which at least one finding says that the home is blind.
func (h *played) blinded(f *stillwater.Finding, began bool) {
	if began {
		if h.blindOpen++; h.blindOpen == 1 {
			h.blindFrom = f.Facts.Since
		}
		return
	}
	if h.blindOpen--; h.blindOpen == 0 {
		h.blind += f.Ended.Sub(h.blindFrom)
	}
}

// drawnAfter is how long after a home's last reading it is still drawn: long enough that a dead meter shows, short enough that it does not
// push everything else out of the picture.
const drawnAfter = 14 * 24 * time.Hour

func (h *played) drawBlind(f *stillwater.Finding) {
	to := f.Ended
	if end := time.Unix(h.last, 0).Add(drawnAfter); to.After(end) {
		to = end
	}
	h.raster.blind(f.Facts.Since, to)
}
