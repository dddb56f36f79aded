package sms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"stillwater"
	"stillwater/adapters/twilio"
)

const (
	// pageSize is how many messages one page of a list has.
	pageSize = 100
	// maxPages bounds a list: a thousand texts. More in a day to one number means that something else uses it.
	maxPages = 10
)

// Options is what a provider is given besides its Config. The zero value is one that is only asked.
type Options struct {
	Receipt func(id string, state stillwater.DeliveryState, detail string) // takes a receipt that was called back; never blocks
	Reply   func(ctx context.Context, r stillwater.Reply) error            // takes a text that was called back; nil once it is stored
	Now     func() time.Time                                               // event clock, when such a text came in; nil: the wall clock
}

// Twilio sends and fetches texts by Twilio's REST API. Its methods may be called from several goroutines.
type Twilio struct {
	cfg     Config
	options Options
	client  *twilio.Client
}

// NewTwilio gives a provider for a Config that Validate has nothing to say of, its secrets read.
func NewTwilio(cfg Config, o Options) (*Twilio, error) {
	var problems []error
	cfg.Validate(func(_ any, problem string) { problems = append(problems, errors.New(problem)) })
	client, err := cfg.settings().Client()
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("sms by twilio: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Twilio{cfg: cfg, options: o, client: client}, nil
}

// Name is "twilio".
func (t *Twilio) Name() string { return "twilio" }

// Close lets go of idle connections. It is not needed for anything to be sent.
func (t *Twilio) Close() { t.client.Close() }

// Send hands m.Text to m.To and gives Twilio's name for it.
func (t *Twilio) Send(ctx context.Context, m stillwater.Message) (string, error) {
	switch {
	case !twilio.IsE164(string(m.To)):
		return "", fmt.Errorf("send by twilio: %w: the number of contact %q is not in E.164 form", stillwater.ErrRefused, m.Contact)
	case m.Text == "":
		return "", fmt.Errorf("send by twilio: %w: the text is empty", stillwater.ErrRefused)
	}
	params := (&api.CreateMessageParams{}).SetTo(string(m.To)).SetBody(m.Text)
	if t.cfg.From != "" {
		params.SetFrom(t.cfg.From)
	}
	if t.cfg.MessagingService != "" {
		params.SetMessagingServiceSid(t.cfg.MessagingService)
	}
	if t.cfg.CallbackURL != "" {
		params.SetStatusCallback(t.cfg.CallbackURL)
	}
	var sent *api.ApiV2010Message
	err := t.client.Do(ctx, "send", func(s *api.ApiService) (err error) {
		sent, err = s.CreateMessage(params)
		return err
	})
	if err != nil {
		return "", err
	}
	id := value(sent.Sid)
	if id == "" { // something answered, and not as Twilio does
		return "", errors.New("send by twilio: the answer has no SID")
	}
	if reached, told := stateOf(*sent); reached == stillwater.Failed {
		return id, fmt.Errorf("send by twilio: %w: %s", stillwater.ErrRefused, told)
	}
	return id, nil
}

// Find looks for a text to the number that bears the code, among those since the given moment.
//
// Twilio filters by the day a message was sent, and one that still waits in its queue has none. So the latest messages
// to the number are looked at without a date as well.
func (t *Twilio) Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (string, bool, error) {
	if code == "" || !twilio.IsE164(string(to)) {
		return "", false, errors.New("find by twilio: it takes a number in E.164 form and a code")
	}
	day := since.UTC().Add(-24 * time.Hour)
	unreadable := 0
	id := ""
	look := func(m api.ApiV2010Message) bool {
		switch {
		case !strings.HasPrefix(value(m.Direction), "outbound"):
		case hasCode(value(m.Body), code):
			id = value(m.Sid)
			return true
		case value(m.Body) == "" && !olderThan(m, since):
			unreadable++
		}
		return false
	}
	latest := (&api.ListMessageParams{}).SetTo(string(to))
	if _, err := t.list(ctx, "find", latest, listing{visit: look, pages: 1}); err != nil || id != "" {
		return id, id != "", err
	}
	dated := (&api.ListMessageParams{}).SetTo(string(to)).SetDateSentAfter(day)
	whole, err := t.list(ctx, "find", dated, listing{visit: look, pages: maxPages, since: day})
	switch {
	case err != nil || id != "":
		return id, id != "", err
	case !whole:
		return "", false, fmt.Errorf("find by twilio: more than %d texts to one number, not all were looked at", maxPages*pageSize)
	case unreadable > 0:
		return "", false, errors.New("find by twilio: the account keeps no bodies, so the texts to this number cannot be told apart")
	}
	return "", false, nil
}

// Status asks how far a text has come. The detail is Twilio's word for it, with its error code.
func (t *Twilio) Status(ctx context.Context, providerID string) (stillwater.DeliveryState, string, error) {
	if !twilio.IsSID(providerID, "SM", "MM") {
		return "", "", fmt.Errorf("status by twilio: %q is not a message SID", providerID)
	}
	var m *api.ApiV2010Message
	err := t.client.Do(ctx, "status", func(s *api.ApiService) (err error) {
		m, err = s.FetchMessage(providerID, &api.FetchMessageParams{})
		return err
	})
	if err != nil {
		return "", "", err
	}
	reached, told := stateOf(*m)
	if reached == "" {
		return "", "", fmt.Errorf("status by twilio: unknown status %q", value(m.Status))
	}
	return reached, told, nil
}

// Replies gives the texts that came in since the given moment, the oldest first.
func (t *Twilio) Replies(ctx context.Context, since time.Time) ([]stillwater.Reply, error) {
	since = since.Truncate(time.Second) // Twilio's times have whole seconds
	params := (&api.ListMessageParams{}).SetDateSentAfter(since.UTC().Add(-24 * time.Hour))
	if t.cfg.From != "" {
		params.SetTo(t.cfg.From)
	}
	var replies []stillwater.Reply
	var broken error
	whole, err := t.list(ctx, "replies", params, listing{pages: maxPages, since: since, visit: func(m api.ApiV2010Message) bool {
		if value(m.Direction) != "inbound" || t.cfg.From == "" && value(m.MessagingServiceSid) != t.cfg.MessagingService {
			return false
		}
		at, err := sentAt(m)
		if err != nil {
			broken = fmt.Errorf("replies by twilio: message %q: %w", value(m.Sid), err)
			return true
		}
		if !at.Before(since) {
			replies = append(replies, stillwater.Reply{ID: value(m.Sid), From: stillwater.Phone(value(m.From)), Text: value(m.Body), At: at})
		}
		return false
	}})
	switch {
	case err != nil || broken != nil:
		return nil, cmp.Or(err, broken)
	case !whole:
		return nil, fmt.Errorf("replies by twilio: more than %d texts since %s; ask for a shorter time", maxPages*pageSize, since.UTC().Format(time.DateOnly))
	}
	slices.SortStableFunc(replies, func(a, b stillwater.Reply) int { return a.At.Compare(b.At) })
	return replies, nil
}

// A listing is how far a list is followed.
type listing struct {
	visit func(api.ApiV2010Message) (enough bool)
	pages int       // at most
	since time.Time // Twilio lists the latest first: a page with nothing since then is the last
}

// list goes through the messages selected page by page, and says whether it came to the end of what was asked for.
func (t *Twilio) list(ctx context.Context, what string, params *api.ListMessageParams, l listing) (whole bool, err error) {
	params.SetPageSize(pageSize)
	token, number := "", ""
	for range l.pages {
		var page *api.ListMessageResponse
		err := t.client.Do(ctx, what, func(s *api.ApiService) (err error) {
			page, err = s.PageMessage(params, token, number)
			return err
		})
		if err != nil {
			return false, err
		}
		fresh := false
		for _, m := range page.Messages {
			if l.visit(m) {
				return true, nil
			}
			fresh = fresh || !olderThan(m, l.since)
		}
		if value(page.NextPageUri) == "" || !fresh {
			return true, nil
		}
		next, err := url.Parse(value(page.NextPageUri))
		if err != nil {
			return false, fmt.Errorf("%s by twilio: address of the next page: %w", what, err)
		}
		token, number = next.Query().Get("PageToken"), next.Query().Get("Page")
	}
	return false, nil
}

// stateOf reads Twilio's status of a message and says it with the error, if it has one; "" for a status it should not have.
func stateOf(m api.ApiV2010Message) (stillwater.DeliveryState, string) {
	code := 0
	if m.ErrorCode != nil {
		code = *m.ErrorCode
	}
	return state(value(m.Status)), detail(value(m.Status), code, value(m.ErrorMessage))
}

// state is what a status means; "" for one that a sent message should not have.
func state(status string) stillwater.DeliveryState {
	switch status {
	case "accepted", "scheduled", "queued", "sending", "sent", "partially_delivered":
		return stillwater.Accepted
	case "delivered", "read":
		return stillwater.Delivered
	case "undelivered", "failed", "canceled":
		return stillwater.Failed
	}
	return ""
}

// detail is a status with its error code, if there is one, in Twilio's words or ours.
func detail(status string, code int, message string) string {
	if code == 0 {
		return status
	}
	if message == "" {
		message = twilio.Meaning(code)
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %d %s", status, code, twilio.HideNumbers(message)))
}

// sentAt is when a message was sent, or made if it is not sent yet.
func sentAt(m api.ApiV2010Message) (time.Time, error) {
	text := value(m.DateSent)
	if text == "" {
		text = value(m.DateCreated)
	}
	at, err := time.Parse(time.RFC1123Z, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("its time %q is not of RFC 2822", text)
	}
	return at.UTC(), nil
}

// olderThan says whether a message is certainly older than since, by more than clocks may differ.
func olderThan(m api.ApiV2010Message, since time.Time) bool {
	at, err := sentAt(m)
	return err == nil && at.Before(since.Add(-5*time.Minute))
}

// hasCode says whether the code stands in the text by itself: A1-1 does not stand in A1-12.
func hasCode(text, code string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], code)
		if i < 0 {
			return false
		}
		i += from
		if !ends(text[:i]) && !begins(text[i+len(code):]) {
			return true
		}
		from = i + 1
	}
}

// ends says whether s ends in the middle of a code: with a letter or digit, or with one and a hyphen.
func ends(s string) bool {
	s = strings.TrimSuffix(s, "-")
	return s != "" && isWord(s[len(s)-1])
}

// begins is the same for what comes after.
func begins(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s != "" && isWord(s[0])
}

func isWord(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
