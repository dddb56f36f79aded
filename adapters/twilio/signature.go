package twilio

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"stillwater"
)

// maxBody bounds what is read of a callback: Twilio's are a few kilobytes.
const maxBody = 64 << 10

// Signatures checks that what is called back comes from Twilio: X-Twilio-Signature is the base64 of the HMAC-SHA1, by the
// account's auth token, of the whole address followed by every parameter's name and value in the order of names. A body
// that is no form is named by its SHA-256 in the query's bodySHA256.
//
// twilio-go has such a check. It looks at the first of several values alone, so it lets a second one be added to a request.
type Signatures struct {
	URL    string   // the public address as Twilio knows it, without a query: what a proxy made of it in between does not matter
	Tokens []string // the account's auth tokens that count: one, or two while they are changed
}

// errUnsigned is all that is told of why: what is wrong with a forgery is no business of its author.
var errUnsigned = errors.New("it does not bear Twilio's signature; if it is genuine, compare callback_url with the address entered at Twilio, and the auth token")

// Check gives the parameters of a callback if its signature is right. A body that is no form has none.
func (s Signatures) Check(r *http.Request, body []byte) (url.Values, error) {
	address := s.URL
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("its query: %w", errUnsigned)
	}
	form := url.Values{}
	if sum, ok := query["bodySHA256"]; ok {
		have := sha256.Sum256(body)
		if len(sum) != 1 || !hmac.Equal([]byte(strings.ToLower(sum[0])), []byte(hex.EncodeToString(have[:]))) {
			return nil, errUnsigned
		}
	} else if form, err = url.ParseQuery(string(body)); err != nil {
		return nil, fmt.Errorf("its parameters: %w", errUnsigned)
	}
	given := r.Header.Values("X-Twilio-Signature")
	if len(given) != 1 || !s.matches(address, signedText(form), given[0]) {
		return nil, errUnsigned
	}
	return form, nil
}

// signedText is every name and value in the order of names, and of the values where one name has several.
func signedText(form url.Values) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, v := range slices.Sorted(slices.Values(form[name])) {
			text.WriteString(name + v)
		}
	}
	return text.String()
}

// matches compares with every token, and with the standard port written and left out: Twilio does now this, now that.
func (s Signatures) matches(address, signed, given string) bool {
	ok := false
	for _, token := range s.Tokens {
		for _, a := range withAndWithoutPort(address) {
			mac := hmac.New(sha1.New, []byte(token))
			mac.Write([]byte(a + signed))
			ok = hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(given)) && token != "" || ok
		}
	}
	return ok
}

// withAndWithoutPort is the address with its port, or the standard one, and without.
func withAndWithoutPort(address string) []string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	bare, port := host, ""
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		bare, port = host[:i], host[i+1:]
	}
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[scheme]
	}
	return []string{scheme + "://" + bare + path, scheme + "://" + bare + ":" + port + path}
}

// Handler answers Twilio's callbacks: take is given the query and the parameters of those that are signed, of this account, and gives
// what is to be answered, as TwiML; "" is an empty answer. An error of it is a 503, for which Twilio tries again or takes its fallback.
func (s Signatures) Handler(account string, take func(ctx context.Context, query, form url.Values) (answer string, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "Twilio posts here", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "too long, or cut short", http.StatusBadRequest)
			return
		}
		form, err := s.Check(r, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		// A signature covers the parameters strung together: "ab=c" and "a=bc" are the same. So those that must be there are looked
		// for by name, here and in take.
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if kind != "application/x-www-form-urlencoded" || form.Get("AccountSid") != account {
			http.Error(w, "no callback of this account's messages or calls", http.StatusForbidden)
			return
		}
		answer, err := take(r.Context(), r.URL.Query(), form)
		switch {
		case errors.Is(err, ErrOdd):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, "not taken; please send it again", http.StatusServiceUnavailable)
		case answer == "":
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			io.WriteString(w, answer)
		}
	})
}

// ErrOdd is that a callback lacks what it must have.
var ErrOdd = errors.New("not a callback that is asked for here")

// ValidateCallback reports what cannot work of the address and the tokens of callbacks. The address holds no query, for Twilio signs
// the whole, and what is asked for by it is added here.
func ValidateCallback(address string, tokens ...stillwater.Secret) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && local(u.Hostname())):
		return fmt.Errorf(`%q is not the address of callbacks; write like https://gateway.example.org/twilio, without a query`, address)
	case !slices.ContainsFunc(tokens, stillwater.Secret.Named):
		return errors.New("callbacks are signed by the account's auth token; name it as auth_token, for token is the secret of an API key")
	}
	return nil
}
