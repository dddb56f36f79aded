package stillwater

import (
	"fmt"
	"time"
)

// A LifeKind is what happened in the life of a home, or what was asked about it.
type LifeKind string

// The kinds of life event.
const (
	InHospital LifeKind = "hospital" // 住院
	WithFamily LifeKind = "family"   // 住家人处
	HomeAgain  LifeKind = "home"     // from either
	CarerAway  LifeKind = "carer-away"
	CarerBack  LifeKind = "carer-back"
	MovedAway  LifeKind = "moved" // 已搬走: nobody of hers lives there any more
	Died       LifeKind = "died"  // 去世
	Mistaken   LifeKind = "mistaken"

	// What the gateway notes itself.
	Lapsed        LifeKind = "lapsed"         // a stay elsewhere ended without anybody saying so
	AskedStay     LifeKind = "asked-stay"     // somebody was asked whether she is still in hospital, or with them
	AskedFestival LifeKind = "asked-festival" // somebody was asked where she is over the Spring Festival; From and Until are its days
	Answered      LifeKind = "answered"       // a question has its answer
)

// Stays says whether she lives elsewhere for a time: the home is not judged meanwhile.
func (k LifeKind) Stays() bool { return k == InHospital || k == WithFamily }

// Ends says whether nothing of the home is recorded, judged or told any more.
func (k LifeKind) Ends() bool { return k == MovedAway || k == Died }

// SpeaksFor says whether people may say it; the others the gateway notes itself.
func (k LifeKind) SpeaksFor() bool {
	return k.Stays() || k.Ends() || k == HomeAgain || k == CarerAway || k == CarerBack || k == Mistaken
}

// MaxCarerAway is the longest that a carer can be away; who is away for longer is no carer, and the register must say so.
const MaxCarerAway = 90 * 24 * time.Hour

// UndoWithin is how long it can be taken back that she moved away or died.
const UndoWithin = 14 * 24 * time.Hour

// A LifeEvent is what somebody said of the life of a home, one tap each. The latest word counts.
type LifeEvent struct {
	Household HouseholdID `json:"household"`
	Kind      LifeKind    `json:"kind"`
	From      time.Time   `json:"from,omitzero"`      // of a stay and a carer's absence; zero: from At
	Until     time.Time   `json:"until,omitzero"`     // of a carer's absence; of a stay zero: until further notice, which is asked for
	Reviewed  bool        `json:"reviewed,omitempty"` // the end of a stay was set for want of one that was said: it is asked about, and moved
	At        time.Time   `json:"at"`                 // event clock: when it was said
	Who       string      `json:"who,omitempty"`      // a contact's ID, or the place it was entered at
	Contact   ContactID   `json:"contact,omitempty"`  // the carer; of a question who was asked
	Code      string      `json:"code,omitempty"`     // of a question, and of its answer
}

// Validate refuses what cannot be meant.
func (e LifeEvent) Validate() error {
	switch {
	case e.Household == "":
		return fmt.Errorf("a life event of no household")
	case e.At.IsZero():
		return fmt.Errorf("a life event without the moment at which it was said")
	case !e.Kind.SpeaksFor():
		return fmt.Errorf("%q is no life event; write hospital, family, home, carer-away, carer-back, moved, died or mistaken", e.Kind)
	case (e.Kind == CarerAway || e.Kind == CarerBack) && e.Contact == "":
		return fmt.Errorf("%s needs the contact who is the carer", e.Kind)
	case e.Kind == CarerAway && e.Until.IsZero():
		return fmt.Errorf("a carer is away until a day; without an end nobody would be told any more")
	}
	return e.validSpan()
}

// validSpan refuses spans of time that cannot be meant.
func (e LifeEvent) validSpan() error {
	from := e.From
	if from.IsZero() {
		from = e.At
	}
	longest := MaxAbsence
	if e.Kind == CarerAway {
		longest = MaxCarerAway
	}
	switch {
	case e.Until.IsZero():
		return nil
	case !from.Before(e.Until) || !e.At.Before(e.Until):
		return fmt.Errorf("%s ends after it begins and after now; from %v until %v does not", e.Kind, from, e.Until)
	case e.Until.Sub(from) > longest:
		return fmt.Errorf("%s for %s is too long; at most %s, then enter it again", e.Kind, FormatSpan(e.Until.Sub(from)), FormatSpan(longest))
	}
	return nil
}

// Holds says whether the moment lies between its ends.
func (e LifeEvent) Holds(at time.Time) bool {
	from := e.From
	if from.IsZero() {
		from = e.At
	}
	return !at.Before(from) && (e.Until.IsZero() || at.Before(e.Until))
}

// Circumstances are what the life events of a home come to.
type Circumstances struct {
	Stay   *LifeEvent  `json:"stay,omitempty"`   // she lives elsewhere for a time
	Gone   *LifeEvent  `json:"gone,omitempty"`   // she moved away or died
	Carers []LifeEvent `json:"carers,omitempty"` // who is away, or will be
	Asked  []LifeEvent `json:"asked,omitempty"`  // questions without an answer
}
