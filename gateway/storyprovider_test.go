package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"stillwater"
	"stillwater/gateway/delivery"
)

// A scripted is a provider of texts and calls that fares as a story says. It can be asked what it has.
type scripted struct {
	name string
	now  func() time.Time // event clock

	mu      sync.Mutex // guards everything below
	how     fares
	dead    map[stillwater.Address]bool // numbers that are not in use
	after   time.Duration               // how long a text is under way
	took    []took
	inbound []stillwater.Reply
}

// took is a message that a scripted provider accepted.
type took struct {
	id  string
	at  time.Time
	msg stillwater.Message
}

// fares is how a provider does.
type fares int

const (
	well     fares = iota
	down           // nobody is reached: nothing leaves, and it is known
	dropping       // takes a message, and the line breaks before it can say so; nor can it be asked
)

// Name is what the story calls it.
func (p *scripted) Name() string { return p.name }

// Send takes a message, or fails as the story has it.
func (p *scripted) Send(_ context.Context, m stillwater.Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.how == down {
		return "", fmt.Errorf("%s: %w: connection refused", p.name, stillwater.ErrNotSent)
	}
	if p.dead[m.To] {
		return "", fmt.Errorf("%s: %w: no such number", p.name, stillwater.ErrRefused)
	}
	id := fmt.Sprintf("%s-%d", p.name, len(p.took)+1)
	p.took = append(p.took, took{id, p.now(), m})
	if p.how == dropping {
		return "", fmt.Errorf("%s: the connection broke before the answer", p.name)
	}
	return id, nil
}

// Find looks for a message to a number by its code.
func (p *scripted) Find(_ context.Context, to stillwater.Address, code string, _ time.Time) (string, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.how != well {
		return "", false, fmt.Errorf("%s: connection refused", p.name)
	}
	i := slices.IndexFunc(p.took, func(t took) bool { return t.msg.To == to && t.msg.Code == code })
	if i < 0 {
		return "", false, nil
	}
	return p.took[i].id, true, nil
}

// Status is delivered once the text was under way for as long as texts are now.
func (p *scripted) Status(_ context.Context, id string) (stillwater.DeliveryState, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.took, func(t took) bool { return t.id == id })
	switch {
	case p.how != well:
		return "", "", fmt.Errorf("%s: connection refused", p.name)
	case i < 0:
		return stillwater.Failed, "unknown message", nil
	case p.now().Sub(p.took[i].at) < p.after:
		return stillwater.Accepted, "sent", nil
	}
	return stillwater.Delivered, "delivered", nil
}

// Replies are the texts that people wrote.
func (p *scripted) Replies(_ context.Context, since time.Time) (replies []stillwater.Reply, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.how != well {
		return nil, fmt.Errorf("%s: connection refused", p.name)
	}
	for _, r := range p.inbound {
		if !r.At.Before(since) {
			replies = append(replies, r)
		}
	}
	return replies, nil
}

// all is what it took, in order.
func (p *scripted) all() []took {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.took)
}

// change lets the provider fare otherwise from now on: "is down", "is back", "drops answers", "delivers after 20m".
func (p *scripted) change(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	after, late := strings.CutPrefix(what, "delivers after ")
	switch {
	case what == "is down":
		p.how = down
	case what == "drops answers":
		p.how = dropping
	case what == "is back":
		p.how = well
	case late:
		d, err := time.ParseDuration(after)
		p.after = d
		return err
	default:
		return fmt.Errorf("a provider %q", what)
	}
	return nil
}

// dies takes a number out of use.
func (p *scripted) dies(number stillwater.Phone) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead[stillwater.Address(number)] = true
}

// writes is a text that somebody sends to the gateway.
func (p *scripted) writes(r stillwater.Reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inbound = append(p.inbound, r)
}

// routes are the ways that the provider opens.
func (p *scripted) routes() (routes []delivery.Route) {
	for _, by := range []stillwater.Channel{stillwater.SMS, stillwater.Voice} {
		routes = append(routes, delivery.Route{Name: p.name, Channel: by, Provider: p})
	}
	return routes
}
