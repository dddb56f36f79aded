package sms

import (
	"fmt"
	"time"

	"stillwater"
	"stillwater/adapters/twilio"
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

	CallbackURL    string            `yaml:"callback_url,omitempty" doc:"the public address at which this gateway, or its relay, takes what Twilio calls back, like https://gateway.example.org/twilio/sms; then receipts come at once, and so do replies if the same address is entered as the number's webhook for messages; without it both are asked for"`
	AuthToken      stillwater.Secret `yaml:"auth_token,omitempty" doc:"the account's auth token, which callbacks are signed by, if token is the secret of an API key"`
	SecondaryToken stillwater.Secret `yaml:"secondary_token,omitempty" doc:"the account's secondary auth token while tokens are changed: callbacks signed by either count"`
}

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{Timeout: twilio.DefaultTimeout} }

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	c.settings().Validate(report)
	if c.From == "" && c.MessagingService == "" {
		report(&c.From, "texts need a number to come from; write from: +14155550100, or name a messaging_service")
	}
	if c.From != "" && !twilio.IsE164(c.From) {
		report(&c.From, fmt.Sprintf(`%q is not a number in E.164 form; write + and country code and number without spaces, like +14155550100`, c.From))
	}
	if c.MessagingService != "" && !twilio.IsSID(c.MessagingService, "MG") {
		report(&c.MessagingService, fmt.Sprintf(`%q is not a messaging service SID; it is MG and 32 hex digits`, c.MessagingService))
	}
}

func (c *Config) settings() twilio.Settings {
	return twilio.Settings{
		Account: &c.Account, Key: &c.Key, BaseURL: &c.BaseURL, CallbackURL: &c.CallbackURL,
		Token: &c.Token, AuthToken: &c.AuthToken, SecondaryToken: &c.SecondaryToken, Timeout: &c.Timeout,
	}
}
