package sms

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"stillwater"
)

type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestPhones(t *testing.T) {
	p := NewPhones(fixed(noon))
	var lines []string
	p.OnSend = func(m stillwater.Message) { lines = append(lines, fmt.Sprint(m.Text, len(p.Texts()))) } // may look at the phones
	id, err := p.Send(t.Context(), text("A1-1"))
	if err != nil || len(lines) != 1 {
		t.Fatalf("%v, %d lines", err, len(lines))
	}
	for code, want := range map[string]bool{"A1-1": true, "A1": false, "B": false} {
		if got, found, err := p.Find(t.Context(), hers, code, noon.Add(time.Hour)); found != want || err != nil || found && got != id {
			t.Errorf("%s: found %v as %q, %v", code, found, got, err)
		}
	}
	if state, _, err := p.Status(t.Context(), id); state != stillwater.Delivered || err != nil {
		t.Errorf("%s, %v", state, err)
	}
	p.Write(hers, "1")
	p.Write(hers, "2")
	<-p.Inbound()
	replies, err := p.Replies(t.Context(), noon)
	if err != nil || len(replies) != 2 || replies[0].Text != "1" || replies[0].From != hers || !replies[0].At.Equal(noon) || replies[0].ID == replies[1].ID {
		t.Errorf("replies %+v, %v", replies, err)
	}
	if later, _ := p.Replies(t.Context(), noon.Add(time.Second)); len(later) != 0 {
		t.Errorf("%d replies of later", len(later))
	}
	texts := p.Texts()
	if len(texts) != 3 || texts[0].Direction != Out || texts[2].Direction != In || texts[2].Text != "2" {
		t.Errorf("texts %+v", texts)
	}
	other := NewPhones(fixed(noon)) // the same again, after a restart
	other.Send(t.Context(), text("A1-1"))
	other.Write(hers, "1")
	if again, _ := other.Replies(t.Context(), noon); again[0].ID == replies[0].ID {
		t.Error("a reply after a restart has the ID of one before, and would be passed over as known")
	}
	if _, err := p.Send(t.Context(), stillwater.Message{To: "123"}); err == nil {
		t.Error("sent to 123")
	}
}

func TestPhonesAreBoundedAndSafe(t *testing.T) {
	p := NewPhones(fixed(noon))
	sent := 0
	p.OnSend = func(stillwater.Message) { sent++ } // one at a time: needs no lock
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range maxTexts / 4 {
				p.Send(t.Context(), text(fmt.Sprintf("%d-%d", w, n)))
				p.Write(hers, "1")
				p.Replies(t.Context(), noon)
			}
		})
	}
	wg.Wait()
	p.Write(hers, "last")
	texts := p.Texts()
	if len(texts) != maxTexts || sent != maxTexts || texts[maxTexts-1].Text != "last" {
		t.Errorf("%d texts, %d sent", len(texts), sent)
	}
}
