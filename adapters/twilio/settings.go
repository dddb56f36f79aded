package twilio

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"stillwater"
)

// Settings are what the configuration of every adapter says of the account, each where it stands there.
type Settings struct {
	Account, Key, BaseURL, CallbackURL *string
	Token, AuthToken, SecondaryToken   *stillwater.Secret
	Timeout                            *time.Duration
}

// Validate reports every one of them that cannot work. It opens nothing.
func (s Settings) Validate(report func(field any, problem string)) {
	if !IsSID(*s.Account, "AC") {
		report(s.Account, fmt.Sprintf(`%q is not a Twilio account SID; it is AC and 32 hex digits, on the first page of the console`, *s.Account))
	}
	if *s.Key != "" && !IsSID(*s.Key, "SK") {
		report(s.Key, fmt.Sprintf(`%q is not an API key SID; it is SK and 32 hex digits; leave it out to use the account's auth token`, *s.Key))
	}
	if !s.Token.Named() {
		report(s.Token, "no token is named; write like {env: TWILIO_TOKEN} or {file: /etc/stillwater/twilio}")
	}
	if _, err := Address(*s.BaseURL); err != nil {
		report(s.BaseURL, err.Error())
	}
	if *s.Timeout != 0 && (*s.Timeout < time.Second || *s.Timeout > time.Minute) {
		report(s.Timeout, fmt.Sprintf(`"%v" is not between 1s and 1m; leave it out for 10s`, *s.Timeout))
	}
	if *s.CallbackURL != "" {
		if err := ValidateCallback(*s.CallbackURL, s.signers()[0]); err != nil {
			report(s.CallbackURL, err.Error())
		}
	}
}

// signers are the tokens that callbacks may be signed by: the account's own, and the secondary one.
func (s Settings) signers() []stillwater.Secret {
	if *s.Key == "" && !s.AuthToken.Named() {
		return []stillwater.Secret{*s.Token, *s.SecondaryToken}
	}
	return []stillwater.Secret{*s.AuthToken, *s.SecondaryToken}
}

// Client gives a client of the account.
func (s Settings) Client() (*Client, error) {
	return NewClient(Account{SID: *s.Account, Key: *s.Key, Token: *s.Token, BaseURL: *s.BaseURL, Timeout: *s.Timeout})
}

// Callback is Signatures.Handler with the signers of the account; nil without an address.
func (s Settings) Callback(take func(ctx context.Context, query, form url.Values) (answer string, err error)) http.Handler {
	if *s.CallbackURL == "" {
		return nil
	}
	check := Signatures{URL: *s.CallbackURL}
	for _, token := range s.signers() {
		if token.Reveal() != "" {
			check.Tokens = append(check.Tokens, token.Reveal())
		}
	}
	return check.Handler(*s.Account, take)
}
