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
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/twilio/twilio-go/client"
	"pgregory.net/rapid"

	"stillwater"
)

// The vectors that Twilio publishes, all by the token 12345: the first stands in the guide of its libraries ("Validate Incoming
// Requests": twilio-php docs/usage/validation.rst, twilio-python docs), the others in client/request_validator_test.go of twilio-go.
var vectors = []struct{ name, url, body, signature string }{
	{"guide", "https://mycompany.com/myapp.php?foo=1&bar=2",
		"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212", "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
	{"twilio-go", "https://mycompany.com/myapp.php?foo=1&bar=2", more, "vOEb5UThFn24KEfnOFLQY2AE5FY="},
	{"twilio-go, port", "https://mycompany.com:1234/myapp.php?foo=1&bar=2", more, "vOEb5UThFn24KEfnOFLQY2AE5FY="},
	{"twilio-go, http", "http://mycompany.com/myapp.php?foo=1&bar=2", more, "n2xBNyzSW7rfYStDtOFiFMv7qNo="},
	{"twilio-go, http, port", "http://mycompany.com:1234/myapp.php?foo=1&bar=2", more, "n2xBNyzSW7rfYStDtOFiFMv7qNo="},
	{"twilio-go, form", "https://mycompany.com/myapp.php?foo=1&bar=2", "property=value&boolean=true", "NBdBDr/T/lgjI+tlgpXjKZQZs/k="},
	{"twilio-go, JSON", "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=" + bodyHash, document, "a9nBmqA0ju/hNViExpshrM61xv4="},
	{"twilio-go, JSON alone", "https://mycompany.com/myapp.php?bodySHA256=" + bodyHash, document, "y77kIzt2vzLz71DgmJGsen2scGs="},
}

const (
	more     = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212&ReasonConferenceEnded=test&Reason=Participant"
	document = `{"property": "value", "boolean": true}`
	bodyHash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)

// check judges a request to a full address, as it comes in behind a proxy: under another host.
func check(tokens []string, full, body, signature string) error {
	base, query, _ := strings.Cut(full, "?")
	r := httptest.NewRequest(http.MethodPost, "/inside?"+query, nil)
	r.Header.Set("X-Twilio-Signature", signature)
	_, err := Signatures{URL: base, Tokens: tokens}.Check(r, []byte(body))
	return err
}

func TestPublishedVectors(t *testing.T) {
	for _, v := range vectors {
		if err := check([]string{"12345"}, v.url, v.body, v.signature); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
	// ReasonConferenceEnded sorted before Reason is wrong, says twilio-go.
	if check([]string{"12345"}, vectors[1].url, more, "95+Bu0JVPi0r/SsESZCVf0dWAjw=") == nil {
		t.Error("parameters in a wrong order")
	}
}

// Each vector with anything changed is refused.
func TestTampering(t *testing.T) {
	refused := func(name string, tokens []string, full, body, signature string) {
		t.Helper()
		if check(tokens, full, body, signature) == nil {
			t.Errorf("%s was taken", name)
		}
	}
	good := []string{"12345"}
	for _, v := range vectors {
		refused(v.name+": no signature", good, v.url, v.body, "")
		refused(v.name+": another's signature", good, v.url, v.body, "95+Bu0JVPi0r/SsESZCVf0dWAjw=")
		refused(v.name+": another token", []string{"12346"}, v.url, v.body, v.signature)
		refused(v.name+": no token", nil, v.url, v.body, v.signature)
		refused(v.name+": an empty token", []string{""}, v.url, v.body, byNothing(v.url, v.body))
		for i := range v.signature {
			other := []byte(v.signature)
			other[i] ^= 1
			refused(v.name+": signature changed", good, v.url, v.body, string(other))
		}
		for name, full := range map[string]string{
			"host": strings.Replace(v.url, "mycompany", "mycompanx", 1), "path": strings.Replace(v.url, "myapp", "myapq", 1),
			"scheme": strings.Replace(strings.Replace(v.url, "https://", "ftp://", 1), "http://", "ftp://", 1),
			"query":  v.url + "&more=1", "order of the query": strings.Replace(v.url, "foo=1&bar=2", "bar=2&foo=1", 1) + "&", "no query": strings.Split(v.url, "?")[0],
		} {
			refused(v.name+": "+name, good, full, v.body, v.signature)
		}
		refused(v.name+": broken query", good, v.url+"&%zz", v.body, v.signature)
		if strings.Contains(v.url, "bodySHA256") {
			refused(v.name+": body", good, v.url, strings.Replace(v.body, "true", "false", 1), v.signature)
			refused(v.name+": no body", good, v.url, "", v.signature)
			hash := sha256.Sum256([]byte("x=1"))
			refused(v.name+": body and its hash", good, strings.Replace(v.url, bodyHash, hex.EncodeToString(hash[:]), 1), "x=1", v.signature)
			continue
		}
		form, _ := url.ParseQuery(v.body)
		for name := range form {
			changed := func(what string, change func(url.Values)) {
				other := maps.Clone(form)
				change(other)
				refused(v.name+": "+name+what, good, v.url, other.Encode(), v.signature)
			}
			changed(" changed", func(f url.Values) { f[name] = []string{f.Get(name) + "1"} })
			changed(" emptied", func(f url.Values) { f[name] = []string{""} })
			changed(" trimmed", func(f url.Values) { f[name] = []string{f.Get(name)[1:]} })
			changed(" missing", func(f url.Values) { delete(f, name) })
			changed(" twice", func(f url.Values) { f[name] = []string{f.Get(name), f.Get(name)} })
			changed(" with a second value", func(f url.Values) { f[name] = []string{f.Get(name), "zz"} })
			changed(" with a value before", func(f url.Values) { f[name] = []string{"0", f.Get(name)} })
			changed(" under another name", func(f url.Values) { f["A"+name] = f[name]; delete(f, name) })
		}
		refused(v.name+": one more", good, v.url, v.body+"&Extra=1", v.signature)
		refused(v.name+": one more, empty", good, v.url, v.body+"&Extra=", v.signature)
		refused(v.name+": broken body", good, v.url, v.body+"&%zz", v.signature)
		refused(v.name+": semicolon", good, v.url, v.body+";Extra=1", v.signature)
		refused(v.name+": a hash of the body in its place", good, v.url+"&bodySHA256="+hexOf(v.body), v.body, v.signature)
	}
}

// byNothing is the signature that anybody can make where an empty token counts.
func byNothing(full, body string) string {
	form, _ := url.ParseQuery(body)
	if strings.Contains(full, "bodySHA256") {
		form = nil
	}
	mac := hmac.New(sha1.New, nil)
	mac.Write([]byte(full + signedText(form)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func hexOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// While tokens are changed both count, and the old one no longer afterwards.
func TestTokensAreChanged(t *testing.T) {
	v := vectors[0]
	for _, c := range []struct {
		tokens []string
		taken  bool
	}{{[]string{"12345", "67890"}, true}, {[]string{"67890", "12345"}, true}, {[]string{"67890"}, false}} {
		if err := check(c.tokens, v.url, v.body, v.signature); (err == nil) != c.taken {
			t.Errorf("%v: %v", c.tokens, err)
		}
	}
}

// What twilio-go's own check takes, of parameters that stand once, ours takes, and the other way round.
func TestLikeTwiliosOwnCheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		token := rapid.StringN(1, 40, -1).Draw(t, "token")
		form := rapid.MapOf(rapid.StringN(1, 10, -1), rapid.String()).Draw(t, "form")
		base := rapid.SampledFrom([]string{"https://a.example/x", "https://a.example:8443/x", "http://a.example", "https://a.example:443/", "https://[::1]:8443/x", "https://[::1]/x"}).Draw(t, "base")
		query := url.Values{"c": {rapid.String().Draw(t, "code")}}.Encode()
		values := url.Values{}
		text := base + "?" + query
		for _, k := range slices.Sorted(maps.Keys(form)) {
			values.Set(k, form[k])
			text += k + form[k]
		}
		mac := hmac.New(sha1.New, []byte(token))
		mac.Write([]byte(text))
		signature := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if strings.Contains(base, "[") || strings.HasSuffix(base, ":8443/x") {
			// twilio-go cuts an IPv6 address at its first colon, and takes no signature over a port that is not the standard one.
		} else if validator := client.NewRequestValidator(token); !validator.Validate(base+"?"+query, form, signature) {
			t.Fatalf("twilio-go refuses what was signed as documented: %s", text)
		}
		if err := check([]string{token}, base+"?"+query, values.Encode(), signature); err != nil {
			t.Fatal(err)
		}
	})
}

func TestHandler(t *testing.T) {
	const account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	s := Signatures{URL: "https://gateway.example.org/twilio", Tokens: []string{"12345"}}
	var answer string
	var failure error
	taken := 0
	h := s.Handler(account, func(_ context.Context, query, form url.Values) (string, error) {
		taken++
		if query.Get("c") != "A1" || form.Get("X") != "1" {
			t.Errorf("query %v, form %v", query, form)
		}
		return answer, failure
	})
	post := func(form url.Values, contentType string, change ...func(*http.Request)) *httptest.ResponseRecorder {
		mac := hmac.New(sha1.New, []byte("12345"))
		mac.Write([]byte(s.URL + "?c=A1" + signedText(form)))
		r := httptest.NewRequest(http.MethodPost, "/?c=A1", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, c := range change {
			c(r)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	ours := url.Values{"AccountSid": {account}, "X": {"1"}}
	const plain = "application/x-www-form-urlencoded; charset=UTF-8"
	for _, c := range []struct {
		name    string
		form    url.Values
		kind    string
		change  func(*http.Request)
		answer  string
		failure error
		want    int
		taken   int
	}{
		{"taken", ours, plain, nil, "", nil, 204, 1},
		{"answered", ours, plain, nil, "<Response/>", nil, 200, 1},
		{"not stored", ours, plain, nil, "", errors.New("disk +8613800138000"), 503, 1},
		{"odd", ours, plain, nil, "", fmt.Errorf("%w: x", ErrOdd), 400, 1},
		{"another account", url.Values{"AccountSid": {account[1:]}}, plain, nil, "", nil, 403, 0},
		{"shifted by a letter", url.Values{"AccountSi": {"d" + account}, "X": {"1"}}, plain, nil, "", nil, 403, 0},
		{"JSON", ours, "application/json", nil, "", nil, 403, 0},
		{"two signatures", ours, plain, func(r *http.Request) { r.Header.Add("X-Twilio-Signature", "x") }, "", nil, 403, 0},
		{"GET", ours, plain, func(r *http.Request) { r.Method = http.MethodGet }, "", nil, 405, 0},
		{"too long", url.Values{"AccountSid": {account}, "X": {strings.Repeat("x", maxBody)}}, plain, nil, "", nil, 400, 0},
	} {
		answer, failure, taken = c.answer, c.failure, 0
		change := func(r *http.Request) {
			if c.change != nil {
				c.change(r)
			}
		}
		w := post(c.form, c.kind, change)
		if w.Code != c.want || taken != c.taken || c.want == 200 && w.Body.String() != c.answer || strings.Contains(w.Body.String(), "138") {
			t.Errorf("%s: %d %q, taken %d", c.name, w.Code, w.Body, taken)
		}
	}
}

func TestValidateCallback(t *testing.T) {
	token := stillwater.Secret{Env: "X"}
	for address, ok := range map[string]bool{
		"https://gateway.example.org/twilio": true, "http://127.0.0.1:8080/": true, "http://gateway.example.org/": false, "https://gateway.example.org/?a=1": false,
		"gateway.example.org": false, "https://u:p@gateway.example.org": false, "https://x/#a": false, "": false,
	} {
		if err := ValidateCallback(address, token); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
	if ValidateCallback("https://gateway.example.org/", stillwater.Secret{}) == nil {
		t.Error("callbacks without a token to check them")
	}
}
