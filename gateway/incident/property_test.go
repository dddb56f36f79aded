package incident

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/racetest"
)

var (
	histories = flag.Int("histories", 0, "how many random histories TestNobodyIsForgotten plays; 0: as many as fit the way the tests are run")
	historyOf = flag.Uint64("history", 0, "the seed of one history to play and to print; 0: random ones")
)

// TestNobodyIsForgotten checks laws 2 and 3 against random histories of findings, replies, receipts, refusals, opt-outs, changes of duty, clock
// steps and restarts. At each minute exactly those are told whom a slow and obvious oracle wants told, by the right channel, once: from the opening
// to the closing each person whose turn comes is told exactly once per rung, within the step of its being due, and nothing that looks for
// somebody to go starts after an acknowledgement, and nothing at all after a closing, was committed. The oracle knows nothing of the code but
// what leaves it.
//
// Planted bugs are caught. Each of these was planted, and seen to fail here after so many histories:
//
// A climb that skips a rung (1); a lapse that forgets whose text was cancelled (177); a lapse that does not ask the holder (19); an acknowledgement
// that lets pending texts leave (6); a closing that lets pending texts leave (13); duty ignored (5); off duty, and never told how it ended (89); an
// alert that waits for the end of quiet hours (14); a question lost in quiet hours (128); an urgent alert that keeps quiet (2); an opt-out that
// holds for the contact and not for the number (42); an opt-out heeded for one of two contacts with a number (168); a withdrawn agreement ignored
// (60); one telephone, two texts (91); two roles, two texts (1319); a ladder that waits for the resident's call (1579); the resident called at
// every urgent step (1223); the resident connected with a worker off duty (826); a wait that counts from the slowest (330); a refused rung that is
// waited for (78); a repeat of the last rung alone (2); a repeat of the last two rungs of the file, staffed or not (3); a hold that holds nothing
// (4); a hold that an urgent alert does not end (256); morning news that is no longer true (764); an outcome lost in quiet hours (4047); a hand-
// over that the ladder waits for (10); an overdue incident that nobody hears of (4962); an overdue incident told at every step (4); a rung told
// outside its hours (22); a restart that forgets a hold (686); a restart that forgets what waits (233); a clock set back that makes a rung wait
// (10); a clock set back that makes a promise last (893); somebody who was told that it is over is not told that it goes on (3); a reopening that
// tells nobody (66); a rung of a fallen ladder that counts as the new one (2884).
func TestNobodyIsForgotten(t *testing.T) {
	if *historyOf != 0 {
		h := newHistory(*historyOf)
		h.log = t.Logf
		if wrong := h.play(); wrong != "" {
			t.Fatal(wrong)
		}
		return
	}
	n := *histories
	switch {
	case n > 0:
	case testing.Short() || racetest.On:
		n = 5_000 // the race detector finds nothing where no goroutine is
	default:
		n = 100_000
	}
	base := rand.Uint64()
	var next atomic.Uint64
	var all sync.WaitGroup
	var steps, messages atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1); i <= uint64(n) && !t.Failed(); i = next.Add(1) {
				h := newHistory(base + i)
				if wrong := h.play(); wrong != "" {
					t.Errorf("history %d: %s\nto print it: go test ./gateway/incident -run TestNobodyIsForgotten -v -history %d", i, wrong, base+i)
				}
				steps.Add(int64(h.steps))
				messages.Add(int64(len(h.ids)))
			}
		})
	}
	all.Wait()
	t.Logf("%d histories, %d steps, %d messages", n, steps.Load(), messages.Load())
}

// world is what surrounds an incident, for the code and for the oracle.
type world struct {
	config   Config
	home     stillwater.Household
	off      map[stillwater.ContactID]bool // not on duty
	channels []stillwater.Channel
}

