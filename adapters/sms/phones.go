package sms

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"stillwater"
	"stillwater/adapters/twilio"
)

// maxTexts is how many texts Phones remembers, both ways together.
const maxTexts = 500

// A Direction is which way a text went.
type Direction string

// The directions, seen from the gateway.
const (
	Out Direction = "out"
	In  Direction = "in"
)

// A PhoneText is a text on one of the phones.
type PhoneText struct {
	ID        string
	Phone     stillwater.Phone // of the person, whichever way it went
	Direction Direction
	Channel   stillwater.Channel // by which it came; a text is written by SMS
	Text      string
	At        time.Time // event clock

	to   stillwater.Address // and its code find it again
	code string
}

// Phones is a provider without a network, of every channel: the phones are in memory, and a page shows them with the texts, calls and cards
// that came. Its methods may be called from several goroutines. It forgets all but the last 500 texts.
type Phones struct {
	// OnSend, if set before the first Send, is called after each text, one at a time, in order. It must not Send.
	OnSend func(stillwater.Message)

	// Of, if set before the first Send, is the phone of who gets a message that goes to no number: a card, an e-mail.
	Of func(stillwater.Message) stillwater.Phone

	now     func() time.Time
	name    string // of this run: replies are acted on once by their ID, also after a restart
	inbound chan struct{}
	sending sync.Mutex // keeps the calls of OnSend in order

	mu    sync.Mutex // guards everything below
	n     int
	texts []PhoneText
}

// NewPhones gives phones whose texts bear the time of the clock.
func NewPhones(clock interface{ Now() time.Time }) *Phones {
	return &Phones{now: clock.Now, name: rand.Text()[:8], inbound: make(chan struct{}, 1)}
}

// Name is "phones".
func (p *Phones) Name() string { return "phones" }

// Send puts the text on the phone. It arrives at once.
func (p *Phones) Send(ctx context.Context, m stillwater.Message) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("send to phones: %w: %w", stillwater.ErrNotSent, err)
	}
	phone := stillwater.Phone(m.To)
	if by := m.By(); by != stillwater.SMS && by != stillwater.Voice && p.Of != nil {
		phone = p.Of(m)
	}
	if !twilio.IsE164(string(phone)) {
		return "", fmt.Errorf("send to phones: %w: the number of contact %q is not in E.164 form", stillwater.ErrRefused, m.Contact)
	}
	p.sending.Lock()
	defer p.sending.Unlock()
	id := p.add(PhoneText{Phone: phone, Direction: Out, Channel: m.By(), Text: m.Text, code: m.Code, to: m.To})
	if p.OnSend != nil {
		p.OnSend(m)
	}
	return id, nil
}

// Find looks for a text to the number that bears the code. The moment is not looked at: it is the caller's wall clock,
// and the phones have the event clock.
func (p *Phones) Find(_ context.Context, to stillwater.Address, code string, _ time.Time) (string, bool, error) {
	if code == "" {
		return "", false, errors.New("find on phones: it takes a code")
	}
	for _, t := range p.Texts() {
		if t.Direction == Out && t.to == to && (t.code == code || hasCode(t.Text, code)) {
			return t.ID, true, nil
		}
	}
	return "", false, nil
}

// Status is always delivered: what Send took is on the phone.
func (p *Phones) Status(context.Context, string) (stillwater.DeliveryState, string, error) {
	return stillwater.Delivered, "delivered", nil
}

// Replies gives the texts written on the phones since the given moment, the oldest first.
func (p *Phones) Replies(_ context.Context, since time.Time) ([]stillwater.Reply, error) {
	var replies []stillwater.Reply
	for _, t := range p.Texts() {
		if t.Direction == In && !t.At.Before(since) {
			replies = append(replies, stillwater.Reply{ID: t.ID, From: t.Phone, Text: t.Text, At: t.At})
		}
	}
	return replies, nil
}

// Write is somebody writing a text to the gateway.
func (p *Phones) Write(from stillwater.Phone, text string) {
	p.add(PhoneText{Phone: from, Direction: In, Channel: stillwater.SMS, Text: text})
	select {
	case p.inbound <- struct{}{}:
	default: // one wake-up is enough for any number of texts
	}
}

// Inbound has something to receive when a text was written since the last receive.
func (p *Phones) Inbound() <-chan struct{} { return p.inbound }

// Texts gives a copy of the texts remembered, newest last.
func (p *Phones) Texts() []PhoneText {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.texts)
}

func (p *Phones) add(t PhoneText) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	t.ID, t.At = fmt.Sprintf("%s-%s-%d", p.name, t.Direction, p.n), p.now()
	if len(p.texts) == maxTexts {
		p.texts = slices.Delete(p.texts, 0, 1)
	}
	p.texts = append(p.texts, t)
	return t.ID
}
