package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/sms"
	"stillwater/gateway/clock"
	"stillwater/gateway/config"
	"stillwater/gateway/delivery"
	"stillwater/simulator/provider"
)

func TestCountryOf(t *testing.T) {
	for number, want := range map[stillwater.Address]string{
		"+8613800138000": "86", "+14155550100": "1", "+79161234567": "7", "+441632960000": "44", "+35312345678": "353", "+85291234567": "852",
		"chenqiang": "", "": "", "+1": "",
	} {
		if got := countryOf(number); got != want {
			t.Errorf("country of %q is %q, want %q", number, got, want)
		}
	}
}

// TestBorder: without a decision a provider abroad is used for its own country alone; a test provider on this machine is abroad of nothing.
func TestBorder(t *testing.T) {
	for _, c := range []struct {
		base, consent string
		countries     []string
		want          string
	}{
		{"", "", nil, "[1] true"},
		{"", "", []string{"86", "1"}, "[1] true"},
		{"", "", []string{"86"}, "[] false"},
		{"", "2026-03-01, the committee", nil, "[] true"},
		{"", "2026-03-01, the committee", []string{"86"}, "[86] true"},
		{"http://127.0.0.1:8090", "", []string{"86"}, "[86] true"},
		{"https://127.evil.example.org", "", nil, "[1] true"},
	} {
		p := ProviderConfig{Name: "t", Twilio: &sms.Config{BaseURL: c.base}, Countries: c.countries, CrossBorderConsent: c.consent}
		countries, any := p.allowed()
		if got := fmt.Sprint(countries, any); got != c.want {
			t.Errorf("%+v: used for %s, want %s", c, got, c.want)
		}
	}
}

// TestReach: check says which channels and ways of reply each contact really has.
func TestReach(t *testing.T) {
	const text = `
store: {path: x.db}
providers:
  - name: aliyun
    countries: [86]
    template_sms:
      provider: aliyun
      sign: 安居水哨
      key: k
      secret: {env: SMS_SECRET}
      templates: [{id: SMS_1, text: "${name}较久没有用水，请尽快联系。"}]
  - name: twilio
    countries: [1]
    twilio: {account: AC00000000000000000000000000000000, token: {env: T}, from: "+14155550100"}
  - name: phone
    cross_border_consent: 2026-03-01, the community committee
    twilio_voice: {account: AC00000000000000000000000000000000, token: {env: T}, from: "+14155550100", callback_url: https://gw.example.org/hook/phone}
contacts:
  - {id: li-na, name: 李娜, role: family, phone: "+8613800138000"}
  - {id: tom, name: Tom Wang, role: family, phone: "+14155550123", language: en}
  - {id: chen, name: 陈强, role: worker, phone: "+8613900139000"}
`
	c := defaults()
	if _, problems := config.Parse("f", []byte(text), c); len(problems) > 0 {
		t.Fatal(problems)
	}
	reacher := c.reacher()
	for phone, want := range map[stillwater.Phone]string{
		"+8613800138000": "reached by sms, voice; answers by key",
		"+14155550123":   "reached by sms, voice; answers by text, key",
		"+441632960000":  "reached by voice; answers by key",
	} {
		if got := reacher.of(stillwater.Contact{Phone: phone}).String(); got != want {
			t.Errorf("%s is %q, want %q", phone, got, want)
		}
	}
	only := stillwater.Contact{Phone: "+8613800138000", WeCom: "lina", Channels: []stillwater.Channel{stillwater.SMS, stillwater.WeCom}}
	if got := reacher.of(only).String(); got != "reached by sms; answers by NOTHING" {
		t.Errorf("who agreed to SMS and WeCom alone is %q", got)
	}
	if got := c.channels(); fmt.Sprint(got) != "[sms voice]" {
		t.Errorf("channels %v", got)
	}
	if r := c.Providers[0].routes(nil); r[0].Limits.NumberDay != 50 {
		t.Errorf("the carriers' limit of a template provider is %d", r[0].Limits.NumberDay)
	}
}

// TestTellReach: contacts with the same ways stand in one line, and a long list is counted.
func TestTellReach(t *testing.T) {
	c := example()
	var out bytes.Buffer
	c.tellReach(&out)
	if want := "li-na, tom, chen: reached by sms; answers by text\n"; out.String() != want {
		t.Errorf("told %q, want %q", out.String(), want)
	}
}

// TestTwoProviders wires two accounts, the first of which is out of order: the text leaves by the second, once, and the store knows by which.
func TestTwoProviders(t *testing.T) {
	var servers [2]*provider.Server
	var entries []ProviderConfig
	for i, name := range []string{"first", "second"} {
		servers[i] = provider.New(provider.Options{})
		s := httptest.NewServer(servers[i].Handler())
		t.Cleanup(s.Close)
		t.Cleanup(servers[i].Close)
		account := sms.Defaults()
		account.Account, account.Token, account.From, account.BaseURL = provider.DefaultAccount, stillwater.Secret{Env: "T"}, string(provider.DefaultNumber), s.URL
		account.Token.Set(provider.DefaultToken)
		entries = append(entries, ProviderConfig{Name: name, Twilio: &account, Cost: delivery.Cost{Price: 0.05, Currency: "CNY"}})
	}
	servers[0].Break("", provider.Fault{Status: 429})
	c := defaults()
	c.Store.Path, c.Console.Listen, c.Providers = filepath.Join(t.TempDir(), "s.db"), "127.0.0.1:0", entries
	g, err := wire(t.Context(), c, setting{clock: clock.Real(), log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m := stillwater.Message{
		ID: "m1", Household: "h1", Contact: "c1", To: "+8613800138000", Code: "A1-1", Text: "A1-1 hello", Purpose: stillwater.Tell, Severity: stillwater.Alert,
		Created: time.Now().UTC(), State: stillwater.Pending,
	}
	if err := g.store.Commit(t.Context(), &stillwater.Batch{Messages: []stillwater.Message{m}}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.courier.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); len(servers[1].Texts()) == 0 && time.Now().Before(end); {
		wait(t.Context(), 20*time.Millisecond)
	}
	for end := time.Now().Add(20 * time.Second); len(g.courier.Spent()) == 0 && time.Now().Before(end); {
		wait(t.Context(), 20*time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	spent := g.courier.Spent()
	if len(servers[0].Texts()) != 0 || len(servers[1].Texts()) != 1 || len(spent) != 1 || spent[0].Route != "second" || spent[0].Amount != 0.05 {
		t.Errorf("the first took %v, the second %v, spent %v", servers[0].Texts(), servers[1].Texts(), spent)
	}
	if err := g.close(); err != nil {
		t.Error(err)
	}
}
