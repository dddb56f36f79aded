package duty

import "slices"

// Imported is the rosters that came in tables. It is kept as one document.
type Imported struct {
	Posts []ImportedPost `json:"posts"`
}

// ImportedPost is the shifts of one post that came in tables.
type ImportedPost struct {
	Post   string  `json:"post"`
	Shifts []Shift `json:"shifts"`
}

// maxImported bounds the shifts of one post: some a day for years.
const maxImported = 20_000

// Take puts a newly read roster over what is there: of each post in it, the days from its first to its last; and where it has shifts that name no
// dates, those take the place of all such. Everything else stays, so that February's roster leaves January's.
func (i *Imported) Take(news Imported) {
	for _, n := range news.Posts {
		at := slices.IndexFunc(i.Posts, func(p ImportedPost) bool { return plainName(p.Post) == plainName(n.Post) })
		if at < 0 {
			i.Posts = append(i.Posts, ImportedPost{Post: n.Post})
			at = len(i.Posts) - 1
		}
		p := &i.Posts[at]
		p.Post = n.Post
		p.Shifts = append(outside(p.Shifts, n.Shifts), n.Shifts...)
		slices.SortStableFunc(p.Shifts, func(a, b Shift) int { return int(a.From - b.From) })
		p.Shifts = p.Shifts[max(0, len(p.Shifts)-maxImported):] // the oldest go
	}
}

// Add puts the shifts of another table beside those there are.
func (i *Imported) Add(more Imported) {
	for _, m := range more.Posts {
		at := slices.IndexFunc(i.Posts, func(p ImportedPost) bool { return p.Post == m.Post })
		if at < 0 {
			i.Posts = append(i.Posts, m)
			continue
		}
		i.Posts[at].Shifts = append(i.Posts[at].Shifts, m.Shifts...)
	}
}

// outside is what of some shifts does not lie in the days that news are about.
func outside(shifts, news []Shift) []Shift {
	var first, last Date
	weekly := false
	for _, s := range news {
		if s.From.IsZero() {
			weekly = true
			continue
		}
		if first.IsZero() || s.From < first {
			first = s.From
		}
		last = max(last, s.To)
	}
	var kept []Shift
	for _, s := range shifts {
		switch {
		case s.From.IsZero():
			if !weekly {
				kept = append(kept, s)
			}
		case first.IsZero() || s.To < first || s.From > last:
			kept = append(kept, s)
		default:
			before, after := s, s
			before.To, after.From = first-1, last+1
			for _, part := range []Shift{before, after} {
				if part.From <= part.To {
					kept = append(kept, part)
				}
			}
		}
	}
	return kept
}

// With is the configuration with imported shifts added to its posts, and the names of posts that it does not have any more.
func (c Config) With(i Imported) (all Config, lost []string) {
	all = c
	all.Posts = slices.Clone(c.Posts)
	for _, imported := range i.Posts {
		at := slices.IndexFunc(all.Posts, func(p Post) bool { return plainName(p.Name) == plainName(imported.Post) })
		if at < 0 {
			lost = append(lost, imported.Post)
			continue
		}
		all.Posts[at].Shifts = slices.Concat(all.Posts[at].Shifts, imported.Shifts)
	}
	return all, lost
}
