package registry

import "stillwater"

// settle gives what validation said its place in the tables.
func (in *importer) settle(people, things, places *sheet) {
	if len(in.said) == 0 {
		return
	}
	at := map[any]place{}
	for i, r := range people.rows {
		c := &in.config.Contacts[i]
		at[c] = people.grid.place(r.number)
		settleRow(at, people, r, c, contactColumns)
	}
	for i, r := range places.rows {
		h := &in.config.Households[i]
		at[h] = places.grid.place(r.number)
		at[&h.Devices] = at[h]
		settleRow(at, places, r, h, householdColumns)
		for j, dr := range in.byHome[string(h.ID)][:len(h.Devices)] {
			at[&h.Devices[j]] = things.grid.place(dr.number)
			settleRow(at, things, dr, &h.Devices[j], deviceColumns)
		}
	}
	for _, c := range in.said {
		if !in.bad[c.field] {
			in.problem(at[c.field], "%s", c.text)
		}
	}
}

// settleRow enters the places of one row's fields, and of what is in their lists.
func settleRow[T any](at map[any]place, s *sheet, r row, target *T, columns []column[T]) {
	for _, c := range columns {
		if c.field == nil {
			continue
		}
		field, here := c.field(target), s.place(r, c.names[0])
		at[field] = here
		switch list := field.(type) {
		case *[]stillwater.ContactID:
			settleList(at, *list, here)
		case *[]stillwater.Channel:
			settleList(at, *list, here)
		case *[]stillwater.Hours:
			settleList(at, *list, here)
		}
	}
}

func settleList[T any](at map[any]place, list []T, here place) {
	for i := range list {
		at[&list[i]] = here
	}
}
