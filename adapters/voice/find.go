package voice

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"stillwater"
	"stillwater/adapters/twilio"
)

const (
	// pageSize is how many calls one page of a list has; maxPages bounds the list: three hundred calls to one number.
	pageSize = 100
	maxPages = 3
	// rounding is how much earlier than an attempt its call may seem to be: Twilio's times have whole seconds, and so has its clock.
	rounding = 2 * time.Second
	// remembered is how long, and rememberedCalls of how many calls, it is kept whose they are. The courier asks within minutes.
	remembered      = 24 * time.Hour
	rememberedCalls = 2000
)

// memory is what this process knows of calls: which code a call is for, and which attempts have no answer.
type memory struct {
	began time.Time            // before that nothing is known
	of    map[string]string    // code, by call SID
	open  map[string]attempt   // by code: it is not known whether the call was made
	when  map[string]time.Time // by call SID: since when it is known
}

// attempt is a call that may have been made.
type attempt struct {
	to      stillwater.Address
	first   time.Time
	unclear bool // at least once there was no answer
}

func newMemory(began time.Time) memory {
	return memory{began: began, of: map[string]string{}, open: map[string]attempt{}, when: map[string]time.Time{}}
}

// tried notes that a call is about to be asked for.
func (c *memory) tried(code string, to stillwater.Address, now time.Time) {
	if _, again := c.open[code]; !again {
		c.open[code] = attempt{to: to, first: now}
	}
	c.forget(now)
}

// answered notes how the attempt ended: nothing was called, or that is not clear. One before it stays unclear.
func (c *memory) answered(code string, nothing bool) {
	a, ok := c.open[code]
	switch {
	case !ok:
	case !nothing:
		a.unclear = true
		c.open[code] = a
	case !a.unclear:
		delete(c.open, code)
	}
}

// known notes that a call is for a code.
func (c *memory) known(code, id string, now time.Time) {
	c.of[id], c.when[id] = code, now
	delete(c.open, code)
}

// lastOf is the call known last for a code.
func (c *memory) lastOf(code string) (last string, ok bool) {
	for id, of := range c.of {
		if of == code && (!ok || c.when[id].After(c.when[last])) {
			last, ok = id, true
		}
	}
	return last, ok
}

// forget lets go of what nobody asks for any more.
func (c *memory) forget(now time.Time) {
	oldest := ""
	for id, at := range c.when {
		if now.Sub(at) > remembered {
			delete(c.when, id)
			delete(c.of, id)
		} else if oldest == "" || at.Before(c.when[oldest]) {
			oldest = id
		}
	}
	if len(c.when) > rememberedCalls {
		delete(c.when, oldest)
		delete(c.of, oldest)
	}
	for code, a := range c.open {
		if now.Sub(a.first) > remembered {
			delete(c.open, code)
		}
	}
}

// since is from when on a call of nobody's to the number is that of the code; others says that another code waits for one, too.
func (c *memory) since(code string, to stillwater.Address) (from time.Time, others, ok bool) {
	mine, ok := c.open[code]
	for other, a := range c.open {
		others = others || other != code && a.to == to
	}
	return mine.first, others, ok
}

// Find looks for the call to a number that bears the code, among those since the given moment. Not found is: nobody was called there
// whom this process does not know to be another's.
func (v *Voice) Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (string, bool, error) {
	if code == "" || !twilio.IsE164(string(to)) {
		return "", false, errors.New("find by twilio: it takes a number in E.164 form and a code")
	}
	v.mu.Lock()
	id, ok := v.calls.lastOf(code)
	known := ok && !v.calls.when[id].Before(since)
	v.mu.Unlock()
	if known { // by Twilio's answer, or by its callback, which names the code
		return id, true, nil
	}
	made, err := v.unknown(ctx, to, since)
	if err != nil {
		return "", false, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	from, others, mine := v.calls.since(code, to)
	from = v.client.Clock(from).Add(-rounding)
	for _, c := range made {
		switch {
		case v.calls.of[c.id] == code:
			return c.id, true, nil
		case v.calls.of[c.id] != "": // another's, by a callback since
		case !mine || others:
			return "", false, fmt.Errorf("find by twilio: call %s may be this one or another's to the same number; a call bears no code", c.id)
		case c.made.Before(from): // before this one was first tried
		default:
			v.calls.known(code, c.id, time.Now())
			return c.id, true, nil
		}
	}
	return "", false, nil
}

// made is a call of Twilio's list.
type made struct {
	id   string
	made time.Time
}

// unknown are the calls from our number to another since a moment that are not known to be anybody's, the latest first.
func (v *Voice) unknown(ctx context.Context, to stillwater.Address, since time.Time) (found []made, err error) {
	params := (&api.ListCallParams{}).SetTo(string(to)).SetFrom(v.cfg.From).SetPageSize(pageSize)
	token, number := "", ""
	for range maxPages {
		var page *api.ListCallResponse
		err := v.client.Do(ctx, "find", func(s *api.ApiService) (err error) {
			page, err = s.PageCall(params, token, number)
			return err
		})
		if err != nil {
			return nil, err
		}
		oldest := v.client.Clock(since).Add(-rounding) // the answer has just told Twilio's clock
		fresh := false
		for _, c := range page.Calls {
			at, err := time.Parse(time.RFC1123Z, value(c.DateCreated))
			if err != nil {
				return nil, fmt.Errorf("find by twilio: call %q: its time %q is not of RFC 2822", value(c.Sid), value(c.DateCreated))
			}
			if at.Before(oldest) || value(c.Direction) != "outbound-api" {
				fresh = fresh || !at.Before(oldest)
				continue
			}
			fresh = true
			if v.isNew(value(c.Sid)) {
				found = append(found, made{value(c.Sid), at})
			}
		}
		if value(page.NextPageUri) == "" || !fresh {
			return found, nil
		}
		next, err := url.Parse(value(page.NextPageUri))
		if err != nil {
			return nil, fmt.Errorf("find by twilio: address of the next page: %w", err)
		}
		token, number = next.Query().Get("PageToken"), next.Query().Get("Page")
	}
	return nil, fmt.Errorf("find by twilio: more than %d calls to one number, not all were looked at", maxPages*pageSize)
}

// isNew says whether it is not known whose call it is.
func (v *Voice) isNew(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls.of[id] == ""
}
