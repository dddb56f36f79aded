package voice

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stillwater"
	"stillwater/adapters/twilio"
)

const (
	// maxTwiML is how much can be given with a call (Twilio's API document: "Max 4000 characters").
	maxTwiML = 4000
	// keyWait is how many seconds a key is waited for after what was said, and maxAsked how often it is asked for again.
	keyWait  = 8
	maxAsked = 3
	// slow is how fast is spoken: whoever is woken at night should not have to ask again.
	slow = "85%"
)

// spoken is what Twilio calls a language, and the voice that is taken if none is configured.
var spoken = map[string]struct{ language, voice string }{
	"zh-CN": {"cmn-CN", "Polly.Zhiyu"},
	"en":    {"en-US", "Polly.Joanna"},
}

// keys are the keys that mean something: 3 asks until when, which no key can say.
const keys = "1245"

// The verbs of TwiML that are used. (twilio-go writes them with a library for XML documents, which encoding/xml makes unnecessary.)
type (
	response struct {
		XMLName xml.Name `xml:"Response"`
		Verbs   []any
	}
	say struct {
		XMLName  xml.Name `xml:"Say"`
		Voice    string   `xml:"voice,attr"`
		Language string   `xml:"language,attr"`
		Slowly   *prosody
		Text     string `xml:",chardata"`
	}
	prosody struct {
		XMLName xml.Name `xml:"prosody"`
		Rate    string   `xml:"rate,attr"`
		Text    string   `xml:",chardata"`
	}
	pause struct {
		XMLName xml.Name `xml:"Pause"`
		Length  int      `xml:"length,attr"`
	}
	gather struct {
		XMLName xml.Name `xml:"Gather"`
		Input   string   `xml:"input,attr"`
		Digits  int      `xml:"numDigits,attr"`
		Timeout int      `xml:"timeout,attr"`
		Method  string   `xml:"method,attr"`
		Action  string   `xml:"action,attr"`
		Verbs   []any
	}
	dial struct {
		XMLName  xml.Name `xml:"Dial"`
		CallerID string   `xml:"callerId,attr"`
		Timeout  int      `xml:"timeout,attr"`
		Number   string   `xml:"Number"`
	}
)

// says is the TwiML of a call.
func (v *Voice) says(m stillwater.Message) (string, error) {
	p := v.options.Phrases(m)
	speak := func(text string) any { return v.say(m.Language, text) }
	var verbs []any
	switch asked := p.Keys != "" && v.cfg.CallbackURL != ""; {
	case m.Connect != "":
		verbs = []any{speak(m.Text), dial{CallerID: v.cfg.From, Timeout: int(v.cfg.Ring.Seconds()), Number: string(m.Connect)}, speak(p.After)}
	case asked:
		verbs = []any{v.gather(m, 0, speak(m.Text), speak(p.Keys), pause{Length: 1}, speak(m.Text), speak(p.Keys)), speak(p.SeeText)}
	case p.Keys != "":
		verbs = []any{speak(m.Text), pause{Length: 1}, speak(m.Text), speak(p.SeeText)}
	default:
		verbs = []any{speak(m.Text), pause{Length: 1}, speak(m.Text)}
	}
	text, err := write(verbs)
	if n := utf8.RuneCountInString(text); err == nil && n > maxTwiML {
		err = fmt.Errorf("what is to be said has %d characters of TwiML, more than %d", n, maxTwiML)
	}
	return text, err
}

// say is a text in a language, slowly where the voice can.
func (v *Voice) say(lang, text string) any {
	if text == "" {
		return nil
	}
	if strings.HasPrefix(lang, "zh") {
		lang = "zh-CN"
	} else {
		lang = "en"
	}
	s := say{Language: spoken[lang].language, Voice: spoken[lang].voice}
	if chosen := v.cfg.Voices[lang]; chosen != "" {
		s.Voice = chosen
	}
	if strings.HasPrefix(s.Voice, "Polly.") || strings.HasPrefix(s.Voice, "Google.") {
		s.Slowly = &prosody{Rate: slow, Text: text}
	} else {
		s.Text = text
	}
	return s
}

// gather waits for a key while it speaks and a little longer. asked is how often it has been asked for before.
func (v *Voice) gather(m stillwater.Message, asked int, verbs ...any) any {
	action := v.callbackOf(m) + "&n=" + strconv.Itoa(asked)
	return gather{Input: "dtmf", Digits: 1, Timeout: keyWait, Method: "POST", Action: action, Verbs: verbs}
}

func write(verbs []any) (string, error) {
	text, err := xml.Marshal(response{Verbs: verbs})
	return string(text), err
}

// calledBack takes what Twilio tells of a call whose callback names the message.
func (v *Voice) calledBack(ctx context.Context, query, form url.Values) (string, error) {
	id, code := form.Get("CallSid"), query.Get("c")
	m := stillwater.Message{
		ID: stillwater.MessageID(query.Get("m")), Code: code, Purpose: stillwater.Purpose(query.Get("p")), Language: query.Get("l"),
	}
	if !twilio.IsSID(id, "CA") || code == "" || m.ID == "" {
		return "", fmt.Errorf("%w: no call of this gateway", twilio.ErrOdd)
	}
	v.remember(func(c *memory) { c.known(code, id, time.Now()) })
	if query.Has("n") {
		return v.key(ctx, m, query.Get("n"), form)
	}
	return "", v.receipt(id, form)
}

// receipt hands on how far a call has come.
func (v *Voice) receipt(id string, form url.Values) error {
	state, detail := reached(form.Get("CallStatus"), form.Get("AnsweredBy"))
	if state == "" {
		return fmt.Errorf("%w: status %q", twilio.ErrOdd, form.Get("CallStatus"))
	}
	if v.options.Receipt != nil {
		v.options.Receipt(id, state, detail)
	}
	return nil
}

// key hands on the key that was pressed and answers what is said to it. Twilio asks for this once, with a person on the line: what could
// not be stored is not answered with an error, which would be read out to her, but with the request to press it again.
func (v *Voice) key(ctx context.Context, m stillwater.Message, nth string, form url.Values) (string, error) {
	asked, err := strconv.Atoi(nth)
	pressed := form.Get("Digits")
	if err != nil || asked < 0 || !form.Has("Digits") || v.options.Reply == nil {
		return "", fmt.Errorf("%w: no key", twilio.ErrOdd)
	}
	p := v.options.Phrases(m)
	if len(pressed) != 1 || !strings.Contains(keys, pressed) {
		return v.again(m, asked, p.NoSuchKey, p)
	}
	reply := stillwater.Reply{ID: form.Get("CallSid") + "-" + pressed, Message: m.ID, Text: pressed, At: v.options.Now()}
	if err := v.options.Reply(ctx, reply); err != nil {
		return v.again(m, asked, p.Try, p)
	}
	return write([]any{v.say(m.Language, p.Thanks)})
}

// again asks for a key once more, or gives up and names the SMS.
func (v *Voice) again(m stillwater.Message, asked int, why string, p Phrases) (string, error) {
	if asked+1 >= maxAsked {
		return write([]any{v.say(m.Language, p.SeeText)})
	}
	if why == "" {
		return "", errors.New("no phrases")
	}
	return write([]any{v.gather(m, asked+1, v.say(m.Language, why), v.say(m.Language, p.Keys)), v.say(m.Language, p.SeeText)})
}
