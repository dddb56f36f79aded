// Package voice calls people by Twilio, says a text to them and takes a key for an answer; and calls the resident and connects her.
//
// It promises what sms does (see adapters/sms/doc.go): Send's error is stillwater.ErrRefused, stillwater.ErrNotSent, or anything else, which
// leaves it unclear whether the telephone rang; no error, log or metric holds a whole number, a credential or a text; it never
// retries, decides nothing and starts no goroutine.
//
// What is said is given to Twilio with the call, so that a call needs no public address. A record of a call bears neither a text nor a
// mark of ours, and its events, which would name the address of a callback, can be read 15 minutes after its end at the earliest
// (Twilio's "Events subresource"). So Find tells calls apart by what this process knows: whose number, when each attempt began, which
// calls belong to which code by Twilio's answers and callbacks. What it cannot tell apart is an error: then the call is repeated, marked.
package voice

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"stillwater"
	"stillwater/adapters/twilio"
)

// Phrases are what is said around a message's text, in its language.
type Phrases struct {
	Keys      string // which key means what; empty: no key is asked for
	SeeText   string // that the SMS takes the answer, where no key can or none was pressed
	Thanks    string // a key was taken
	NoSuchKey string // the key means nothing
	Try       string // a key could not be taken
	After     string // to the resident, after she was connected, or nobody answered: which of the two is not known
}

// Options is what a Voice is given besides its Config.
type Options struct {
	Phrases func(m stillwater.Message) Phrases                             // required; of a callback m has but ID, Code, Purpose and Language
	Receipt func(id string, state stillwater.DeliveryState, detail string) // takes a receipt that was called back; never blocks
	Reply   func(ctx context.Context, r stillwater.Reply) error            // takes a key that was pressed; nil once it is stored
	Now     func() time.Time                                               // event clock, when a key was pressed; nil: the wall clock
}

// Voice calls by Twilio's REST API. Its methods may be called from several goroutines.
type Voice struct {
	cfg     Config
	options Options
	client  *twilio.Client

	mu    sync.Mutex // guards what follows
	calls memory
}

// New gives a Voice for a Config that Validate has nothing to say of, its secrets read.
func New(cfg Config, o Options) (*Voice, error) {
	var problems []error
	cfg.Validate(func(_ any, problem string) { problems = append(problems, errors.New(problem)) })
	if o.Phrases == nil {
		problems = append(problems, errors.New("no phrases are given"))
	}
	client, err := cfg.settings().Client()
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("calls by twilio: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if cfg.Ring == 0 {
		cfg.Ring = defaultRing
	}
	return &Voice{cfg: cfg, options: o, client: client, calls: newMemory(time.Now())}, nil
}

// Name is "twilio-voice".
func (v *Voice) Name() string { return "twilio-voice" }

// Close lets go of idle connections. It is not needed for anything to be sent.
func (v *Voice) Close() { v.client.Close() }

// Send calls m.To and says m.Text, and gives Twilio's name for the call. With m.Connect it says the text once and then connects.
func (v *Voice) Send(ctx context.Context, m stillwater.Message) (string, error) {
	said, err := v.says(m)
	switch {
	case !twilio.IsE164(string(m.To)):
		err = fmt.Errorf("the number of contact %q is not in E.164 form", m.Contact)
	case m.Connect != "" && !twilio.IsE164(string(m.Connect)):
		err = errors.New("the number to connect is not in E.164 form")
	case m.Text == "":
		err = errors.New("there is nothing to say")
	case m.Code == "":
		err = errors.New("the message has no code")
	}
	if err != nil {
		return "", fmt.Errorf("call by twilio: %w: %w", stillwater.ErrRefused, err)
	}
	params := (&api.CreateCallParams{}).SetTo(string(m.To)).SetFrom(v.cfg.From).SetTwiml(said).SetTimeout(int(v.cfg.Ring.Seconds()))
	if v.cfg.MachineDetection {
		params.SetMachineDetection("Enable")
	}
	if v.cfg.CallbackURL != "" {
		params.SetStatusCallback(v.callbackOf(m)).SetStatusCallbackEvent([]string{"initiated", "answered", "completed"})
	}
	v.remember(func(c *memory) { c.tried(m.Code, m.To, time.Now()) })
	var made *api.ApiV2010Call
	err = v.client.Do(ctx, "call", func(s *api.ApiService) (err error) {
		made, err = s.CreateCall(params)
		return err
	})
	if err != nil {
		nothing := errors.Is(err, stillwater.ErrRefused) || errors.Is(err, stillwater.ErrNotSent)
		v.remember(func(c *memory) { c.answered(m.Code, nothing) })
		return "", err
	}
	id := value(made.Sid)
	if id == "" { // something answered, and not as Twilio does
		v.remember(func(c *memory) { c.answered(m.Code, false) })
		return "", errors.New("call by twilio: the answer has no SID")
	}
	v.remember(func(c *memory) { c.known(m.Code, id, time.Now()) })
	return id, nil
}

// remember changes what is known of calls.
func (v *Voice) remember(change func(*memory)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(&v.calls)
}

// callbackOf is where Twilio tells of a call and its key: the address with what is needed to know whose it is. Twilio signs all of it.
func (v *Voice) callbackOf(m stillwater.Message) string {
	query := url.Values{"c": {m.Code}, "m": {string(m.ID)}, "p": {string(m.Purpose)}, "l": {m.Language}}
	return v.cfg.CallbackURL + "?" + query.Encode()
}

// Status asks how far a call has come. The detail is Twilio's word for it, and who answered.
func (v *Voice) Status(ctx context.Context, providerID string) (stillwater.DeliveryState, string, error) {
	if !twilio.IsSID(providerID, "CA") {
		return "", "", fmt.Errorf("status by twilio: %q is not a call SID", providerID)
	}
	var call *api.ApiV2010Call
	err := v.client.Do(ctx, "status", func(s *api.ApiService) (err error) {
		call, err = s.FetchCall(providerID, &api.FetchCallParams{})
		return err
	})
	if err != nil {
		return "", "", err
	}
	state, detail := reached(value(call.Status), value(call.AnsweredBy))
	if state == "" {
		return "", "", fmt.Errorf("status by twilio: unknown status %q", value(call.Status))
	}
	return state, detail, nil
}

// reached is how far a call has come by its status and by who answered, as far as that is known: a mailbox and a fax are not reached, and
// then the next is told without a wait. "" for a status that it should not have.
func reached(status, answeredBy string) (stillwater.DeliveryState, string) {
	detail := status
	if answeredBy != "" {
		detail += ": answered by " + answeredBy
	}
	machine := strings.HasPrefix(answeredBy, "machine") || answeredBy == "fax"
	switch status {
	case "queued", "initiated", "ringing", "in-progress":
		return stillwater.Accepted, detail
	case "completed":
		if machine {
			return stillwater.Failed, detail
		}
		return stillwater.Delivered, detail
	case "busy", "no-answer", "failed", "canceled":
		return stillwater.Failed, detail
	}
	return "", detail
}

// Callback takes what Twilio posts to callback_url: how far a call has come, and the key that was pressed. It is nil without one.
func (v *Voice) Callback() http.Handler {
	return v.cfg.settings().Callback(v.calledBack)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
