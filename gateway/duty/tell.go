package duty

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// Warnings is what the report says, each with where and how to mend it; language is "zh-CN" or "en".
func (r Report) Warnings(language string) []string {
	w := languageOf(language)
	var lines []string
	for i := 0; i < len(r.Gaps); {
		n := 1
		for i+n < len(r.Gaps) && r.Gaps[i+n].Post == r.Gaps[i].Post && r.Gaps[i+n].TimeZone == r.Gaps[i].TimeZone {
			n++
		}
		lines = append(lines, r.gap(w, r.Gaps[i:i+n]))
		i += n
	}
	for i, l := range r.Lacks {
		if i > 0 && l.like(r.Lacks[i-1]) {
			continue // told with the one before
		}
		roles := []string{w.role(l.Role)}
		for j := i + 1; j < len(r.Lacks) && r.Lacks[j].like(l); j++ {
			roles = append(roles, w.role(r.Lacks[j].Role))
		}
		lines = append(lines, l.warning(w, strings.Join(roles, w.list)))
	}
	for _, s := range r.Springs {
		lines = append(lines, fmt.Sprintf(w.spring, s.Post, s.First, s.Last, strings.Join(spans(s.Missing), w.list)))
	}
	for _, name := range r.Idle {
		lines = append(lines, fmt.Sprintf(w.idle, name))
	}
	for _, id := range r.Unknown {
		lines = append(lines, fmt.Sprintf(w.unknown, id))
	}
	return lines
}

// spans writes days in order, those that follow each other as one span.
func spans(days []Date) (list []string) {
	for i := 0; i < len(days); {
		n := 1
		for i+n < len(days) && days[i+n] == days[i]+Date(n) {
			n++
		}
		text := days[i].String()
		if n > 1 {
			text += ".." + days[i+n-1].String()
		}
		list = append(list, text)
		i += n
	}
	return list
}

// gap tells the gaps of one post.
func (r Report) gap(w *phrases, gaps []Gap) string {
	var all time.Duration
	for _, g := range gaps {
		all += g.To.Sub(g.From)
	}
	zone, first := location(gaps[0].TimeZone), gaps[0]
	form := w.gaps
	switch {
	case all >= r.To.Sub(r.From):
		return fmt.Sprintf(w.noStaff, first.Post, w.moment(first.From, zone), w.moment(gaps[len(gaps)-1].To, zone))
	case len(gaps) == 1:
		form = w.gap
	}
	return fmt.Sprintf(form, first.Post, len(gaps), w.moment(first.From, zone), w.moment(first.To, zone), w.length(all))
}

// like says whether two lacks differ by their roles alone.
func (l Lack) like(other Lack) bool {
	return l.Cover == other.Cover && l.First.Equal(other.First) && l.Zone == other.Zone && slices.Equal(l.Homes, other.Homes)
}

func (l Lack) warning(w *phrases, roles string) string {
	homes := l.someHomes(w)
	var parts []string
	never := true
	for kind, extent := range []Extent{l.Cover.Day, l.Cover.Night, l.Cover.Weekend, l.Cover.Holiday} {
		switch extent {
		case Never:
			parts = append(parts, fmt.Sprintf(w.never, w.hours[kind]))
		case Partly:
			parts = append(parts, fmt.Sprintf(w.partly, w.hours[kind]))
			never = false
		case Always:
			never = false
		}
	}
	if never {
		return fmt.Sprintf(w.always, roles, len(l.Homes), homes)
	}
	return fmt.Sprintf(w.lack, roles, len(l.Homes), homes, strings.Join(parts, w.and), w.moment(l.First, location(l.Zone)))
}

// someHomes names the first of many.
func (l Lack) someHomes(w *phrases) string {
	const shown = 5
	var names []string
	for _, id := range l.Homes[:min(shown, len(l.Homes))] {
		names = append(names, string(id))
	}
	text := strings.Join(names, w.list)
	if len(l.Homes) > shown {
		text += w.list + w.more
	}
	return text
}

// name is what a contact is called in a roster.
func (r *Roster) name(id stillwater.ContactID) string {
	if c := r.contacts[id]; c.Name != "" {
		return c.Name
	}
	return string(id)
}