func (w *world) ladder(s stillwater.Severity) []Rung {
	for _, own := range w.config.For {
		if s == stillwater.Alert && own.Kind == stillwater.Water {
			return own.Alert
		}
	}
	return map[stillwater.Severity][]Rung{stillwater.Question: w.config.Question, stillwater.Alert: w.config.Alert, stillwater.Urgent: w.config.Urgent}[s]
}

// holds: the worlds' rungs have hours only; TestRungHolds is about days.
func (w *world) holds(r Rung, at time.Time) bool {
	local := at.In(w.home.Location())
	return len(r.Hours) == 0 || slices.ContainsFunc(r.Hours, func(h stillwater.Hours) bool { return h.Contains(local) })
}

// history is an incident under way, as the pipeline would drive it.
type history struct {
	*rand.Rand
	world  world
	inc    stillwater.Incident
	now    time.Time
	oracle *oracle
	ids    map[string]bool
	outbox []stillwater.MessageID // those that no courier has taken
	number int64
	steps  int
	wrong  string
	log    func(string, ...any)
}

func newHistory(seed uint64) *history {
	h := &history{Rand: rand.New(rand.NewPCG(seed, 5)), ids: map[string]bool{}, log: func(string, ...any) {}}
	h.now = h.pick(midnight, time.Date(2026, 3, 8, 3, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC)).Add(time.Duration(h.IntN(1440)) * time.Minute)
	h.world = world{config: Defaults(), off: map[stillwater.ContactID]bool{}, channels: stillwater.Channels}
	h.world.home = stillwater.Household{ID: "h", TimeZone: h.choose("Asia/Shanghai", "America/New_York", "UTC")}
	if h.chance(2) {
		h.ladders()
	}
	if h.chance(4) {
		h.world.channels = []stillwater.Channel{stillwater.SMS, stillwater.Email}
	}
	for i := range h.IntN(6) {
		h.world.home.Contacts = append(h.world.home.Contacts, h.contact(i))
	}
	if cs := h.world.home.Contacts; len(cs) > 0 && h.chance(4) { // one who stands in two roles
		c := cs[h.IntN(len(cs))]
		c.Role = stillwater.Roles[h.IntN(len(stillwater.Roles))]
		h.world.home.Contacts = append(cs, c)
	}
	h.oracle = h.fresh()
	return h
}

func (h *history) chance(oneIn int) bool { return h.IntN(oneIn) == 0 }

func (h *history) pick(moments ...time.Time) time.Time { return moments[h.IntN(len(moments))] }

func (h *history) choose(texts ...string) string { return texts[h.IntN(len(texts))] }

func (h *history) fresh() *oracle {
	return &oracle{world: &h.world, state: stillwater.Opened, on: map[string]stillwater.Severity{}}
}

// ladders are some that nobody would write, and rarely none.
func (h *history) ladders() {
	c := &h.world.config
	c.Question, c.Alert, c.Urgent = h.rungs(1), h.rungs(1+h.IntN(4)), h.rungs(1+h.IntN(3))
	c.Question[0].Wait = 0
	if h.chance(3) {
		c.For = []Ladder{{Kind: stillwater.Water, Alert: h.rungs(1 + h.IntN(3))}}
	}
	c.Deadlines.Water = time.Duration(h.IntN(4)) * time.Hour
	c.ResidentCall = h.choose("connect", "connect", "voice", "off")
}

func (h *history) rungs(n int) (ladder []Rung) {
	for range n {
		r := Rung{Wait: time.Duration(1+h.IntN(30)) * time.Minute}
		for _, role := range stillwater.Roles {
			if h.chance(3) {
				r.To = append(r.To, role)
				if h.chance(4) {
					r.Call = append(r.Call, role)
				}
			}
		}
		if len(r.To) == 0 {
			r.To = []stillwater.Role{stillwater.Family}
		}
		if h.chance(5) {
			r.By = []stillwater.Channel{stillwater.Channels[h.IntN(5)], stillwater.SMS}
		}
		if h.chance(5) {
			r.Hours = []stillwater.Hours{{From: 20 * time.Hour, To: 6 * time.Hour}}
		}
		ladder = append(ladder, r)
	}
	return ladder
}

