package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// mood is what a provider does with one call.
type mood int

const (
	fine       mood = iota
	refusing        // for a reason of its own
	busy            // over a limit
	shut            // not even connected
	broken          // HTTP 500, and nothing taken
	mute            // no answer, and nothing taken
	forgetful       // taken, and the answer lost
	mutedAfter      // taken, and no answer
	moods
)

// script is a history: what each provider does call by call, and then for ever nothing wrong; and what happens to the courier.
type script struct {
	Sends   [2][]mood
	Finds   [2][]mood // fine, broken or mute
	Visible [2]time.Duration
	Askable [2]bool
	Events  []event
}

type event struct {
	After   time.Duration
	Put     bool // a message, urgent or not, to one of few contacts
	Urgent  bool
	To      int
	Crash   bool
	SinkIll bool // until the next event
	MarkIll bool
}

// moody is a provider that goes by its script.
type moody struct {
	operator
	mu           sync.Mutex
	sends, finds []mood
}

func (p *moody) next(list *[]mood) mood {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(*list) == 0 {
		return fine
	}
	m := (*list)[0]
	*list = (*list)[1:]
	return m
}

func newMoody(name string, sends, finds []mood, visible time.Duration) *moody {
	p := &moody{operator: operator{name: name, visible: visible}, sends: sends, finds: finds}
	after := map[stillwater.MessageID]mood{}
	p.send = func(ctx context.Context, m stillwater.Message) error {
		now := p.next(&p.sends)
		switch now {
		case refusing:
			return errors.Join(stillwater.ErrRefused, stillwater.ErrUnable)
		case busy:
			return stillwater.ErrLimited
		case shut:
			return stillwater.ErrNotSent
		case broken:
			return errors.New("HTTP 500")
		case mute:
			return hang(ctx, m)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		after[m.ID] = now
		return nil
	}
	p.sent = func(ctx context.Context, m stillwater.Message) error {
		p.mu.Lock()
		now := after[m.ID]
		p.mu.Unlock()
		switch now {
		case forgetful:
			return errors.New("connection reset")
		case mutedAfter:
			return hang(ctx, m)
		}
		return nil
	}
	p.find = func(ctx context.Context) error {
		switch p.next(&p.finds) {
		case broken:
			return errors.New("HTTP 500")
		case mute:
			return hang(ctx, stillwater.Message{})
		}
		return nil
	}
	return p
}

// drawScript draws a history. Where asking is sound, every provider can be asked and answers.
func drawScript(t *rapid.T, sound bool) script {
	var s script
	span := func(label string, most time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(most/time.Second)).Draw(t, label)) * time.Second
	}
	send := rapid.SampledFrom([]mood{fine, busy, shut, broken, mute, forgetful, mutedAfter})
	first := rapid.SampledFrom([]mood{fine, refusing, busy, shut, broken, mute, forgetful, mutedAfter}) // the second never refuses: else nobody might take it
	for i := range s.Sends {
		s.Sends[i] = rapid.SliceOfN([]*rapid.Generator[mood]{first, send}[i], 0, 12).Draw(t, fmt.Sprint("sends of ", i))
		s.Visible[i] = span("seen after", 50*time.Second)
		s.Askable[i] = sound || rapid.Bool().Draw(t, "can be asked")
		if !sound {
			s.Finds[i] = rapid.SliceOfN(rapid.SampledFrom([]mood{fine, broken, mute}), 0, 30).Draw(t, fmt.Sprint("finds of ", i))
		}
	}
	for range rapid.IntRange(1, 12).Draw(t, "events") {
		e := event{After: span("after", 3*time.Minute)}
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
			e.Crash = true
		case 1:
			e.SinkIll = true
		case 2:
			e.MarkIll = true
		default:
			e.Put, e.Urgent, e.To = true, rapid.Bool().Draw(t, "urgent"), rapid.IntRange(1, 3).Draw(t, "to")
		}
		s.Events = append(s.Events, e)
	}
	return s
}

// play runs a history to its end and an hour beyond.
func (s script) play(t *testing.T) (*store, [2]*moody) {
	disk := &store{}
	var providers [2]*moody
	var routes []Route
	for i, name := range []string{"a", "b"} {
		p := newMoody(name, s.Sends[i], s.Finds[i], s.Visible[i])
		providers[i] = p
		r := Route{Name: name, Channel: stillwater.SMS, Provider: p}
		if !s.Askable[i] {
			r.Provider = struct{ Provider }{p}
		}
		routes = append(routes, r)
	}
	config := Defaults()
	config.GiveUp, config.Courtesy = 24*time.Hour, 1000
	var stop func()
	begin := func() {
		stop = start(t, &Courier{Config: config, Clock: wall{}, Outbox: disk, Record: disk, Sink: disk, Routes: routes})
	}
	begin()
	for i, e := range s.Events {
		after(e.After)
		ill := func(is bool) func() error {
			if !is {
				return nil
			}
			return func() error { return errors.New("disk full") }
		}
		disk.change(func() { disk.sinkSick, disk.markSick = ill(e.SinkIll), ill(e.MarkIll) })
		if e.Put {
			m := message(fmt.Sprintf("M%02d", i), e.To)
			if e.Urgent {
				m = urgent(m)
			}
			disk.put(m)
		}
		if e.Crash {
			stop()
			begin()
		}
	}
	disk.change(func() { disk.sinkSick, disk.markSick = nil, nil })
	after(3 * time.Hour)
	stop()
	return disk, providers
}

// wrong says what a history ended with that must not be. The model is what the providers took: each message by one of them, and again only marked.
func (s script) wrong(disk *store, providers [2]*moody, sound bool) string {
	type taking struct {
		by string
		m  stillwater.Message
	}
	took := map[stillwater.MessageID][]taking{}
	for _, p := range providers {
		for _, t := range p.took() {
			took[t.m.ID] = append(took[t.m.ID], taking{p.name, t.m})
		}
	}
	for _, m := range disk.messages {
		all := took[m.ID]
		unmarked, known := 0, false
		for _, t := range all {
			if !t.m.Repeat {
				unmarked++
			}
			known = known || t.by == m.Provider
		}
		switch {
		case len(all) == 0:
			return fmt.Sprintf("%s is lost: %s %s", m.ID, m.State, m.Error)
		case sound && len(all) > 1:
			return fmt.Sprintf("%s was sent %d times, though both could be asked", m.ID, len(all))
		case unmarked > 1:
			return fmt.Sprintf("%s was sent %d times as if for the first time", m.ID, unmarked)
		case m.State != stillwater.Accepted || !known:
			return fmt.Sprintf("%s was taken and is stored as %s of %q", m.ID, m.State, m.Provider)
		}
	}
	return ""
}

// TestRandomProviders: whatever two providers do, and whenever the courier is killed, nobody is forgotten; and nobody is told twice where a provider can be
// asked, nor anywhere without a mark.
func TestRandomProviders(t *testing.T) {
	for name, sound := range map[string]bool{"both can be asked": true, "asking fails, or there is no asking": false} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				s := drawScript(r, sound)
				problem := ""
				synctest.Test(t, func(t *testing.T) {
					disk, providers := s.play(t)
					problem = s.wrong(disk, providers, sound)
				})
				if problem != "" {
					r.Fatalf("%s\n%+v", problem, s)
				}
			})
		})
	}
}
