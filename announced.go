package stillwater

import (
	"fmt"
	"time"
)

// MaxCut is the longest cut that can be announced: what is not known may not be made long by a slip of the pen.
const MaxCut = 72 * time.Hour

// Announced is the news that the water of a group of homes is, was or will be cut off: what meters show in that time is unknown, not "no
// use". It ends by itself. With Over, and neither From nor To, the water is back, or is not cut off after all: whatever was
// announced of the group ends.
type Announced struct {
	Group string    `json:"group"` // as the rules know it: a building, a riser, a supply zone
	From  time.Time `json:"from,omitzero"`
	To    time.Time `json:"to,omitzero"`
	Over  bool      `json:"over,omitempty"`
	Who   string    `json:"who,omitempty"` // a contact's ID, or the place it was entered at
}

// Validate refuses what cannot be meant.
func (a Announced) Validate() error {
	switch {
	case a.Group == "":
		return fmt.Errorf("a water cut of no group of homes")
	case a.Over && (!a.From.IsZero() || !a.To.IsZero()):
		return fmt.Errorf("a water cut that is over ends now; leave its times out")
	case a.Over:
		return nil
	case a.From.IsZero() || a.To.IsZero():
		return fmt.Errorf("a water cut needs both ends")
	case !a.From.Before(a.To):
		return fmt.Errorf("a water cut ends after it begins; from %s to %s does not", a.From.Format(time.RFC3339), a.To.Format(time.RFC3339))
	case a.To.Sub(a.From) > MaxCut:
		return fmt.Errorf("a water cut of %s is too long; at most %s, then enter another", FormatSpan(a.To.Sub(a.From)), FormatSpan(MaxCut))
	}
	return nil
}