func (h *history) contact(i int) stillwater.Contact {
	roles := append(stillwater.Roles, stillwater.Family, stillwater.Family, stillwater.Worker, stillwater.Worker)
	c := stillwater.Contact{ID: stillwater.ContactID(fmt.Sprintf("c%d", i)), Role: roles[h.IntN(len(roles))], Phone: stillwater.Phone(fmt.Sprintf("+8613800000%03d", i))}
	c.ID = stillwater.ContactID(string(c.Role) + string(c.ID))
	c.Email = string(c.ID) + "@example.org"
	switch h.IntN(12) {
	case 0:
		c.Phone = ""
	case 1:
		c.Phone = "+8613800000000" // as another's
	case 2:
		c.Channels = []stillwater.Channel{stillwater.Email, stillwater.SMS}
	case 3:
		c.Channels = []stillwater.Channel{stillwater.Voice}
	case 4:
		c.Channels = []stillwater.Channel{stillwater.WeCom, stillwater.SMS, stillwater.Voice}
		c.WeCom = h.choose("", "wecom-"+string(c.ID))
	}
	if h.chance(3) {
		c.Quiet = append(c.Quiet, stillwater.Hours{From: time.Duration(h.IntN(48)) * 30 * time.Minute, To: time.Duration(h.IntN(48)) * 30 * time.Minute})
		c.TimeZone = h.choose("", "America/New_York")
	}
	return c
}

// play lets things happen; it gives back what was wrong.
func (h *history) play() string {
	h.log("contacts %+v", h.world.home.Contacts)
	h.log("ladders %+v\n%+v\n%+v\n%+v, channels %v, zone %s", h.world.config.Question, h.world.config.Alert, h.world.config.Urgent, h.world.config.For, h.world.channels, h.world.home.TimeZone)
	for range 3 + h.IntN(10) {
		h.pass([]int{0, 0, 0, 1, 1, 2, 2, 4, 6, 11, 16, 31, 61, 150}[h.IntN(14)])
		h.random()
		if h.wrong != "" {
			return h.wrong
		}
	}
	h.pass(31)
	for range 10 { // what was to wait for the end of quiet hours
		if len(h.oracle.owed) > 0 && h.wrong == "" {
			h.pass(60)
		}
	}
	return h.wrong
}

// pass lets minutes go by; like the pipeline it steps only when Next has come.
func (h *history) pass(minutes int) {
	for range minutes {
		h.now = h.now.Add(time.Minute)
		if next := h.inc.Next; !next.IsZero() && !next.After(h.now) {
			h.step(Input{})
		} else if h.inc.ID != "" && h.wrong == "" {
			h.wrong = h.oracle.after(h.now, Input{}, Result{}, nil)
		}
		if h.wrong != "" {
			h.wrong = h.now.Format("2 15:04") + ": " + h.wrong
			return
		}
	}
}

// random lets one thing happen.
func (h *history) random() {
	if h.wrong != "" {
		return
	}
	switch what := h.IntN(20); {
	case what < 5:
		h.finding(true)
	case h.inc.ID == "":
	case what < 7:
		h.finding(false)
	case what < 12:
		h.receipt()
	case what < 16:
		h.act()
	case what < 18:
		h.change()
	case what < 19:
		h.restart()
	default:
		wrong := time.Duration(h.IntN(400)-200) * time.Minute // was the clock
		if h.chance(3) {
			wrong *= 20
		}
		h.now = h.now.Add(wrong)
		h.step(Input{})
	}
	if h.wrong != "" {
		h.wrong = h.now.Format("2 15:04") + ": " + h.wrong
	}
}

