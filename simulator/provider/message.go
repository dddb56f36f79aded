package provider

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"stillwater"
)

// apiMessage is a message as the API words it (schema api.v2010.account.message).
type apiMessage struct {
	Body                string            `json:"body"`
	NumSegments         string            `json:"num_segments"`
	Direction           string            `json:"direction"`
	From                string            `json:"from"`
	To                  string            `json:"to"`
	DateUpdated         string            `json:"date_updated"`
	Price               *string           `json:"price"`
	ErrorMessage        *string           `json:"error_message"`
	URI                 string            `json:"uri"`
	AccountSID          string            `json:"account_sid"`
	NumMedia            string            `json:"num_media"`
	Status              string            `json:"status"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	SID                 string            `json:"sid"`
	DateSent            *string           `json:"date_sent"`
	DateCreated         string            `json:"date_created"`
	ErrorCode           *int              `json:"error_code"`
	PriceUnit           *string           `json:"price_unit"`
	APIVersion          string            `json:"api_version"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
}

// unreachable is the error of a message that was sent and not delivered.
const unreachable = 30003

// word is a message as the API says it now.
func (s *Server) word(t Text) apiMessage {
	now := s.o.Now()
	uri := "/2010-04-01/Accounts/" + s.o.Account + "/Messages/" + t.SID
	m := apiMessage{
		Body: t.Body, NumSegments: strconv.Itoa(segments(t.Body)), Direction: "outbound-api", From: string(t.From), To: string(t.To),
		URI: uri + ".json", AccountSID: s.o.Account, NumMedia: "0", Status: s.status(t, now), SID: t.SID, APIVersion: "2010-04-01",
		DateCreated: rfc2822(t.At), DateUpdated: rfc2822(t.At), SubresourceURIs: map[string]string{"media": uri + "/Media.json"},
	}
	if t.Inbound {
		m.Direction = "inbound"
	}
	if sent, ok := s.sentAt(t, now); ok {
		text := rfc2822(sent)
		m.DateSent, m.DateUpdated = &text, text
	}
	if m.Status == "undelivered" {
		code, text := unreachable, "Unreachable destination handset"
		m.ErrorCode, m.ErrorMessage = &code, &text
	}
	return m
}

// status is how far a message has come: queued, sent, and delivered or not.
func (s *Server) status(t Text, now time.Time) string {
	age := now.Sub(t.At)
	switch {
	case t.Inbound:
		return "received"
	case age < s.o.SentAfter:
		return "queued"
	case age < max(0, s.o.SentAfter)+s.o.DeliverAfter:
		return "sent"
	case t.Lost:
		return "undelivered"
	}
	return "delivered"
}

// sentAt is when a message was sent; one that is queued has no such date, and no filter by date finds it.
func (s *Server) sentAt(t Text, now time.Time) (time.Time, bool) {
	if t.Inbound {
		return t.At, true
	}
	at := t.At.Add(max(0, s.o.SentAfter))
	return at, !at.After(now)
}

// rfc2822 writes a time as the API does.
func rfc2822(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// sid makes a name for a message.
func (s *Server) sid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it does not return errors
	return "SM" + hex.EncodeToString(b[:])
}

// segments is how many short messages a text takes: 160 characters of the telephone alphabet or 70 of any other, a little less each
// when there are several.
func segments(body string) int {
	const alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà"
	const twice = "^{}\\[~]|€"
	n, single, part := 0, 160, 153
	for _, r := range body {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', strings.ContainsRune(alphabet, r):
			n++
		case strings.ContainsRune(twice, r):
			n += 2
		default:
			single, part = 70, 67
		}
	}
	if single == 70 {
		n = len(utf16.Encode([]rune(body)))
	}
	if n <= single {
		return 1
	}
	return (n + part - 1) / part
}

// apiError is an error as the API words it.
type apiError struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, apiError{code, message, "https://www.twilio.com/docs/errors/" + strconv.Itoa(code), status})
}

// sentence is what the API says of an error code to a number.
func sentence(code int, to stillwater.Phone) string {
	switch code {
	case 21211:
		return "The 'To' number " + string(to) + " is not a valid phone number."
	case 21610:
		return "Attempt to send to unsubscribed recipient"
	}
	return "Refused by the simulator with code " + strconv.Itoa(code)
}
