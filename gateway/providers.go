package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/email"
	"stillwater/adapters/modem"
	"stillwater/adapters/sms"
	"stillwater/adapters/templatesms"
	"stillwater/adapters/voice"
	"stillwater/adapters/webhook"
	"stillwater/adapters/wecom"
	"stillwater/gateway/delivery"
	"stillwater/gateway/words"
)

// ProviderConfig is one provider of the list: how to speak to it, and what may go by it.
type ProviderConfig struct {
	Name string `yaml:"name" doc:"what the provider is called, in pages, counters and on each message; never changed while messages are under way"`

	Twilio      *sms.Config         `yaml:"twilio,omitempty" doc:"texts by an account at Twilio"`
	TwilioVoice *voice.Config       `yaml:"twilio_voice,omitempty" doc:"calls by an account at Twilio"`
	TemplateSMS *templatesms.Config `yaml:"template_sms,omitempty" doc:"texts by approved templates, as in China: Aliyun, Tencent Cloud, or a provider that is described"`
	WeCom       *wecom.Config       `yaml:"wecom,omitempty" doc:"cards of the office's own WeCom application"`
	Email       *email.Config       `yaml:"email,omitempty" doc:"mails by the office's mail server"`
	Webhook     *webhook.Config     `yaml:"webhook,omitempty" doc:"posts to programs of the office, like the screen of a duty desk"`
	Modem       *modem.Config       `yaml:"modem,omitempty" doc:"texts by a modem with a SIM card at this machine, for when the line is cut"`
	Phones      bool                `yaml:"phones,omitempty" doc:"true: nothing leaves by this provider; the console shows the phones. For trials"`

	Countries []string        `yaml:"countries,omitempty" doc:"country codes of the numbers it is used for, like [86]; default all"`
	Parallel  int             `yaml:"parallel,omitempty" doc:"how many messages are handed to it at once; default as delivery has it"`
	Limits    delivery.Limits `yaml:"limits,omitempty" doc:"how much goes by it; what is over goes by the next provider of the channel"`
	Cost      delivery.Cost   `yaml:"cost,omitempty" doc:"what a message by it costs, for the counters"`

	CrossBorderConsent string `yaml:"cross_border_consent,omitempty" doc:"when it was decided that messages may leave the country of the people they are about, and by whom, like 2026-03-01, the community committee of Dongpo; without it a provider abroad is used for its own country alone"`
}

// A kind of provider: one line for each technology. To add one, write the adapter, its field above and its line here.
type kind struct {
	key      string // in the configuration
	channels []stillwater.Channel
	chosen   func(*ProviderConfig) bool
	home     func(*ProviderConfig) string // country code of whose law it is under; "": none, as nothing leaves the house
	answers  func(*ProviderConfig) bool   // people can answer by the same way, without a public address
	aDay     int                          // messages to one number within 24 hours that the carriers take; 0: not known
	parallel int                          // messages handed over at once, unless the configuration says; 0: as delivery has it
	make     func(*gateway, *ProviderConfig) (delivery.Provider, error)
}

