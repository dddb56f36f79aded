package registry

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// A Style is how exported tables are written: Import reads them all.
type Style struct {
	Chinese bool // headers, names of sheets and words like 家属; otherwise English
}

// header is which of a column's names is written.
func (s Style) header() int {
	if s.Chinese {
		return 1
	}
	return 0
}

// ExportCSV writes households as the tables Import reads back, in UTF-8 with the mark by which spreadsheets know it. A cell that a spreadsheet
// would take for a formula begins with an apostrophe, which Import takes off.
func ExportCSV(households []stillwater.Household, style Style) []File {
	var files []File
	for k, rows := range tableRows(households, style) {
		files = append(files, File{tables[k].words[style.header()] + ".csv", csvTable(rows)})
	}
	return files
}

// tableRows are the three tables, each with its header.
func tableRows(households []stillwater.Household, style Style) [3][][]string {
	list := [3][][]string{
		homes:    {headers(householdColumns, style.header())},
		devices:  {headers(deviceColumns, style.header())},
		contacts: {headers(contactColumns, style.header())},
	}
	people := map[stillwater.ContactID]stillwater.Contact{}
	for _, h := range households {
		for _, c := range h.Contacts {
			if _, known := people[c.ID]; !known {
				people[c.ID] = c
			}
		}
		entry := configOf(h)
		list[homes] = append(list[homes], cellsOf(&entry, householdColumns, style))
		for i := range entry.Devices {
			cells := cellsOf(&entry.Devices[i], deviceColumns, style)
			cells[0] = string(h.ID)
			list[devices] = append(list[devices], cells)
		}
	}
	for _, id := range sortedIDs(people) {
		entry := personOf(people[id])
		list[contacts] = append(list[contacts], cellsOf(&entry, contactColumns, style))
	}
	return list
}

func sortedIDs(people map[stillwater.ContactID]stillwater.Contact) []stillwater.ContactID {
	ids := make([]stillwater.ContactID, 0, len(people))
	for id := range people {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cmp.Compare)
	return ids
}

// configOf is the entry that a household comes from.
func configOf(h stillwater.Household) HouseholdConfig {
	entry := HouseholdConfig{ID: h.ID, Name: h.Name, Residents: h.Residents, TimeZone: h.TimeZone, Place: h.Place, Privacy: privacyOf(h),
		Consent: ConsentConfig{momentOf(h.Consent.Given, h.Location()), momentOf(h.Consent.Withdrawn, h.Location())}}
	for _, d := range h.Devices {
		entry.Devices = append(entry.Devices, DeviceConfig(d))
	}
	for _, c := range h.Contacts {
		switch listOf(c.Role) {
		case "resident":
			entry.Resident = c.ID
		case "family":
			entry.Family = append(entry.Family, c.ID)
		case "workers":
			entry.Workers = append(entry.Workers, c.ID)
		}
		if c.Key {
			entry.Keys = append(entry.Keys, c.ID)
		}
	}
	return entry
}

func privacyOf(h stillwater.Household) Privacy {
	if h.Coarse {
		return Coarse
	}
	return ""
}

// personOf is the entry that a contact comes from.
func personOf(c stillwater.Contact) ContactConfig {
	zone := zoneOf(c.TimeZone)
	return ContactConfig{ID: c.ID, Name: c.Name, Role: c.Role, Phone: c.Phone, Language: c.Language, Remote: c.Remote, Minutes: c.Minutes,
		TimeZone: c.TimeZone, Email: c.Email, WeCom: c.WeCom, Webhook: c.Webhook, Channels: c.Channels, Quiet: c.Quiet, Daily: c.Daily,
		Agreed: momentOf(c.Agreed.Given, zone), Withdrawn: momentOf(c.Agreed.Withdrawn, zone)}
}

func headers[T any](columns []column[T], which int) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.names[which]
	}
	return list
}

// cellsOf writes the fields of an entry, in the order of its columns.
func cellsOf[T any](entry *T, columns []column[T], style Style) []string {
	cells := make([]string, len(columns))
	for i, c := range columns {
		if c.field == nil {
			continue
		}
		word := func(plain string) string { return plain }
		if style.Chinese {
			word = func(plain string) string { return officeWord(plain, c.words) }
		}
		cells[i] = cellOf(c.field(entry), word)
	}
	return cells
}

// cellOf writes a field as setCell reads it; word is what is written for one of the configuration's words.
func cellOf(field any, word func(string) string) string {
	switch f := field.(type) {
	case *[]stillwater.ContactID:
		return joined(*f, func(id stillwater.ContactID) string { return string(id) })
	case *[]stillwater.Channel:
		return joined(*f, func(by stillwater.Channel) string { return word(string(by)) })
	case *[]stillwater.Hours:
		return joined(*f, stillwater.Hours.String)
	case *Moment:
		text, _ := f.MarshalText() // it has no error to give
		return string(text)
	case *bool:
		if *f {
			return word("yes")
		}
		return word("no")
	case *int:
		if *f == 0 {
			return ""
		}
		return strconv.Itoa(*f)
	case *time.Duration:
		if *f == 0 {
			return ""
		}
		return stillwater.FormatSpan(*f)
	case *stillwater.Litres:
		if *f == 0 {
			return ""
		}
		return strconv.FormatFloat(float64(*f), 'f', -1, 64) + " L" // cubic metres would not come back exactly
	case *stillwater.Role:
		return word(string(*f))
	case *Privacy:
		return word(string(*f))
	case *stillwater.DeviceKind:
		return word(string(*f))
	case *string:
		return word(*f)
	case *stillwater.HouseholdID:
		return string(*f)
	case *stillwater.DeviceID:
		return string(*f)
	case *stillwater.ContactID:
		return string(*f)
	case *stillwater.Phone:
		return string(*f)
	}
	panic(fmt.Sprintf("registry: a column of type %T cannot be written", field))
}

func joined[T any](list []T, write func(T) string) string {
	texts := make([]string, len(list))
	for i, entry := range list {
		texts[i] = write(entry)
	}
	return strings.Join(texts, ";")
}

// csvTable writes rows.
func csvTable(rows [][]string) []byte {
	var out bytes.Buffer
	out.WriteString("\xEF\xBB\xBF")
	w := csv.NewWriter(&out)
	for _, cells := range rows {
		for i, cell := range cells {
			cells[i] = harmless(cell)
		}
		if err := w.Write(cells); err != nil { // a buffer takes everything
			panic(err)
		}
	}
	w.Flush()
	return out.Bytes()
}

// harmless keeps a spreadsheet from taking a cell for a formula, full-width signs too, or a telephone number for a sum.
func harmless(cell string) string {
	first := strings.TrimLeft(fold(cell), " \t\r\n")
	if first != "" && strings.ContainsRune("=+-@'|%", rune(first[0])) {
		return "'" + cell
	}
	return cell
}
