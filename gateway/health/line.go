package health

import "time"

// A Line is how a bus, or one unit of it, fares since the gateway started.
type Line struct {
	Bus     string   `json:"bus"`
	Unit    string   `json:"unit,omitempty"`    // "": the bus as a whole
	Sources []string `json:"sources,omitempty"` // what is read from the unit

	Asked     uint64 `json:"asked"`     // questions put, each repetition counted
	Answered  uint64 `json:"answered"`  // answers that fitted
	Refusals  uint64 `json:"refusals"`  // of them, those that said no
	Timeouts  uint64 `json:"timeouts"`  // questions without an answer in time
	BadFrames uint64 `json:"badFrames"` // answers that were damaged or did not fit
	Lost      uint64 `json:"lost"`      // connections that ended during a question
	Connects  uint64 `json:"connects"`  // connections made

	Last   time.Time     `json:"last,omitzero"` // event clock: the latest answer
	Took   time.Duration `json:"took"`          // until it came
	Silent bool          `json:"silent"`
	Why    string        `json:"why,omitempty"` // the last fault, until a value comes
}

// Failed is the part of the questions, in percent, that had no value for an answer; zero where nothing was asked.
func (l *Line) Failed() float64 {
	if l.Asked == 0 {
		return 0
	}
	return 100 * (1 - float64(l.Answered-l.Refusals)/float64(l.Asked))
}

// The least of a line's failures that is worth a visit: half a shield lifted, a terminating resistor missing.
const (
	lossyLeast = 5.0 // percent
	lossyKnown = 100 // questions from which that is known
)

// lossy says whether too many questions stay without a value, of a unit that does answer.
func (l *Line) lossy() bool {
	return l != nil && !l.Silent && l.Asked >= lossyKnown && l.Failed() >= lossyLeast
}