// kinds is every kind of provider.
var kinds = []kind{
	{
		key: "twilio", channels: []stillwater.Channel{stillwater.SMS},
		chosen:  func(p *ProviderConfig) bool { return p.Twilio != nil },
		home:    func(p *ProviderConfig) string { return abroad("1", p.Twilio.BaseURL) },
		answers: func(*ProviderConfig) bool { return true },
		make: func(g *gateway, p *ProviderConfig) (delivery.Provider, error) {
			return sms.NewTwilio(*p.Twilio, sms.Options{Receipt: g.heard(p.Name), Reply: g.Reply, Now: g.clock.Now})
		},
	},
	{
		key: "twilio_voice", channels: []stillwater.Channel{stillwater.Voice},
		chosen:  func(p *ProviderConfig) bool { return p.TwilioVoice != nil },
		home:    func(p *ProviderConfig) string { return abroad("1", p.TwilioVoice.BaseURL) },
		answers: func(p *ProviderConfig) bool { return p.TwilioVoice.CallbackURL != "" },
		make: func(g *gateway, p *ProviderConfig) (delivery.Provider, error) {
			phrases := func(m stillwater.Message) voice.Phrases { return voice.Phrases(g.words.VoicePhrases(m)) }
			return voice.New(*p.TwilioVoice, voice.Options{Phrases: phrases, Receipt: g.heard(p.Name), Reply: g.Reply, Now: g.clock.Now})
		},
	},
	{
		key: "template_sms", channels: []stillwater.Channel{stillwater.SMS},
		chosen:  func(p *ProviderConfig) bool { return p.TemplateSMS != nil },
		home:    func(p *ProviderConfig) string { return abroad("86", p.TemplateSMS.BaseURL) },
		answers: func(*ProviderConfig) bool { return false }, // reply digits are off in templates
		aDay:    50,
		make: func(_ *gateway, p *ProviderConfig) (delivery.Provider, error) {
			return templatesms.New(*p.TemplateSMS, templatesms.Options{})
		},
	},
	{
		key: "wecom", channels: []stillwater.Channel{stillwater.WeCom},
		chosen:  func(p *ProviderConfig) bool { return p.WeCom != nil },
		home:    func(*ProviderConfig) string { return "" }, // the office's own
		answers: func(p *ProviderConfig) bool { return p.WeCom.Callback != nil },
		make: func(g *gateway, p *ProviderConfig) (delivery.Provider, error) {
			return wecom.New(*p.WeCom, wecom.Options{Reply: g.Reply, Clock: g.clock.Now})
		},
	},
	{
		key: "email", channels: []stillwater.Channel{stillwater.Email},
		chosen:  func(p *ProviderConfig) bool { return p.Email != nil },
		home:    func(*ProviderConfig) string { return "" },
		answers: func(*ProviderConfig) bool { return false },
		make: func(g *gateway, p *ProviderConfig) (delivery.Provider, error) {
			return email.New(*p.Email, email.Options{Subject: g.words.Subject})
		},
	},
	{
		key: "webhook", channels: []stillwater.Channel{stillwater.Webhook},
		chosen:  func(p *ProviderConfig) bool { return p.Webhook != nil },
		home:    func(*ProviderConfig) string { return "" },
		answers: func(*ProviderConfig) bool { return false },
		make: func(_ *gateway, p *ProviderConfig) (delivery.Provider, error) {
			return webhook.New(*p.Webhook, webhook.Options{})
		},
	},
	{
		key: "modem", channels: []stillwater.Channel{stillwater.SMS},
		chosen:   func(p *ProviderConfig) bool { return p.Modem != nil },
		home:     func(*ProviderConfig) string { return "" }, // its card's is where it stands
		answers:  func(*ProviderConfig) bool { return true },
		parallel: 1,
		make: func(g *gateway, p *ProviderConfig) (delivery.Provider, error) {
			return modem.New(*p.Modem, modem.Options{Receipt: g.heard(p.Name), Reply: g.Reply, Health: g.healthOf("provider " + p.Name), Now: g.clock.Now})
		},
	},
	{
		key: "phones", channels: stillwater.Channels,
		chosen:  func(p *ProviderConfig) bool { return p.Phones },
		home:    func(*ProviderConfig) string { return "" },
		answers: func(*ProviderConfig) bool { return true },
		make: func(g *gateway, _ *ProviderConfig) (delivery.Provider, error) {
			g.phones = sms.NewPhones(g.clock)
			g.phones.OnSend, g.phones.Of = g.texts, g.phoneOf
			return g.phones, nil
		},
	},
}

// abroad is the country of a provider, unless its address is a test provider on this machine.
func abroad(country, baseURL string) string {
	if u, err := url.Parse(baseURL); err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()) {
		return ""
	}
	return country
}

// kind is the kind of the provider; nil: none or several are set.
func (p *ProviderConfig) kind() *kind {
	var found *kind
	for i := range kinds {
		if !kinds[i].chosen(p) {
			continue
		}
		if found != nil {
			return nil
		}
		found = &kinds[i]
	}
	return found
}

