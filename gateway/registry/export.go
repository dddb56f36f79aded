package registry

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// ExportCSV writes households as the tables ImportCSV reads back, in UTF-8 with the mark by which spreadsheets know it. A cell that a spreadsheet
// would take for a formula begins with an apostrophe.
func ExportCSV(households []stillwater.Household) Tables {
	homes := [][]string{headers(householdColumns)}
	devices := [][]string{headers(deviceColumns)}
	people := map[stillwater.ContactID]stillwater.Contact{}
	for _, h := range households {
		lists := map[stillwater.Role][]string{}
		for _, c := range h.Contacts {
			lists[c.Role] = append(lists[c.Role], string(c.ID))
			people[c.ID] = c
		}
		homes = append(homes, []string{string(h.ID), h.Name, strconv.Itoa(h.Residents), h.TimeZone, h.Place.Street, h.Place.Community,
			h.Place.Grid, h.Place.Building, h.Place.Riser, h.Place.Zone, moment(h.Consent.Given), moment(h.Consent.Withdrawn),
			strings.Join(lists[stillwater.Family], ";"), strings.Join(lists[stillwater.Worker], ";")})
		for _, d := range h.Devices {
			row := []string{string(h.ID), string(d.ID), string(d.Kind), d.Source, "", ""}
			if d.Every != 0 {
				row[4] = stillwater.FormatSpan(d.Every)
			}
			if d.Rollover != 0 {
				row[5] = strconv.FormatFloat(float64(d.Rollover), 'f', -1, 64) + " L" // cubic metres would not come back exactly
			}
			devices = append(devices, row)
		}
	}
	return Tables{
		Households: Table{"households.csv", table(homes)},
		Devices:    Table{"devices.csv", table(devices)},
		Contacts:   Table{"contacts.csv", table(contactRows(people))},
	}
}

func contactRows(people map[stillwater.ContactID]stillwater.Contact) [][]string {
	rows := [][]string{headers(contactColumns)}
	list := make([]stillwater.Contact, 0, len(people))
	for _, c := range people {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b stillwater.Contact) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range list {
		remote := "no"
		if c.Remote {
			remote = "yes"
		}
		rows = append(rows, []string{string(c.ID), c.Name, string(c.Role), string(c.Phone), c.Language, remote})
	}
	return rows
}

func headers[T any](columns []column[T]) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.names[0]
	}
	return list
}

func moment(at time.Time) string {
	text, _ := momentOf(at).MarshalText() // it has no error to give
	return string(text)
}

// table writes rows. A plus is no formula's beginning here: telephone numbers have one, and are read back without it too.
func table(rows [][]string) []byte {
	var out bytes.Buffer
	out.WriteString("\xEF\xBB\xBF")
	w := csv.NewWriter(&out)
	for _, cells := range rows {
		for i, cell := range cells {
			if cell != "" && strings.ContainsRune("=-@'", rune(cell[0])) {
				cells[i] = "'" + cell
			}
		}
		if err := w.Write(cells); err != nil { // a buffer takes everything
			panic(err)
		}
	}
	w.Flush()
	return out.Bytes()
}
