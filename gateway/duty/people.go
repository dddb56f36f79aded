package duty

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"stillwater"
)

// numberPattern is a telephone number within a cell.
var numberPattern = regexp.MustCompile(`\+?\d[\d -]{5,}\d`)

// people reads who stands in a cell. The numbers in the row must be theirs, or the desk's.
func (t *table) people(i, column int, post *Post) []stillwater.ContactID {
	cell := t.cell(i, column)
	numbers := numberPattern.FindAllString(cell, -1)
	if phone := t.column("phone"); phone >= 0 {
		numbers = append(numbers, numberPattern.FindAllString(t.cell(i, phone), -1)...)
	}
	var who []stillwater.ContactID
	for _, name := range namesIn(numberPattern.ReplaceAllString(cell, "")) {
		found, problem := t.find(name, numbers)
		switch {
		case problem != "":
			t.problem(i, column, "%s", problem)
		case slices.Contains(who, found[0]):
			t.problem(i, column, "%q stands here twice; leave one", name)
		default:
			who = append(who, found...)
		}
	}
	if len(who) > 0 {
		t.checkNumbers(i, column, post, who, numbers)
	}
	return who
}

// namesIn parts a cell at any mark that people put between names. What stands before a colon is what somebody is, not who.
func namesIn(cell string) (names []string) {
	for _, piece := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";,、/\n()（）", r) }) {
		if at := strings.LastIndex(piece, ":"); at >= 0 {
			piece = piece[at+1:]
		}
		if piece = strings.TrimSpace(piece); piece != "" {
			names = append(names, piece)
		}
	}
	return names
}

// find is the contact of a name or ID, or the contacts of several names with blanks between them.
func (t *table) find(name string, numbers []string) ([]stillwater.ContactID, string) {
	found, problem := t.findOne(name, numbers)
	if problem == "" {
		return []stillwater.ContactID{found}, ""
	}
	var list []stillwater.ContactID
	words := strings.Fields(name)
	for _, word := range words {
		id, also := t.findOne(word, numbers)
		if also != "" || len(words) == 1 {
			return nil, problem
		}
		list = append(list, id)
	}
	return list, ""
}

func (t *table) findOne(name string, numbers []string) (stillwater.ContactID, string) {
	var called []stillwater.Contact
	var names []string
	for _, c := range t.office.Contacts {
		if string(c.ID) == name {
			return c.ID, ""
		}
		if plainName(c.Name) == plainName(name) && !slices.ContainsFunc(called, func(other stillwater.Contact) bool { return other.ID == c.ID }) {
			called = append(called, c)
		}
		names = append(names, c.Name, string(c.ID))
	}
	if len(called) > 1 {
		called = slices.DeleteFunc(called, func(c stillwater.Contact) bool { return !hasNumber(c, numbers) })
		if len(called) != 1 {
			return "", fmt.Sprintf("%q is the name of several contacts; write the telephone number too, or the contact's ID", name)
		}
	}
	if len(called) == 1 {
		return called[0].ID, ""
	}
	if near := nearest(name, names); near != "" {
		return "", fmt.Sprintf("%q is no contact; did you mean %s?", name, near)
	}
	return "", fmt.Sprintf("%q is no contact; add this person to the contacts first, or mend the name", name)
}

// nearest is the name that was most likely meant; of two short names without a sign in common neither is meant for the other.
func nearest(name string, names []string) string {
	near := stillwater.Nearest(name, names)
	if !strings.ContainsAny(strings.ToLower(near), strings.ToLower(name)) {
		return ""
	}
	return near
}

// hasNumber says whether one of some numbers is the contact's.
func hasNumber(c stillwater.Contact, numbers []string) bool {
	return slices.ContainsFunc(numbers, func(n string) bool { return sameNumber(string(c.Phone), n) })
}

// sameNumber compares a whole number with one as people write it, mostly without the country's code.
func sameNumber(whole, written string) bool {
	digits := func(s string) string {
		return strings.TrimLeft(strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, s), "0")
	}
	a, b := digits(whole), digits(written)
	return len(b) >= 7 && strings.HasSuffix(a, b)
}

// checkNumbers refuses a number that is nobody's in the row: then the name or the number is of somebody else.
func (t *table) checkNumbers(i, column int, post *Post, who []stillwater.ContactID, numbers []string) {
	if t.column("phone") >= 0 {
		column = t.column("phone")
	}
	for _, n := range numbers {
		theirs := slices.ContainsFunc(t.office.Contacts, func(c stillwater.Contact) bool {
			return (slices.Contains(who, c.ID) || c.ID == post.Desk) && hasNumber(c, []string{n})
		})
		if !theirs {
			t.problem(i, column, "%q is not the number of who is on duty in this row; mend the number here or at the contact", strings.TrimSpace(n))
		}
	}
}
