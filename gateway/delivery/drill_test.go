package delivery

import (
	"testing"

	"stillwater"
)

// TestDrillsLast: a drill goes after everything else, and nothing to the same number waits behind it.
func TestDrillsLast(t *testing.T) {
	drill := &job{n: 1, msg: stillwater.Message{To: "+1", Purpose: stillwater.Train, Severity: stillwater.Notice}}
	for _, p := range []stillwater.Purpose{stillwater.Tell, stillwater.Ask, stillwater.Update, stillwater.Line} {
		other := &job{n: 2, msg: stillwater.Message{To: "+1", Purpose: p, Severity: stillwater.Notice}}
		if before(other, drill) >= 0 || other.lane() == drill.lane() {
			t.Errorf("%s waits for a drill", p)
		}
	}
}
