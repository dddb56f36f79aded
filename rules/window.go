package rules

import (
	"time"

	"stillwater"
)

// window is the water of a sliding span up to the watermark, for one rule.
type window struct {
	Start int   `json:"i"` // index of the first draw in it, counted from the first draw ever
	Whole int64 `json:"w"` // millilitres of all its draws: the most that can have been used in it
	Share int64 `json:"s"` // the same, of draws longer than the window only their even share: the least its fullest instance held
}

// drawn files a draw: a sign of life, and litres for the windows and runs.
func (h *home) drawn(w draw) {
	for i := range h.rules {
		if f, ok := h.rules[i].detector.(flowWatcher); ok {
			f.flow(h.run(&h.rules[i]), w)
		}
	}
	if w.ML > 0 {
		h.live(&h.Life.Water, w.To)
		h.addDraw(w)
	}
	h.forgetDraws()
}

// addDraw puts the draw into the memory and the windows. Draws within one minute are kept as one.
func (h *home) addDraw(w draw) {
	if n := len(h.Draws); n > 0 && w.To.Sub(h.Draws[n-1].From) <= time.Minute {
		h.Draws[n-1].To, h.Draws[n-1].ML = w.To, h.Draws[n-1].ML+w.ML
	} else {
		h.Draws = append(h.Draws, w)
	}
	for i := range h.rules {
		if r := &h.rules[i]; r.Within > 0 {
			win := h.window(r)
			win.Whole += w.ML
			win.Share += share(w, r.Within)
		}
	}
}

// share is the part of a draw that the window surely held, if the draw is longer than the window and its water ran evenly.
func share(w draw, within time.Duration) int64 {
	span := w.To.Sub(w.From)
	if span <= within {
		return w.ML
	}
	return int64(float64(w.ML) * float64(within) / float64(span))
}

// forgetDraws moves the windows up to the watermark and drops draws that no window can hold.
func (h *home) forgetDraws() {
	for i := range h.rules {
		if r := &h.rules[i]; r.Within > 0 {
			h.slide(h.window(r), r.Within)
		}
	}
	n := 0
	for n < len(h.Draws) && h.DataTo.Sub(h.Draws[n].To) > maxWithin {
		n++
	}
	if n > 64 || n == len(h.Draws) { // seldom, so that it costs little
		h.Draws, h.Dropped = append(h.Draws[:0], h.Draws[n:]...), h.Dropped+n
	}
}

// slide takes the draws out of the window that ended before it.
func (h *home) slide(win *window, within time.Duration) {
	win.Start = max(win.Start, h.Dropped)
	from := h.DataTo.Add(-within)
	for i := win.Start - h.Dropped; i < len(h.Draws) && !h.Draws[i].To.After(from); i++ {
		win.Whole -= h.Draws[i].ML
		win.Share -= share(h.Draws[i], within)
		win.Start++
	}
}

// window is the rule's window.
func (h *home) window(r *boundRule) *window {
	if win := h.windows[r.index]; win != nil {
		return win
	}
	win := h.Windows[r.Name]
	if win == nil {
		if h.Windows == nil {
			h.Windows = map[string]*window{}
		}
		win = &window{Start: h.Dropped + len(h.Draws)}
		h.Windows[r.Name] = win
	}
	h.windows[r.index] = win
	return win
}

// litres is millilitres as people read them.
func litres(ml int64) stillwater.Litres { return stillwater.Litres(float64(ml) / 1000) }
