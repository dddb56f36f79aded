package modbus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stillwater/adapters/bus"
	"stillwater/adapters/meterdial"
)

// ProbeOptions is what a Probe needs.
type ProbeOptions struct {
	Link     bus.Link // valid: see bus.Link.Validate
	Framing  string   // tcp or rtu; "": as the link has it
	Profiles []*Profile
	Say      func(text string) // told what is being done; may be nil
}

// A Probe looks at the devices of one bus to find out what they are. It reads and never writes, asks each unit by itself and never all of
// them, and reads each register once a look.
type Probe struct {
	Requests int // put so far

	options ProbeOptions
	line    *bus.Line
	talk    *talk
	looks   map[int][]look
}

// An Answer is how a unit answered.
type Answer struct {
	Unit    int
	Refused bool // it is there, and has not the register that was asked for
}

// maxRequests bounds what one look at one unit costs, in requests: a device that keeps silent where it should refuse costs a timeout each.
const maxRequests = 150

// NewProbe makes a probe that has not connected yet.
func NewProbe(o ProbeOptions) *Probe {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if o.Link.Serial != "" {
		o.Framing = "rtu"
	}
	wire := tcpFraming()
	if o.Framing == "rtu" {
		wire = rtuFraming()
	}
	return &Probe{options: o, line: bus.NewLine(o.Link, o.Framing == "rtu"), talk: newTalk(wire), looks: map[int][]look{}}
}

// Close ends the connection.
func (p *Probe) Close() { p.line.Close() }

// AllProfiles are those that come with the gateway.
func AllProfiles() ([]*Profile, error) {
	var list []*Profile
	for _, name := range Profiles() {
		found, err := FindProfile(name, "", "")
		if err != nil {
			return nil, err
		}
		list = append(list, found)
	}
	return list, nil
}

// Scan asks who is there. A unit that refuses is there, too; one of which a gateway says that it does not answer is not. The error is that of
// the line: then nobody could be asked.
func (p *Probe) Scan(ctx context.Context, units []int) ([]Answer, error) {
	var found []Answer
	for _, n := range []need{{"holding", 0, 1}, {"input", 0, 1}} {
		for _, unit := range units {
			p.options.Say(fmt.Sprintf("asking unit %d", unit))
			err := p.hello(ctx, unit, n)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if line, is := errors.AsType[*bus.NoLine](err); is {
				return found, line
			}
			if err == nil || present(err) {
				found = append(found, Answer{Unit: unit, Refused: err != nil})
			}
		}
		if len(found) > 0 {
			break
		}
	}
	return found, nil
}

// hello asks a unit for a register, once more if what came did not fit: it may have been the late answer of the unit before.
func (p *Probe) hello(ctx context.Context, unit int, n need) error {
	err := p.ask(ctx, unit, n, nil)
	if err != nil && !present(err) && !errors.Is(err, context.DeadlineExceeded) && !timeout(err) && ctx.Err() == nil {
		err = p.ask(ctx, unit, n, nil)
	}
	return err
}

// present says whether an error shows that the unit is there.
func present(err error) bool {
	_, busy := errors.AsType[*bus.Busy](err)
	_, absent := errors.AsType[*bus.Absent](err)
	return busy || refused(err) && !absent
}

// timeout says whether nothing came.
func timeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// patienceOf is how often a unit that is busy is asked again, and after how long.
const (
	patienceOf = 4
	busyFor    = 200 * time.Millisecond
)