// Validate reports what is wrong with the entry by itself.
func (p *ProviderConfig) Validate(report func(field any, problem string)) {
	if p.Name == "" || strings.ContainsAny(p.Name, " /\t") {
		report(&p.Name, fmt.Sprintf("%q is not a name for a provider; write a word like aliyun or modem-1", p.Name))
	}
	if p.kind() == nil {
		report(p, "a provider is of one kind; set one of "+kindKeys())
	}
	for i, code := range p.Countries {
		if !isCountry(code) {
			report(&p.Countries[i], fmt.Sprintf("%q is not a country code; write it without + and zeros, like 86 or 1", code))
		}
	}
	if p.Parallel < 0 || p.Parallel > 100 {
		report(&p.Parallel, fmt.Sprintf("%d messages at once is not between 1 and 100; leave it out for what delivery has", p.Parallel))
	}
	validateDecision(&p.CrossBorderConsent, report)
}

// validateDecision wants a date and who decided.
func validateDecision(text *string, report func(field any, problem string)) {
	if *text == "" {
		return
	}
	date, who, _ := strings.Cut(*text, ",")
	if _, err := time.Parse(time.DateOnly, strings.TrimSpace(date)); err != nil || strings.TrimSpace(who) == "" {
		report(text, fmt.Sprintf("%q does not say when it was decided and by whom; write like 2026-03-01, the community committee of Dongpo", *text))
	}
}

func kindKeys() string {
	var keys []string
	for _, k := range kinds {
		keys = append(keys, k.key)
	}
	return strings.Join(keys, ", ")
}

func isCountry(code string) bool {
	return len(code) >= 1 && len(code) <= 3 && strings.Trim(code, "0123456789") == "" && code[0] != '0' && countryOf(stillwater.Address("+"+code+"0000000")) == code
}

// twoDigits are the country codes of two digits; 1 and 7 are of one, and all others of three (ITU-T E.164).
const twoDigits = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"

// countryOf is the country code of a number; "" for what is no number.
func countryOf(number stillwater.Address) string {
	digits, ok := strings.CutPrefix(string(number), "+")
	switch {
	case !ok || len(digits) < 4:
		return ""
	case digits[0] == '1' || digits[0] == '7':
		return digits[:1]
	case slices.Contains(strings.Fields(twoDigits), digits[:2]):
		return digits[:2]
	}
	return digits[:3]
}

// channels is every channel that there is a provider for.
func (c *Config) channels() (all []stillwater.Channel) {
	for _, by := range stillwater.Channels {
		if slices.ContainsFunc(c.providers(), func(p *ProviderConfig) bool { return slices.Contains(p.kind().channels, by) }) {
			all = append(all, by)
		}
	}
	return all
}

// providers is every provider in order of preference: the section sms is the first.
func (c *Config) providers() []*ProviderConfig {
	var all []*ProviderConfig
	switch {
	case c.SMS.Phones:
		all = append(all, &ProviderConfig{Name: "phones", Phones: true})
	case c.SMS.Twilio != nil:
		all = append(all, &ProviderConfig{Name: "twilio", Twilio: c.SMS.Twilio, CrossBorderConsent: c.SMS.CrossBorderConsent})
	}
	for i := range c.Providers {
		all = append(all, &c.Providers[i])
	}
	return all
}

// allowed is the countries that a provider is used for, none standing for all; false: there is none that it may be used for.
func (p *ProviderConfig) allowed() (countries []string, any bool) {
	home := p.homeCountry()
	switch {
	case home == "" || p.CrossBorderConsent != "":
		return p.Countries, true
	case len(p.Countries) == 0 || slices.Contains(p.Countries, home):
		return []string{home}, true
	}
	return nil, false
}

// routes are the ways that a provider opens to some countries, without the provider itself.
func (p *ProviderConfig) routes(countries []string) (routes []delivery.Route) {
	k := p.kind()
	limits := p.Limits
	limits.NumberDay = cmp.Or(limits.NumberDay, k.aDay)
	for _, by := range k.channels {
		routes = append(routes, delivery.Route{
			Name: p.Name, Channel: by, Countries: countries, Parallel: cmp.Or(p.Parallel, k.parallel), Limits: limits, Cost: p.Cost,
		})
	}
	return routes
}

// homeCountry is the country of whose law the provider is; "": of none, or not known.
func (p *ProviderConfig) homeCountry() string {
	if k := p.kind(); k != nil {
		return k.home(p)
	}
	return ""
}