func (h *history) finding(begins bool) {
	f := stillwater.Finding{Household: "h", Kind: stillwater.Water, Rule: h.choose("a", "b"), Began: h.now}
	if !begins {
		if !Current(h.inc) {
			return
		}
		f.Ended = h.now
		h.step(Input{Finding: &f})
		return
	}
	f.Severity = stillwater.Severity(h.choose("question", "alert", "alert", "urgent"))
	if h.inc.ID == "" || !Current(h.inc) {
		h.inc = New(h.number, f, h.now)
		h.number++
		h.oracle = h.fresh()
		h.outbox = nil
	}
	h.step(Input{Finding: &f})
}

// receipt: a courier takes a message, or says what became of one.
func (h *history) receipt() {
	n := len(h.inc.Told)
	if n == 0 {
		return
	}
	told := h.inc.Told[max(0, n-1-h.IntN(4))]
	state := stillwater.DeliveryState(h.choose("accepted", "delivered", "delivered", "failed"))
	h.outbox = slices.DeleteFunc(h.outbox, func(id stillwater.MessageID) bool { return id == told.Message })
	h.step(Input{Receipt: &stillwater.Receipt{Message: told.Message, State: state}})
}

func (h *history) act() {
	deeds := []stillwater.Deed{
		stillwater.Acknowledge, stillwater.Acknowledge, stillwater.ArriveThere, stillwater.CallHelp, stillwater.Close, stillwater.Close,
		stillwater.HandOver, stillwater.Escalate, stillwater.Hold, stillwater.Reopen, stillwater.FollowedUp,
	}
	a := stillwater.Act{
		Incident: h.inc.ID, Who: "desk", Deed: deeds[h.IntN(len(deeds))], Remote: h.chance(2),
		Outcome: stillwater.Helped, Known: stillwater.Known(h.choose("seen", "assumed")),
	}
	if cs := h.world.home.Contacts; len(cs) > 0 {
		a.To = cs[h.IntN(len(cs))].ID
		if h.chance(2) {
			a.Who = string(cs[h.IntN(len(cs))].ID)
		}
	}
	switch {
	case a.Deed == stillwater.Hold:
		a.Until, a.Note = h.now.Add(time.Duration(1+h.IntN(240))*time.Minute), "the plumber is coming"
	case a.Deed == stillwater.Close && h.chance(3):
		a.Until = h.now.Add(time.Duration(1+h.IntN(300)) * time.Minute)
	}
	h.step(Input{Act: &a})
}

// change is of people: duty begins and ends, numbers opt out and in, agreements are withdrawn. Nothing is fed for it.
func (h *history) change() {
	cs := slices.Clone(h.world.home.Contacts)
	if len(cs) == 0 {
		return
	}
	c := &cs[h.IntN(len(cs))]
	h.log("%s something changes for %s", h.now.Format("2 15:04"), c.ID)
	switch h.IntN(6) {
	case 0, 1, 2:
		h.world.off[c.ID] = !h.world.off[c.ID]
	case 3:
		c.OptedOut = h.now
	case 4:
		c.OptedOut = time.Time{}
	default:
		c.Agreed.Withdrawn = h.now
	}
	h.world.home.Contacts = cs
}

// restart: all that is known afterwards is what was stored.
func (h *history) restart() {
	text, err := json.Marshal(h.inc)
	h.inc = stillwater.Incident{}
	if err == nil {
		err = json.Unmarshal(text, &h.inc)
	}
	if err != nil {
		h.wrong = err.Error()
		return
	}
	h.step(Input{})
}

