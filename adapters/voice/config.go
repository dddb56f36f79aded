package voice

import (
	"fmt"
	"time"

	"stillwater"
	"stillwater/adapters/twilio"
)

// Config is an account at Twilio and the number that calls.
type Config struct {
	Account string            `yaml:"account" doc:"Twilio account SID, AC and 32 hex digits"`
	Key     string            `yaml:"key,omitempty" doc:"API key SID, SK and 32 hex digits, if token is the secret of a key rather than the account's auth token"`
	Token   stillwater.Secret `yaml:"token" doc:"where the auth token, or the secret of the API key, is kept"`
	From    string            `yaml:"from" doc:"the number that calls, in E.164 form, like +14155550100; it must be able to call"`

	Ring             time.Duration     `yaml:"ring,omitempty" doc:"how long it rings; longer reaches slow walkers and, more often, their mailbox; default 25s"`
	MachineDetection bool              `yaml:"machine_detection,omitempty" doc:"let Twilio listen whether a person or a mailbox has answered: a mailbox then counts as not reached, so that the next is told at once; costs extra, and whoever answers hears nothing for some seconds first"`
	Voices           map[string]string `yaml:"voices,omitempty" doc:"Twilio's voice for a language; default zh-CN: Polly.Zhiyu and en: Polly.Joanna"`

	CallbackURL    string            `yaml:"callback_url,omitempty" doc:"the public address at which this gateway, or its relay, takes what Twilio calls back, like https://gateway.example.org/twilio/voice; without it nobody can answer by a key, and who is called is told to see the SMS"`
	AuthToken      stillwater.Secret `yaml:"auth_token,omitempty" doc:"the account's auth token, which callbacks are signed by, if token is the secret of an API key"`
	SecondaryToken stillwater.Secret `yaml:"secondary_token,omitempty" doc:"the account's secondary auth token while tokens are changed: callbacks signed by either count"`

	BaseURL string        `yaml:"base_url,omitempty" doc:"another address for the API, for a test provider; default https://api.twilio.com"`
	Timeout time.Duration `yaml:"timeout,omitempty" doc:"how long one request may take; default 10s"`
}

// defaultRing is about five rings: most mailboxes take over after that.
const defaultRing = 25 * time.Second

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{Ring: defaultRing, Timeout: twilio.DefaultTimeout} }

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	c.settings().Validate(report)
	if !twilio.IsE164(c.From) {
		report(&c.From, fmt.Sprintf(`%q is not a number in E.164 form; write + and country code and number without spaces, like +14155550100`, c.From))
	}
	if c.Ring != 0 && (c.Ring < 5*time.Second || c.Ring > 2*time.Minute) {
		report(&c.Ring, fmt.Sprintf(`"%v" is not between 5s and 2m; leave it out for 25s`, c.Ring))
	}
	for language, voice := range c.Voices {
		if _, ok := spoken[language]; !ok || voice == "" {
			report(&c.Voices, fmt.Sprintf(`%q: %q is no voice; the languages are zh-CN and en, the voices as Twilio names them, like Polly.Zhiyu`, language, voice))
		}
	}
}

func (c *Config) settings() twilio.Settings {
	return twilio.Settings{
		Account: &c.Account, Key: &c.Key, BaseURL: &c.BaseURL, CallbackURL: &c.CallbackURL,
		Token: &c.Token, AuthToken: &c.AuthToken, SecondaryToken: &c.SecondaryToken, Timeout: &c.Timeout,
	}
}