// validateProviders reports what concerns providers together, and the people they are for.
func (c *Config) validateProviders(report func(field any, problem string)) {
	all := c.providers()
	if len(all) == 0 {
		report(&c.SMS, "no channel for texts, so nobody could be told; set twilio, or phones: true for a trial")
	}
	names := map[string]bool{}
	first := len(all) - len(c.Providers) // 1 with the section sms, else 0
	for i, p := range all {
		decision, way := any(&p.CrossBorderConsent), fmt.Sprintf("or countries: [%s] to use it for its own alone", p.homeCountry())
		if i < first {
			decision, way = &c.SMS.CrossBorderConsent, "or list a provider of that country in providers instead"
		}
		switch {
		case p.Name == "": // it is reported, as is one of no kind
		case names[p.Name]:
			report(&p.Name, fmt.Sprintf("two providers are called %q; give each a name of its own (that of the section sms is twilio or phones)", p.Name))
		case p.Phones && i > 0:
			report(&p.Phones, "with phones nothing leaves, so they are the only provider or none; take the others out, or this one")
		}
		names[p.Name] = true
		if p.kind() != nil {
			c.validateBorder(p, decision, way, report)
		}
	}
	if len(all) > 0 {
		c.validateReach(report)
	}
}

// validateBorder reports a provider abroad that would be handed messages to people of another country.
func (c *Config) validateBorder(p *ProviderConfig, decision any, way string, report func(field any, problem string)) {
	home := p.homeCountry()
	if home == "" || p.CrossBorderConsent != "" {
		return
	}
	var meant []stillwater.ContactID
	country := ""
	for i := range c.Contacts {
		to := stillwater.Address(c.Contacts[i].Phone)
		code := countryOf(to)
		route := delivery.Route{Channel: stillwater.SMS, Countries: p.Countries}
		if code != "" && code != home && route.Serves(stillwater.Message{To: to}) {
			meant, country = append(meant, c.Contacts[i].ID), cmp.Or(country, code)
		}
	}
	if len(meant) > 0 {
		report(decision, fmt.Sprintf("%s is under the law of another country (+%s) than contact %q%s (+%s), and nobody has decided that messages may leave it; write cross_border_consent: DATE, WHO DECIDED, %s",
			p.Name, home, meant[0], more(len(meant)-1), country, way))
	}
}

// more says how many others there are.
func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// addProvider makes a provider and adds its ways to the courier; close lets go of its connections.
func (g *gateway) addProvider(p *ProviderConfig) (close func(), err error) {
	made, err := p.kind().make(g, p)
	if err != nil {
		return nil, err
	}
	if countries, any := p.allowed(); any {
		for _, r := range p.routes(countries) {
			r.Provider = made
			if slow, ok := made.(interface{ Patience() time.Duration }); ok {
				r.Timeout = slow.Patience()
			}
			g.courier.Routes = append(g.courier.Routes, r)
		}
	}
	if inbox, ok := made.(delivery.Inbox); ok {
		g.courier.Inboxes = append(g.courier.Inboxes, inbox)
	}
	if c, ok := made.(interface{ Callback() http.Handler }); ok {
		if h := c.Callback(); h != nil {
			g.hooks[p.Name] = h
		}
	}
	if r, ok := made.(interface{ Run(context.Context) error }); ok {
		g.add("provider "+p.Name, func(ctx context.Context) error { return ignoreDone(ctx, r.Run(ctx)) })
	}
	if c, ok := made.(interface{ Close() }); ok {
		return c.Close, nil
	}
	return func() {}, nil
}

// heard takes the receipts that a provider calls back.
func (g *gateway) heard(provider string) func(id string, state stillwater.DeliveryState, detail string) {
	return func(id string, state stillwater.DeliveryState, detail string) {
		g.courier.Heard(provider, id, state, detail)
	}
}

// phoneOf is the phone of who gets a message, for the phones of a trial.
func (g *gateway) phoneOf(m stillwater.Message) stillwater.Phone {
	h, _ := g.registry.Household(m.Household)
	for _, c := range h.Contacts {
		if c.ID == m.Contact {
			return c.Phone
		}
	}
	return ""
}

// smsSegments is how many SMS a text takes.
func smsSegments(text string) int {
	n, _ := words.Segments(text)
	return n
}