// ask puts one question, and what is answered into the image.
func (p *Probe) ask(ctx context.Context, unit int, n need, into *image) error {
	for try := 0; ; try++ {
		p.Requests++
		raw, err := p.talk.ask(ctx, p.line, unit, n)
		if err == nil {
			if into != nil {
				into.put(n, raw)
			}
			return nil
		}
		if _, busy := errors.AsType[*bus.Busy](err); !busy || try == patienceOf {
			return err
		}
		select {
		case <-time.After(busyFor):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Look reads a unit, as much of it as it takes to tell what it is; dial is what its meter shows, or nil. Where a look was taken before, only
// what that one found is read again.
func (p *Probe) Look(ctx context.Context, unit int, dial *meterdial.Dial) error {
	l := look{image: newImage(), dial: dial}
	before := p.Requests
	err := p.lookAt(ctx, unit, l)
	if err == nil && len(l.image.tables) == 0 {
		err = fmt.Errorf("unit %d has none of the registers that any profile reads", unit)
	}
	if err == nil {
		p.looks[unit] = append(p.looks[unit], l)
	}
	p.options.Say(fmt.Sprintf("unit %d: %d requests", unit, p.Requests-before))
	return err
}

func (p *Probe) lookAt(ctx context.Context, unit int, l look) error {
	if len(p.looks[unit]) > 0 {
		return p.read(ctx, unit, p.again(unit), l.image)
	}
	profiles := p.options.Profiles
	p.options.Say(fmt.Sprintf("unit %d: reading what models are known by", unit))
	if err := p.read(ctx, unit, signsOf(profiles), l.image); err != nil {
		return err
	}
	for _, known := range profiles {
		if known.recognises(l.image.get) {
			profiles = []*Profile{known}
			break
		}
	}
	p.options.Say(fmt.Sprintf("unit %d: reading what %d profiles read", unit, len(profiles)))
	if err := p.read(ctx, unit, needsOf(profiles), l.image); err != nil || p.plain(profiles, l) {
		return err
	}
	p.options.Say(fmt.Sprintf("unit %d: nothing fits as a profile has it; reading further", unit))
	return p.read(ctx, unit, slices.Concat(needsOf(p.options.Profiles), aroundOf(p.options.Profiles), lowOf()), l.image)
}

// plain says whether a profile fits, as it is.
func (p *Probe) plain(profiles []*Profile, l look) bool {
	list := rank(profiles, []look{l})
	if l.dial == nil {
		return len(list) > 0 && list[0].plain()
	}
	return len(list) > 0 && list[0].plain() && list[0].Bits > 0 && Rivals(list) == 1
}

func signsOf(profiles []*Profile) (list []need) {
	for _, p := range profiles {
		if len(p.Identify) > 0 {
			list = append(list, p.signs()...)
		}
	}
	return sortedNeeds(list)
}

// again is what is read once more: what the candidates of the first look need, and all counters that are there.
func (p *Probe) again(unit int) (list []need) {
	for i, c := range p.Rank(unit) {
		if i == maxAgain {
			break
		}
		list = append(list, c.guess.gauge.needs()...)
	}
	list = append(list, needsOf(p.options.Profiles)...)
	had := p.looks[unit][0].image
	return sortedNeeds(slices.DeleteFunc(list, func(n need) bool { return had.get(n) == nil }))
}

// maxAgain is how many candidates a second look keeps.
const maxAgain = 20

// read reads what of the needs is not known yet, neighbours together. What the device refuses together it is asked for one by one.
func (p *Probe) read(ctx context.Context, unit int, needs []need, into *image) error {
	const registers, hole = 64, 8
	wanted := slices.DeleteFunc(slices.Clone(needs), func(n need) bool { return into.has(n) })
	budget := p.Requests + maxRequests
	for _, b := range blocks(wanted, limits{registers: registers, hole: hole}) {
		err := p.ask(ctx, unit, b.need, into)
		if err := fatal(ctx, err); err != nil {
			return err
		}
		if err == nil {
			continue
		}
		into.refuse(b.need)
		for _, n := range b.parts {
			if n == b.need || into.has(n) || p.Requests >= budget {
				continue
			}
			err := p.ask(ctx, unit, n, into)
			if err := fatal(ctx, err); err != nil {
				return err
			}
			if err != nil {
				into.refuse(n)
			}
		}
	}
	return nil
}

// fatal is the error after which no more can be asked.
func fatal(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if line, is := errors.AsType[*bus.NoLine](err); is {
		return line
	}
	return nil
}

// Rank lists the ways to read a unit that its looks allow, the likeliest first.
func (p *Probe) Rank(unit int) []Candidate {
	if len(p.looks[unit]) == 0 {
		return nil
	}
	return rank(p.options.Profiles, p.looks[unit])
}

// plain says whether a candidate is a profile as it is.
func (c Candidate) plain() bool {
	return c.Profile != "" && c.guess.order == "" && !c.guess.moved() && !c.Offset && !math.IsInf(c.Bits, 0)
}
