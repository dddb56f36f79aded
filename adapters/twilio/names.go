package twilio

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Address is an address of the API other than Twilio's own; nil for "". The token goes with every call, so only a test provider on
// this machine is spoken to without TLS.
func Address(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf(`%q is not an address; write like https://twilio.example.org`, text)
	case u.Scheme == "http" && !local(u.Hostname()):
		return nil, fmt.Errorf(`%q would send the token over the network unencrypted; use https, or http on 127.0.0.1 for a test provider`, text)
	}
	return u, nil
}

// local says whether a host is this machine.
func local(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// IsSID says whether s is one of Twilio's identifiers with one of the prefixes.
func IsSID(s string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		digits, ok := strings.CutPrefix(s, prefix)
		if ok && len(digits) == 32 && strings.Trim(digits, "0123456789abcdefABCDEF") == "" {
			return true
		}
	}
	return false
}

// IsE164 says whether s is + and 7 to 15 digits, the first not 0.
func IsE164(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// HideNumbers shortens every run of six digits or more to its last two, as stillwater.Phone does in logs.
func HideNumbers(text string) string {
	var out, run strings.Builder
	flush := func() {
		if digits := run.String(); len(digits) >= 6 {
			out.WriteString("…" + digits[len(digits)-2:])
		} else {
			out.WriteString(digits)
		}
		run.Reset()
	}
	for _, r := range text {
		if r >= '0' && r <= '9' {
			run.WriteRune(r)
			continue
		}
		flush()
		out.WriteRune(r)
	}
	flush()
	return out.String()
}

// meanings are in short what the codes say that a message or a call most often fails with (Twilio's error and warning dictionary).
var meanings = map[int]string{
	13224: "the number cannot be called",
	21211: "invalid number",
	21408: "no permission for the country",
	21610: "opted out",
	21612: "no way to this number",
	21614: "not a mobile number",
	30001: "queue overflow",
	30002: "account suspended",
	30003: "handset unreachable",
	30004: "blocked by its owner or carrier",
	30005: "unknown number",
	30006: "landline or carrier out of reach",
	30007: "filtered by the carrier",
	30008: "unknown error of the carrier",
	30022: "rate limit of the campaign",
	30023: "daily limit of the campaign",
	32017: "carrier blocks the caller's number",
}

// Meaning is what an error code says, in a few words; "" for one that is not in the table.
func Meaning(code int) string { return meanings[code] }