// step steps, and checks what holds for every step.
func (h *history) step(in Input) {
	in.Now = h.now
	h.steps++
	careful := h.steps%8 == 0 // what is the same for every input need not be seen at each
	var before stillwater.Incident
	if careful {
		before = copied(h.inc)
	}
	r, err := Step(h.theCase(), in)
	h.log("%s %s → %v %v", h.now.Format("2 15:04"), describe(in), err, letters2(r.Messages))
	switch {
	case careful && !reflect.DeepEqual(h.inc, before):
		h.wrong = "Step wrote to the incident it was given"
	case careful && r.Changed == reflect.DeepEqual(r.Incident, before):
		h.wrong = fmt.Sprintf("Changed is %v", r.Changed)
	default:
		h.wrong = h.once(r)
	}
	h.inc = r.Incident
	if h.wrong == "" {
		h.wrong = h.oracle.after(h.now, in, r, err)
	}
	if h.wrong == "" {
		h.wrong = h.stopped(in, r, err)
	}
	if in.Act != nil || h.wrong != "" || h.steps%3 != 0 {
		return
	}
	again, err2 := Step(h.theCase(), in)
	if again.Changed || len(again.Messages) > 0 || (err == nil) != (err2 == nil) {
		h.wrong = fmt.Sprintf("the same input once more: %v, %v", letters2(again.Messages), err2)
	}
}

func (h *history) theCase() Case {
	return Case{
		Incident: h.inc, Household: h.world.home, Config: h.world.config, Channels: h.world.channels,
		OnDuty: func(c stillwater.Contact, _ time.Time) bool { return !h.world.off[c.ID] },
	}
}

// once: nobody and no telephone gets two messages from one step, and no code or ID is used twice.
func (h *history) once(r Result) string {
	told := map[string]bool{}
	for _, m := range r.Messages {
		key := keyOf(m.Channel, m.To, m.Purpose)
		switch {
		case told[key] || told[string(m.Contact)]:
			return fmt.Sprintf("two messages to %s from one step", m.Contact)
		case h.ids[string(m.ID)]:
			return fmt.Sprintf("ID %s was used before", m.ID)
		}
		told[key], told[string(m.Contact)], h.ids[string(m.ID)] = true, true, true
	}
	return ""
}

// stopped: after somebody has taken it on no call for somebody is left to be sent, and after the closing nothing is.
func (h *history) stopped(in Input, r Result, err error) string {
	h.outbox = slices.DeleteFunc(h.outbox, func(id stillwater.MessageID) bool { return slices.Contains(r.Cancel, id) })
	if err == nil && in.Act != nil {
		for _, id := range h.outbox {
			t := r.Incident.Told[slices.IndexFunc(r.Incident.Told, func(t stillwater.Told) bool { return t.Message == id })]
			news := t.Purpose == stillwater.Update || t.Purpose == stillwater.Done || t.Purpose == stillwater.Visit
			switch in.Act.Deed {
			case stillwater.Close:
				return fmt.Sprintf("%s starts after the closing", t.Purpose)
			case stillwater.Acknowledge, stillwater.ArriveThere:
				if !news {
					return fmt.Sprintf("%s to %s starts after the acknowledgement", t.Purpose, t.Contact)
				}
			}
		}
	}
	for _, m := range r.Messages {
		h.outbox = append(h.outbox, m.ID)
	}
	return ""
}

func copied(i stillwater.Incident) stillwater.Incident {
	i.Findings, i.Told, i.Log, i.Waiting = slices.Clone(i.Findings), slices.Clone(i.Told), slices.Clone(i.Log), slices.Clone(i.Waiting)
	return i
}

func describe(in Input) string {
	switch {
	case in.Finding != nil && in.Finding.Ended.IsZero():
		return fmt.Sprintf("%s begins %s", in.Finding.Rule, in.Finding.Severity)
	case in.Finding != nil:
		return in.Finding.Rule + " ends"
	case in.Act != nil:
		return strings.TrimSpace(fmt.Sprintf("%s: %s %s", in.Act.Who, in.Act.Deed, in.Act.Known))
	case in.Receipt != nil:
		return fmt.Sprintf("%s %s", in.Receipt.Message, in.Receipt.State)
	}
	return "tick"
}

func letters2(ms []stillwater.Message) (out []string) {
	for _, m := range ms {
		out = append(out, fmt.Sprintf("%s %s %s→%s", m.ID, m.Channel, m.Purpose, m.Contact))
	}
	return out
}
