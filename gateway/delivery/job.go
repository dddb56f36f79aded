package delivery

import (
	"cmp"
	"math/rand/v2"
	"time"

	"stillwater"
)

// errand is what is to be done next for a message. Each kind has its own places, so that none waits for another.
type errand int

const (
	nothing errand = iota // done with, as long as the outbox still lists it
	send                  // hand it over
	ask                   // find out whether it was handed over
	status                // ask how far it has come
	report                // tell the sink
)

// job is a message under way. The dispatcher owns it; a call gets a copy.
type job struct {
	msg     stillwater.Message
	n       int // order of arrival in the outbox
	next    errand
	at      time.Time // not before
	free    time.Time // when a way may be free that now is not; zero: when something else ends
	busy    bool
	tries   int       // in a row that got nowhere
	first   time.Time // since when it is its turn, after the start; zero: not yet
	asked   time.Time // since when it is to be asked about, in vain
	held    time.Time // since when nothing but limits stands against it
	since   time.Time // when it was found out what became of it
	by      *way      // that it went by, or was found with
	shun    *way      // that was unclear: any other is better
	again   bool      // it may have left: it goes marked as a repeat
	counted time.Time // when it was entered in the ledger of that way; zero: it is not
	bars    map[*way]bar
	heard   *heard // what came while it was busy
	receipt stillwater.Receipt
}

// bar is why a message does not go by a way: for good, or until a moment.
type bar struct {
	good  bool
	until time.Time
	tries int
	why   string
}

// avoid notes that a message cannot go by a way for good, or for now; each time for longer.
func (j *job) avoid(w *way, b bar, c Config) {
	if j.bars == nil {
		j.bars = map[*way]bar{}
	}
	b.tries = j.bars[w].tries + 1
	b.until = time.Now().Add(c.backoff(b.tries))
	j.bars[w] = b
}

// lane is what keeps its order: the messages to one contact by one channel, the urgent ones apart, because they wait for nothing.
type lane struct {
	by     stillwater.Channel
	to     stillwater.Address
	urgent bool
	drill  bool // which nothing else waits for
}

func (j *job) urgent() bool { return j.msg.Severity == stillwater.Urgent }

func (j *job) lane() lane {
	return lane{j.msg.By(), j.msg.To, j.urgent(), j.msg.Purpose == stillwater.Train}
}

// leaving says whether it is still to be handed over, or perhaps was.
func (j *job) leaving() bool { return j.next == send || j.next == ask }

// loud says whether somebody must hear of it however late: a ladder waits for its answer.
func loud(p stillwater.Purpose) bool { return p == stillwater.Tell || p == stillwater.Again }

// before orders what is ready: urgent first, then alerts, then the rest, drills last, then by age.
func before(a, b *job) int {
	rank := func(j *job) int {
		switch {
		case j.msg.Severity == stillwater.Urgent && loud(j.msg.Purpose):
			return 0
		case j.msg.Severity == stillwater.Urgent:
			return 1
		case loud(j.msg.Purpose):
			return 2
		case j.msg.Purpose == stillwater.Train:
			return 4
		}
		return 3
	}
	return cmp.Or(rank(a)-rank(b), a.n-b.n)
}

// stale says whether a message is too old to be news.
func (j *job) stale(c Config, event time.Time) bool {
	return !loud(j.msg.Purpose) && event.Sub(j.msg.Created) > c.Stale
}

// overdue is what becomes of a message that is not sent any more. What may have left already is not cancelled.
func (j *job) overdue(c Config, wall, event time.Time) stillwater.DeliveryState {
	switch {
	case !j.leaving():
	case j.stale(c, event) && j.msg.State == stillwater.Pending:
		return stillwater.Cancelled
	case loud(j.msg.Purpose) && !j.first.IsZero() && wall.Sub(j.first) >= c.GiveUp:
		return stillwater.Failed
	}
	return ""
}

// tell makes it the next errand to report what is known of the message.
func (j *job) tell(now time.Time) {
	j.next, j.at, j.tries = report, now, 0
	j.receipt = stillwater.Receipt{
		Message: j.msg.ID, State: j.msg.State, Repeat: j.msg.Repeat, Attempts: j.msg.Attempts,
		Provider: j.msg.Provider, ProviderID: j.msg.ProviderID, Error: j.msg.Error,
	}
}

// backoff is the wait after the nth try that got nowhere: doubling, with a little chance so that not everybody comes back
// at the same moment.
func (c Config) backoff(n int) time.Duration {
	d := c.MaxBackoff
	if n < 20 { // beyond, it would not fit
		d = min(d, c.MinBackoff<<max(0, n-1))
	}
	return d - rand.N(d/4+1)
}

// Status is asked at these ages of an accept; after the last the message is left as it is.
var statusAges = [...]time.Duration{
	5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 7 * time.Minute, 10 * time.Minute,
}

// nextStatus is how long after an accept of some age to ask again; 0: not any more.
func nextStatus(age time.Duration) time.Duration {
	for _, a := range statusAges {
		if a > age {
			return a - age
		}
	}
	return 0
}
