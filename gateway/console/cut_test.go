package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"stillwater"
)

// TestCutForm announces a cut in the home's own time, and takes it back; of nothing that the home has no part in.
func TestCutForm(t *testing.T) {
	for name, c := range map[string]struct {
		deed, group, from, until string
		code                     int
		want                     stillwater.Announced
	}{
		"building": {"cut", "building/6号楼", "2025-11-05T09:00", "2025-11-05T18:00", http.StatusSeeOther, stillwater.Announced{From: at(5, 9, 0), To: at(5, 18, 0)}},
		"back":     {"over", "building/6号楼", "2025-11-05T09:00", "", http.StatusSeeOther, stillwater.Announced{Over: true}},
		"another":  {"cut", "building/7号楼", "2025-11-05T09:00", "2025-11-05T18:00", http.StatusBadRequest, stillwater.Announced{}},
		"feed":     {"cut", "feed/lobby", "2025-11-05T09:00", "2025-11-05T18:00", http.StatusBadRequest, stillwater.Announced{}},
		"no end":   {"cut", "building/6号楼", "2025-11-05T09:00", "", http.StatusBadRequest, stillwater.Announced{}},
		"no start": {"cut", "building/6号楼", "", "2025-11-05T18:00", http.StatusBadRequest, stillwater.Announced{}},
		"backward": {"cut", "building/6号楼", "2025-11-05T09:00", "2025-11-04T09:00", http.StatusBadRequest, stillwater.Announced{}},
		"too long": {"cut", "building/6号楼", "2025-11-05T09:00", "2025-11-09T09:00", http.StatusBadRequest, stillwater.Announced{}},
		"no deed":  {"", "building/6号楼", "2025-11-05T09:00", "2025-11-05T18:00", http.StatusBadRequest, stillwater.Announced{}},
	} {
		w := newTown(t)
		page := newConsole(t, w)
		form := url.Values{"deed": {c.deed}, "group": {c.group}, "from": {c.from}, "until": {c.until}}.Encode()
		if answer := post(page, "/homes/h4/cut", form, ours); answer.Code != c.code {
			t.Errorf("%s: %d, want %d", name, answer.Code, c.code)
		}
		if c.code != http.StatusSeeOther {
			if len(w.cuts) > 0 {
				t.Errorf("%s: announced %+v", name, w.cuts)
			}
			continue
		}
		a := w.cuts[0]
		if a.Group != c.group || !a.From.Equal(c.want.From) || !a.To.Equal(c.want.To) || a.Over != c.want.Over || a.Who != desk {
			t.Errorf("%s: announced %+v, want %+v", name, a, c.want)
		}
	}
}

// TestCutIsForPagesOfOurs: another site announces none.
func TestCutIsForPagesOfOurs(t *testing.T) {
	w := newTown(t)
	page := newConsole(t, w)
	if answer := post(page, "/homes/h4/cut", "deed=over&group=building/6号楼", map[string]string{"Origin": "http://example.com"}); answer.Code != http.StatusForbidden {
		t.Errorf("from elsewhere: %d", answer.Code)
	}
	if answer := post(page, "/homes/nobody/cut", "deed=over", ours); answer.Code != http.StatusNotFound {
		t.Errorf("of nobody: %d", answer.Code)
	}
	if len(w.cuts) > 0 {
		t.Errorf("announced %+v", w.cuts)
	}
}

// TestCutIsShown: from when until when, and for whom; a home that shares its water with nobody has no form.
func TestCutIsShown(t *testing.T) {
	w := newTown(t)
	w.standings[3].Cut = &stillwater.Announced{Group: "building/6号楼", From: at(4, 9, 0), To: at(4, 18, 0)}
	page := newConsole(t, w)
	for lang, wants := range map[string][]string{
		"zh-CN": {"停水通知", "整栋楼 6号楼", `value="2025-11-04T18:00"`, "已来水"},
		"en":    {"Water cut announced", "the whole building 6号楼", "The water is back", "At most 3 days"},
	} {
		body := get(page, "/homes/h4", lang).Body.String()
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: wants %q", lang, want)
			}
		}
	}
	h := w.homes["h5"]
	h.Place.Building = ""
	w.homes["h5"] = h
	if body := get(page, "/homes/h5", "en").Body.String(); strings.Contains(body, "Water cut") {
		t.Error("a form where nobody is known to share the water")
	}
}
