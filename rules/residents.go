package rules

import (
	"math"

	"stillwater"
)

// A home of two or more is judged as any other: water and door do not tell who stirred. Stillness then means that all of them are still, or
// out; that one of two has fallen while the other goes about is not seen, and findings and standings say that it cannot be told who.

// settled takes how many live in the home, as the registry says.
func (h *home) settled(residents int) { h.residents = uint8(max(0, min(residents, math.MaxUint8))) }

// together is how many live in a home of two or more; else 0.
func (h *home) together() int {
	if h.residents < 2 {
		return 0
	}
	return int(h.residents)
}

// Inhabit tells the engine how many live in a household, where no registry says so.
func (e *Engine) Inhabit(id stillwater.HouseholdID, residents int) { e.home(id).settled(residents) }
