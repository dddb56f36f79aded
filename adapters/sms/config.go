package sms

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"stillwater"
)

// Config is an account at Twilio and the number or service texts come from.
type Config struct {
	Account          string            `yaml:"account" doc:"Twilio account SID, AC and 32 hex digits"`
	Key              string            `yaml:"key,omitempty" doc:"API key SID, SK and 32 hex digits, if token is the secret of a key rather than the account's auth token; a key can be withdrawn without changing everything else"`
	Token            stillwater.Secret `yaml:"token" doc:"where the auth token, or the secret of the API key, is kept"`
	From             string            `yaml:"from,omitempty" doc:"the number texts come from and replies go to, in E.164 form, like +14155550100"`
	MessagingService string            `yaml:"messaging_service,omitempty" doc:"messaging service SID, MG and 32 hex digits, whose sender pool is used; instead of from, or with a from that is in its pool"`
	BaseURL          string            `yaml:"base_url,omitempty" doc:"another address for the API, for a test provider; default https://api.twilio.com"`
	Timeout          time.Duration     `yaml:"timeout,omitempty" doc:"how long one call may take; longer delays the next rung when the provider hangs, shorter leaves more sendings unclear; default 10s"`
}

// defaultTimeout is as long as Twilio's own libraries wait.
const defaultTimeout = 10 * time.Second

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{Timeout: defaultTimeout} }

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if !isSID(c.Account, "AC") {
		report(&c.Account, fmt.Sprintf(`%q is not a Twilio account SID; it is AC and 32 hex digits, on the first page of the console`, c.Account))
	}
	if c.Key != "" && !isSID(c.Key, "SK") {
		report(&c.Key, fmt.Sprintf(`%q is not an API key SID; it is SK and 32 hex digits; leave it out to use the account's auth token`, c.Key))
	}
	if !c.Token.Named() {
		report(&c.Token, "no token is named; write like {env: TWILIO_TOKEN} or {file: /etc/stillwater/twilio}")
	}
	if c.From == "" && c.MessagingService == "" {
		report(&c.From, "texts need a number to come from; write from: +14155550100, or name a messaging_service")
	}
	if c.From != "" && !isE164(stillwater.Phone(c.From)) {
		report(&c.From, fmt.Sprintf(`%q is not a number in E.164 form; write + and country code and number without spaces, like +14155550100`, c.From))
	}
	if c.MessagingService != "" && !isSID(c.MessagingService, "MG") {
		report(&c.MessagingService, fmt.Sprintf(`%q is not a messaging service SID; it is MG and 32 hex digits`, c.MessagingService))
	}
	if _, err := c.address(); err != nil {
		report(&c.BaseURL, err.Error())
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > time.Minute) {
		report(&c.Timeout, fmt.Sprintf(`"%v" is not between 1s and 1m; leave it out for 10s`, c.Timeout))
	}
}

// address is BaseURL; nil when it is not set. The token goes with every call, so only a test provider on this machine is
// spoken to without TLS.
func (c *Config) address() (*url.URL, error) {
	if c.BaseURL == "" {
		return nil, nil
	}
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf(`%q is not an address; write like https://twilio.example.org`, c.BaseURL)
	case u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return nil, fmt.Errorf(`%q would send the token over the network unencrypted; use https, or http on 127.0.0.1 for a test provider`, c.BaseURL)
	}
	return u, nil
}

// isSID says whether s is one of Twilio's identifiers with the given prefix.
func isSID(s, prefix string) bool {
	digits, ok := strings.CutPrefix(s, prefix)
	return ok && len(digits) == 32 && strings.Trim(digits, "0123456789abcdefABCDEF") == ""
}

// isE164 says whether p is + and 7 to 15 digits, the first not 0.
func isE164(p stillwater.Phone) bool {
	digits, ok := strings.CutPrefix(string(p), "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}
