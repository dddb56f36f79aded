package bus

// The faults that an Ask, or the read of an Exchange, can tell apart. An error that is none of them says that the answer did not
// come or did not fit: the connection is given up, or the line waited silent, and the unit counts as not answering.

// A Refusal is the unit's own no, or an answer without a usable value: the unit is there, the line is in order.
type Refusal struct{ Err error }

// Error is the cause's.
func (e *Refusal) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Refusal) Unwrap() error { return e.Err }

// Busy is a unit that asks for patience: it is asked again soon, a few times.
type Busy struct{ Err error }

// Error is the cause's.
func (e *Busy) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Busy) Unwrap() error { return e.Err }

// Absent is the word of somebody on the way, such as a gateway, that the unit does not answer. The line is in order.
type Absent struct{ Err error }

// Error is the cause's.
func (e *Absent) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Absent) Unwrap() error { return e.Err }

// Garbled is an answer that came whole and to its question, but damaged: its checksum is wrong. It is asked for once more.
type Garbled struct{ Err error }

// Error is the cause's.
func (e *Garbled) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Garbled) Unwrap() error { return e.Err }

// NoLine says that there is no connection, so that no unit is to blame.
type NoLine struct{ Err error }

// Error is the cause's.
func (e *NoLine) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *NoLine) Unwrap() error { return e.Err }
