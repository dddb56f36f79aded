package trial

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"stillwater"
	"stillwater/simulator/world"
)

// A Stratum is what kind of home it is, as far as finding things is concerned. Each home is of one.
type Stratum string

// The strata.
const (
	WithDoor  Stratum = "door"      // one resident; a meter read each quarter of an hour, and a door contact
	Hourly    Stratum = "hourly"    // a meter read each hour and nothing else
	Minute    Stratum = "minute"    // a meter read each minute
	TenLitre  Stratum = "10 L"      // a meter that counts tens
	Daily     Stratum = "daily"     // a meter that notes each hour and uploads once a day at 02:00
	Couple    Stratum = "couple"    // two residents
	Automatic Stratum = "automatic" // a cat fountain, a purifier or a trickle draws by itself
)

// Strata are all of them, in the order of tables.
func Strata() []Stratum {
	return []Stratum{WithDoor, Hourly, Minute, TenLitre, Daily, Couple, Automatic}
}

// shares are how many in a hundred homes are of each stratum: about half of all have a meter and a door, a quarter only an hourly
// meter. Who is to leave through a door at night has one.
func shares(e Event) map[Stratum]int {
	if e == NightExit {
		return map[Stratum]int{WithDoor: 79, Minute: 4, TenLitre: 9, Couple: 8}
	}
	return map[Stratum]int{WithDoor: 43, Hourly: 31, Minute: 4, TenLitre: 7, Daily: 6, Couple: 6, Automatic: 3}
}

// random is the source of chance for one home and purpose.
func random(seed uint64, home int, purpose string) *rand.Rand {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte("trial " + purpose)) // a hash never errs
	return rand.New(rand.NewPCG(seed^sum.Sum64(), uint64(home)))
}

// makeHomes draws all homes, in no order of event or stratum.
func makeHomes(o Options) []Home {
	var homes []Home
	for _, e := range []Event{Fall, Tap, NightExit, Burst, Quiet} {
		n := o.Each
		if e == Quiet {
			n = o.Quiet
		}
		for k := range n {
			homes = append(homes, Home{Event: e, Stratum: stratumOf(e, k)})
		}
	}
	random(o.Seed, 0, "order").Shuffle(len(homes), func(i, j int) { homes[i], homes[j] = homes[j], homes[i] })
	for i := range homes {
		homes[i].furnish(random(o.Seed, i, "home"), o)
	}
	return homes
}

// stratumOf deals strata out evenly, so that each event has its share of each.
func stratumOf(e Event, k int) Stratum {
	place := k * 37 % 100 // 37 and 100 have no common divisor: a hundred in a row have each place once
	for _, s := range Strata() {
		if place -= shares(e)[s]; place < 0 {
			return s
		}
	}
	return WithDoor
}

// furnish fits a home and says what is known of who lives there.
func (h *Home) furnish(r *rand.Rand, o Options) {
	p := world.Resident{Anyone: true, Holidays: o.Holidays}
	switch h.Stratum {
	case Hourly:
		p.Meter.Every, p.Door = world.Span(time.Hour), world.DoorMissing
	case Minute:
		p.Meter.Every = world.Span(time.Minute)
	case TenLitre:
		p.Meter.Step = 10
	case Daily:
		p.Meter.Every, p.Meter.Uploads, p.Door = world.Span(time.Hour), "02:00", world.DoorMissing
	case Couple:
		p.People = 2
		h.Note = "couple: nobody stirs"
		if h.Event == Quiet {
			h.Note = ""
		}
	case Automatic:
		p.ByItself = []world.Automatic{automatic(r)}
		h.Note = p.ByItself[0].What
	}
	if h.Event != NightExit && (h.Stratum == Minute || h.Stratum == TenLitre || h.Stratum == Automatic) && r.IntN(2) == 0 {
		p.Door = world.DoorMissing
	}
	if h.Event == Quiet || h.Event == Tap || h.Event == Burst { // a carer or neighbour would find who fell
		switch r.IntN(10) {
		case 0:
			p.Comes = []world.Visit{{Who: "carer", At: "08:30", GiveOrTake: world.Span(30 * time.Minute), Stays: world.Span(2 * time.Hour), Uses: 30}}
			h.Note = "carer"
		case 1:
			p.Comes = []world.Visit{{Who: "neighbour", At: "15:20", GiveOrTake: world.Span(time.Hour), Stays: world.Span(45 * time.Minute), Uses: 2, HowOften: world.Half}}
			h.Note = "neighbour"
		case 2:
			p.Chores = []world.Chore{{What: "cleaning", On: world.Days{"fri"}, At: "08:40", Lasts: world.Span(3 * time.Hour), Uses: 180}}
			h.Note = "cleaning day"
		}
	}
	h.resident = p
}

// automatic draws one thing that draws by itself.
func automatic(r *rand.Rand) world.Automatic {
	switch r.IntN(3) {
	case 0:
		return world.Automatic{What: "cat fountain", Every: world.Span(time.Duration(30+r.IntN(120)) * time.Minute), Takes: stillwater.Litres(0.2 + r.Float64())}
	case 1:
		return world.Automatic{What: "purifier flush", Every: world.Span(time.Duration(3+r.IntN(9)) * time.Hour), Takes: stillwater.Litres(1 + 4*r.Float64())}
	}
	return world.Automatic{What: "trickle at night", PerHour: stillwater.Litres(0.5 + 2*r.Float64()), From: "20:30", To: "05:30"}
}
