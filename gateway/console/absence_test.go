package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"stillwater"
)

// TestAbsenceForm enters an absence in the home's own time, and takes it back.
func TestAbsenceForm(t *testing.T) {
	for name, c := range map[string]struct {
		deed, from, until string
		code              int
		want              stillwater.Absence
	}{
		"both":     {"away", "2025-11-05T09:00", "2025-11-12T18:00", http.StatusSeeOther, stillwater.Absence{From: at(5, 9, 0), Until: at(12, 18, 0)}},
		"from now": {"away", "", "2025-11-12T18:00", http.StatusSeeOther, stillwater.Absence{From: at(4, 16, 5), Until: at(12, 18, 0)}},
		"back":     {"back", "", "", http.StatusSeeOther, stillwater.Absence{}},
		"no end":   {"away", "2025-11-05T09:00", "", http.StatusBadRequest, stillwater.Absence{}},
		"backward": {"away", "2025-11-05T09:00", "2025-11-04T09:00", http.StatusBadRequest, stillwater.Absence{}},
		"too long": {"away", "2025-11-05T09:00", "2026-03-05T09:00", http.StatusBadRequest, stillwater.Absence{}},
		"nonsense": {"away", "soon", "later", http.StatusBadRequest, stillwater.Absence{}},
		"no deed":  {"", "", "2025-11-12T18:00", http.StatusBadRequest, stillwater.Absence{}},
	} {
		w := newTown(t)
		page := newConsole(t, w)
		form := url.Values{"deed": {c.deed}, "from": {c.from}, "until": {c.until}}.Encode()
		if answer := post(page, "/homes/h4/absence", form, ours); answer.Code != c.code {
			t.Errorf("%s: %d, want %d", name, answer.Code, c.code)
		}
		if c.code != http.StatusSeeOther {
			if len(w.absences) > 0 {
				t.Errorf("%s: entered %+v", name, w.absences)
			}
			continue
		}
		a := w.absences[0]
		if a.Household != "h4" || !a.From.Equal(c.want.From) || !a.Until.Equal(c.want.Until) || a.Who != desk || !a.At.Equal(w.now) {
			t.Errorf("%s: entered %+v, want %+v", name, a, c.want)
		}
	}
}

// TestAbsenceIsForPagesOfOurs: another site enters none, and none is entered of a home that is not there.
func TestAbsenceIsForPagesOfOurs(t *testing.T) {
	w := newTown(t)
	page := newConsole(t, w)
	if answer := post(page, "/homes/h4/absence", "deed=back", map[string]string{"Origin": "http://example.com"}); answer.Code != http.StatusForbidden {
		t.Errorf("from elsewhere: %d", answer.Code)
	}
	if answer := post(page, "/homes/nobody/absence", "deed=back", ours); answer.Code != http.StatusNotFound {
		t.Errorf("of nobody: %d", answer.Code)
	}
	if len(w.absences) > 0 {
		t.Errorf("entered %+v", w.absences)
	}
}

// TestAbsenceIsShown: until when, who entered it and when, and that two live there.
func TestAbsenceIsShown(t *testing.T) {
	w := newTown(t)
	s := &w.standings[3]
	s.State, s.Residents = stillwater.Paused, 2
	s.Absence = &stillwater.Absence{Household: "h4", From: at(4, 9, 0), Until: at(6, 18, 0), At: at(3, 20, 0), Who: "son-h4"}
	page := newConsole(t, w)
	for lang, wants := range map[string][]string{
		"zh-CN": {"外出登记", "11月6日", "欧*", "不能分辨是谁", "已回家", `value="2025-11-06T18:00"`, "外出至"},
		"en":    {"Absence", "6 Nov", "entered by", "cannot be told who", "She is back", "Away until"},
	} {
		body := get(page, "/homes/h4", lang).Body.String()
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: wants %q", lang, want)
			}
		}
	}
	if body := get(page, "/homes/h5", "en").Body.String(); strings.Contains(body, "She is back") || !strings.Contains(body, "Enter absence") {
		t.Error("a home that nobody is away from")
	}
}
