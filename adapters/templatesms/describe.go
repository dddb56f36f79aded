package templatesms

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"stillwater/adapters/httpcall"
)

// Generic is how a provider is spoken to that is not built in.
type Generic struct {
	Send     Request   `yaml:"send" doc:"the call that sends a text"`
	Success  Success   `yaml:"success" doc:"how an answer says that the text was taken"`
	Codes    Codes     `yaml:"codes,omitempty" doc:"what the other codes mean; one that is in no list leaves it unclear whether the text left"`
	Sign     Scheme    `yaml:"signature,omitempty" doc:"how requests are signed"`
	Receipts *Receipts `yaml:"receipts,omitempty" doc:"the call that tells what became of texts; without it a text that may have left is repeated, marked as a repeat"`
}

// Request is one call of the provider's.
type Request struct {
	URL      string            `yaml:"url" doc:"address of the call; https, or http on this machine"`
	Method   string            `yaml:"method,omitempty" doc:"GET or POST; default POST"`
	Encoding string            `yaml:"encoding,omitempty" doc:"of a POST: json or form; default json; a GET has its fields in the address"`
	Fields   map[string]string `yaml:"fields" doc:"what is sent: field names and values, in which {phone} {sign} {template} {text} {vars} {list} {code} {id} {key} {secret} {timestamp} {millis} {time} {date} {nonce} {signature} and {var.name} stand for what is meant"`
	Headers  map[string]string `yaml:"headers,omitempty" doc:"the same, for headers"`
}

// Scheme is how requests are signed.
type Scheme struct {
	Kind  string `yaml:"kind,omitempty" doc:"md5 or hmac-sha256 (by the secret); without it nothing is signed"`
	Of    string `yaml:"of,omitempty" doc:"what is signed, like {key}{secret}{timestamp}; {sorted} stands for all fields but the one that holds {signature}, as name=value joined by &, in the order of their names"`
	Write string `yaml:"write,omitempty" doc:"hex, HEX or base64; default hex"`
}

// Success is how an answer says that a text was taken.
type Success struct {
	Field string   `yaml:"field" doc:"dotted path of the field of the answer that holds the code, like code or data.0.status"`
	Is    []string `yaml:"is" doc:"its values that mean that the text was taken, like [\"0\", OK]"`
	ID    string   `yaml:"id,omitempty" doc:"dotted path of the provider's name for the text"`
}

// Codes are the meanings of a provider's codes.
type Codes struct {
	Refused []string `yaml:"refused,omitempty" doc:"this number takes no texts: trying again is pointless"`
	Unable  []string `yaml:"unable,omitempty" doc:"the provider refuses for a reason of its own, like its account, its template or what is left of the money: another may take it"`
	Limited []string `yaml:"limited,omitempty" doc:"too much was sent; nothing left"`
	NotSent []string `yaml:"not_sent,omitempty" doc:"nothing left, and trying again is right"`
}

// Receipts is how it is asked what became of texts.
type Receipts struct {
	Request   `yaml:",inline"`
	List      string   `yaml:"list" doc:"dotted path of the list in the answer"`
	ID        string   `yaml:"id,omitempty" doc:"field of an entry with the provider's name for the text"`
	Code      string   `yaml:"code,omitempty" doc:"field of an entry with our {code}, where it was sent along"`
	State     string   `yaml:"state" doc:"field of an entry that says how far the text has come"`
	Delivered []string `yaml:"delivered" doc:"its values that mean delivered"`
	Failed    []string `yaml:"failed" doc:"its values that mean failed"`
	Complete  bool     `yaml:"complete,omitempty" doc:"the list has every text to the number that was taken, whether or not there is a receipt: only then does a text that is not in it count as not sent"`
}

// placeholder is what stands in a field for what is meant.
var placeholder = regexp.MustCompile(`\{([a-z]+(?:\.[A-Za-z0-9_]+)?)\}`)

// meanings are the placeholders there are, besides {var.name}.
var meanings = strings.Fields("phone sign template text vars list code id key secret timestamp millis time date nonce signature sorted")

// Validate reports every setting that cannot work.
func (g *Generic) Validate(report func(field any, problem string)) {
	g.Send.validate(report)
	if g.Success.Field == "" || len(g.Success.Is) == 0 {
		report(&g.Success, `it is not said how success looks; write like {field: code, is: ["0"]}`)
	}
	if !slices.Contains([]string{"", "md5", "hmac-sha256"}, g.Sign.Kind) {
		report(&g.Sign.Kind, fmt.Sprintf("%q is not known; write md5 or hmac-sha256", g.Sign.Kind))
	}
	if !slices.Contains([]string{"", "hex", "HEX", "base64"}, g.Sign.Write) {
		report(&g.Sign.Write, fmt.Sprintf("%q is not known; write hex, HEX or base64", g.Sign.Write))
	}
	if (g.Sign.Kind == "") != (g.Sign.Of == "") {
		report(&g.Sign.Of, "a signature needs both kind and of")
	}
	if strings.Contains(g.Sign.Of, "{signature}") {
		report(&g.Sign.Of, "the signature cannot be of itself")
	}
	seen := map[string]bool{}
	for _, list := range [][]string{g.Success.Is, g.Codes.Refused, g.Codes.Unable, g.Codes.Limited, g.Codes.NotSent} {
		for _, code := range list {
			if seen[code] {
				report(&g.Codes, fmt.Sprintf("code %q stands in two lists", code))
			}
			seen[code] = true
		}
	}
	if g.Receipts != nil {
		g.Receipts.check(report)
	}
}

func (r *Receipts) check(report func(field any, problem string)) {
	r.Request.validate(report)
	if r.State == "" || len(r.Delivered) == 0 || len(r.Failed) == 0 {
		report(&r.State, "receipts need state, and its values in delivered and failed")
	}
	if r.ID == "" && r.Code == "" {
		report(&r.ID, "an entry must be told from others; name the field of the provider's id, of our code, or both")
	}
	if r.Complete && r.Code == "" {
		report(&r.Complete, "whether a text is in the list is told by our code; name its field in code")
	}
}

// validate reports what is wrong with a call.
func (r *Request) validate(report func(field any, problem string)) {
	if _, err := httpcall.Address(r.URL); err != nil {
		report(&r.URL, err.Error())
	}
	if !slices.Contains([]string{"", http.MethodGet, http.MethodPost}, r.Method) {
		report(&r.Method, fmt.Sprintf("%q is not known; write GET or POST", r.Method))
	}
	if !slices.Contains([]string{"", "json", "form"}, r.Encoding) {
		report(&r.Encoding, fmt.Sprintf("%q is not known; write json or form", r.Encoding))
	}
	for _, fields := range []map[string]string{r.Fields, r.Headers} {
		for name, text := range fields {
			for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(meanings, m[1]) && !strings.HasPrefix(m[1], "var.") {
					report(r, fmt.Sprintf("%s: {%s} stands for nothing; there are %s and var.name", name, m[1], strings.Join(meanings, ", ")))
				}
			}
		}
	}
}
