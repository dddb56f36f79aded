package console

import (
	"cmp"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"stillwater"
)

// Bounds of the page of the phones: the latest texts in all, and on each phone.
const (
	maxTexts   = 1000
	maxBubbles = 30

	maxPhoneHomes = 4 // named on each phone
)

// phonesBody is the phones of the demo, those with the latest texts first.
type phonesBody struct {
	Title string
	Used  []phone
	Quiet []phone // without a text yet
}

func (b phonesBody) title() string { return b.Title }

// phone is one phone with its texts, the latest first: the page hangs them from the bottom.
type phone struct {
	ID, Number, Short string
	Who, Role         string
	Remote            bool
	Homes             []link // the first few
	More              int    // how many others
	Texts             []bubble
	last              time.Time
}

type bubble struct {
	From     bool
	Body, At string
}

func (c *Console) phones(v *view, _ *http.Request) (any, error) {
	all := map[stillwater.Phone]*phone{}
	for _, s := range c.Standings.Standings() {
		h := v.home(s.Household)
		for _, contact := range h.Contacts {
			if contact.Phone == "" {
				continue
			}
			p := all[contact.Phone]
			if p == nil {
				p = newPhone(contact.Phone)
				p.Who, p.Role, p.Remote = v.c.Words.Person(v.lang, contact), string(contact.Role), contact.Remote
				all[contact.Phone] = p
			}
			if len(p.Homes) == maxPhoneHomes {
				p.More++
				continue
			}
			p.Homes = append(p.Homes, link{Text: v.name(h), URL: "/homes/" + string(h.ID)})
		}
	}
	for _, t := range c.Phones.Texts(maxTexts) {
		p := all[t.Phone]
		if p == nil {
			p = newPhone(t.Phone)
			all[t.Phone] = p
		}
		p.Texts = append(p.Texts, bubble{t.From, t.Body, v.moment(t.At, c.Zone)})
		p.last = t.At
	}
	b := phonesBody{Title: v.t("phones.title")}
	for _, p := range all {
		slices.Reverse(p.Texts)
		p.Texts = p.Texts[:min(len(p.Texts), maxBubbles)]
		if len(p.Texts) > 0 {
			b.Used = append(b.Used, *p)
		} else {
			b.Quiet = append(b.Quiet, *p)
		}
	}
	slices.SortFunc(b.Used, func(a, b phone) int { return cmp.Or(b.last.Compare(a.last), cmp.Compare(a.Number, b.Number)) })
	slices.SortFunc(b.Quiet, func(a, b phone) int { return cmp.Compare(a.Number, b.Number) })
	return b, nil
}

func newPhone(number stillwater.Phone) *phone {
	return &phone{ID: phoneID(number), Number: string(number), Short: shortNumber(number)}
}

// phoneID names a phone in an address without its number.
func phoneID(number stillwater.Phone) string {
	h := fnv.New32a()
	h.Write([]byte(number))
	return "p" + strconv.FormatUint(uint64(h.Sum32()), 36)
}

// shortNumber leaves out the middle of a number.
func shortNumber(number stillwater.Phone) string {
	s := string(number)
	if len(s) < 8 {
		return s
	}
	return s[:len(s)-8] + "****" + s[len(s)-4:]
}
