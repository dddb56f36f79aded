package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"stillwater"
)

// lives keeps what was said, and is a console's Lives.
type lives struct {
	said []stillwater.LifeEvent
	of   stillwater.Circumstances
}

func (l *lives) Life(_ context.Context, e stillwater.LifeEvent) error {
	l.said = append(l.said, e)
	return nil
}

func (l *lives) LifeOf(stillwater.HouseholdID) stillwater.Circumstances { return l.of }

// livingConsole is the console with life events.
func livingConsole(t *testing.T, w *town, l *lives) *Console {
	t.Helper()
	o := options(t, w)
	o.Lives = l
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLifeForm: one tap each, but moved and died, which are asked about on a page of their own that changes nothing.
func TestLifeForm(t *testing.T) {
	for form, want := range map[string]stillwater.LifeEvent{
		"kind=hospital&until=": {Kind: stillwater.InHospital}, "kind=family&until=2025-11-20T18:00": {Kind: stillwater.WithFamily, Until: at(20, 18, 0)},
		"kind=home&until=": {Kind: stillwater.HomeAgain}, "kind=carer-away&contact=li&until=2025-11-20T18:00": {Kind: stillwater.CarerAway, Contact: "li", Until: at(20, 18, 0)},
		"kind=carer-back&contact=li": {Kind: stillwater.CarerBack, Contact: "li"}, "kind=died&sure=yes": {Kind: stillwater.Died}, "kind=mistaken": {Kind: stillwater.Mistaken},
		"kind=died": {}, "kind=moved&sure=": {}, "kind=carer-away&contact=li": {}, "kind=carer-away&until=2025-11-20T18:00": {}, "kind=hospital&until=soon": {}, "kind=asked-stay": {}, "": {},
	} {
		w, l := newTown(t), &lives{}
		answer := post(livingConsole(t, w, l), "/homes/h4/life", form, ours)
		if want.Kind == "" {
			if answer.Code != http.StatusBadRequest || len(l.said) > 0 {
				t.Errorf("%q: %d, said %+v", form, answer.Code, l.said)
			}
			continue
		}
		if answer.Code != http.StatusSeeOther || len(l.said) != 1 {
			t.Fatalf("%q: %d, said %+v", form, answer.Code, l.said)
		}
		e := l.said[0]
		if e.Household != "h4" || e.Kind != want.Kind || e.Contact != want.Contact || !e.Until.Equal(want.Until) || e.Who != desk {
			t.Errorf("%q: said %+v", form, e)
		}
	}
}

// TestLifeSure: the question before says in both languages that nothing has changed yet, and asking changes nothing.
func TestLifeSure(t *testing.T) {
	w, l := newTown(t), &lives{}
	page := livingConsole(t, w, l)
	for lang, want := range map[string]string{"zh-CN": "看护照常进行", "en": "watched as before"} {
		for _, kind := range []string{"died", "moved"} {
			body := get(page, "/homes/h4/sure?"+url.Values{"kind": {kind}}.Encode(), lang).Body.String()
			if !strings.Contains(body, want) || !strings.Contains(body, `value="`+kind+`"`) || strings.Contains(body, "⟦") {
				t.Errorf("%s %s: %s", lang, kind, body)
			}
		}
	}
	if answer := get(page, "/homes/h4/sure?kind=hospital", "en"); answer.Code != http.StatusBadRequest {
		t.Errorf("asked about what needs no question: %d", answer.Code)
	}
	if answer := post(page, "/homes/h4/life", "kind=died&sure=yes", map[string]string{"Origin": "http://example.com"}); answer.Code != http.StatusForbidden {
		t.Errorf("from elsewhere: %d", answer.Code)
	}
	if len(l.said) > 0 {
		t.Errorf("said %+v", l.said)
	}
}

// TestLifeIsShown: where she is, which carer is away, who was asked, and how to take back that she died.
func TestLifeIsShown(t *testing.T) {
	w, l := newTown(t), &lives{}
	page := livingConsole(t, w, l)
	l.of = stillwater.Circumstances{
		Stay:   &stillwater.LifeEvent{Kind: stillwater.InHospital, At: at(3, 9, 0), Until: at(17, 9, 0), Reviewed: true, Who: desk},
		Carers: []stillwater.LifeEvent{{Kind: stillwater.CarerAway, Contact: "li", At: at(3, 9, 0), Until: at(9, 18, 0)}},
		Asked:  []stillwater.LifeEvent{{Kind: stillwater.AskedStay, Contact: "li", At: at(4, 9, 0)}},
	}
	check := func(wants map[string][]string) {
		t.Helper()
		for lang, list := range wants {
			body := get(page, "/homes/h4", lang).Body.String()
			for _, want := range append(list, "</html>") {
				if !strings.Contains(body, want) {
					t.Errorf("%s: wants %q", lang, want)
				}
			}
			if strings.Contains(body, "⟦") {
				t.Errorf("%s: a text is missing", lang)
			}
		}
	}
	check(map[string][]string{"zh-CN": {"住院", "届时若无人确认则恢复看护", "照护人离开", "李*", "是否还在外", "仍是如此"}, "en": {"In hospital", "Carer away", "is she still away", "Home again"}})
	l.of = stillwater.Circumstances{Gone: &stillwater.LifeEvent{Kind: stillwater.Died, At: at(3, 9, 0), Who: desk}}
	check(map[string][]string{"zh-CN": {"离世", "撤销登记，恢复看护"}, "en": {"Undo, and watch again", `value="mistaken"`}})
	l.of.Gone.At = at(4, 9, 0).AddDate(0, 0, -15)
	if body := get(page, "/homes/h4", "en").Body.String(); strings.Contains(body, "Undo") {
		t.Error("it is too late to undo")
	}
}
