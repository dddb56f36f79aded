package registry

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"stillwater"
)

// The limits of what is said of a contact.
const (
	maxMinutes = 24 * 60
	maxQuiet   = 8   // spans a day
	maxEmail   = 254 // characters, as mail servers have it
)

// wecomPattern is what WeCom makes user IDs of.
var wecomPattern = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,64}$`)

// Validate reports what is wrong with a contact by itself.
func (c *ContactConfig) Validate(report func(field any, problem string)) {
	say(report, &c.ID, checkID(string(c.ID), "daughter-1"))
	say(report, &c.Name, checkName(c.Name))
	switch {
	case c.Role == "":
		report(&c.Role, "is missing; write one of "+roleNames())
	case !slices.Contains(stillwater.Roles, c.Role):
		report(&c.Role, fmt.Sprintf("%q is not a role; write one of %s", c.Role, roleNames()))
	}
	if c.Language != "zh-CN" && c.Language != "en" {
		report(&c.Language, fmt.Sprintf("%q is not a language texts are written in; write zh-CN or en", c.Language))
	}
	if c.Minutes < 0 || c.Minutes > maxMinutes {
		report(&c.Minutes, fmt.Sprintf("%d minutes; write 1 to %d, or leave it out where it is not known", c.Minutes, maxMinutes))
	}
	if c.TimeZone != "" {
		say(report, &c.TimeZone, checkZone(c.TimeZone))
	}
	c.validateQuiet(report)
	c.validateDaily(report)
	c.validateReach(report)
	agreed, withdrawn := c.Agreed.In(time.UTC), c.Withdrawn.In(time.UTC)
	if !agreed.IsZero() && !withdrawn.IsZero() && withdrawn.Before(agreed) {
		report(&c.Withdrawn, "was withdrawn before it was agreed; mend one of the dates")
	}
}

func roleNames() string {
	var names []string
	for _, r := range stillwater.Roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// validateQuiet reports quiet hours that say nothing.
func (c *ContactConfig) validateQuiet(report func(field any, problem string)) {
	if len(c.Quiet) > maxQuiet {
		report(&c.Quiet, fmt.Sprintf("%d spans; write up to %d", len(c.Quiet), maxQuiet))
	}
	for i, h := range c.Quiet {
		switch {
		case h.From == h.To || h.To-h.From == 24*time.Hour:
			report(&c.Quiet[i], fmt.Sprintf("%s is the whole day, so this person could be told of nothing but an urgent alert; write hours like 22:00-06:00, or leave them out", h))
		case slices.Contains(c.Quiet[:i], h):
			report(&c.Quiet[i], fmt.Sprintf("%s stands here twice; remove one", h))
		}
	}
}

// validateDaily reports a daily line that cannot be: it is for who is near her, and read.
func (c *ContactConfig) validateDaily(report func(field any, problem string)) {
	if c.Daily == "" {
		return
	}
	read := func(by stillwater.Channel) bool {
		return by == stillwater.SMS || by == stillwater.WeCom || by == stillwater.Email
	}
	_, err := stillwater.ParseClock(c.Daily)
	switch {
	case err != nil:
		report(&c.Daily, err.Error())
	case c.Role.Staff() || c.Role == stillwater.Resident:
		report(&c.Daily, fmt.Sprintf("a daily line is for family and neighbours, not for a %s; take it out", c.Role))
	case len(c.Channels) > 0 && !slices.ContainsFunc(c.Channels, read):
		report(&c.Daily, "a daily line is read, and nobody is rung up for it; add sms, wecom or email to channels, or take it out")
	}
}

// validateReach reports addresses that cannot be, channels that reach nobody, and a person who is reached by none.
func (c *ContactConfig) validateReach(report func(field any, problem string)) {
	say(report, &c.Email, checkEmail(c.Email))
	if c.WeCom != "" && !wecomPattern.MatchString(c.WeCom) {
		report(&c.WeCom, fmt.Sprintf(`%q is not a WeCom user ID; write it as the address book of WeCom shows it, like zhao.min`, c.WeCom))
	}
	if c.Webhook != "" {
		say(report, &c.Webhook, checkID(c.Webhook, "duty-desk"))
	}
	texted := len(c.Channels) == 0 || slices.Contains(c.Channels, stillwater.SMS)
	if c.Phone != "" || texted || slices.Contains(c.Channels, stillwater.Voice) {
		say(report, &c.Phone, checkPhone(c.Phone, texted))
	}
	for i, by := range c.Channels {
		switch {
		case !slices.Contains(stillwater.Channels, by):
			report(&c.Channels[i], fmt.Sprintf("%q is not a channel; write sms, voice, wecom, email or webhook", by))
		case slices.Contains(c.Channels[:i], by):
			report(&c.Channels[i], fmt.Sprintf("%s stands here twice; remove one", by))
		case c.AddressOf(by) == "" && by != stillwater.SMS && by != stillwater.Voice: // those two miss the number, which is reported
			report(&c.Channels[i], fmt.Sprintf("%s is agreed to, but there is no %s; add it, or take %s out", by, addressNames[by], by))
		}
	}
}

// addressNames is what a channel misses when its address is not there.
var addressNames = map[stillwater.Channel]string{
	stillwater.Email: "e-mail address", stillwater.WeCom: "WeCom user ID", stillwater.Webhook: "name of a webhook",
}

// AddressOf is where a channel reaches the person; empty: it does not.
func (c *ContactConfig) AddressOf(by stillwater.Channel) stillwater.Address {
	return stillwater.Contact{Phone: c.Phone, Email: c.Email, WeCom: c.WeCom, Webhook: c.Webhook}.AddressOf(by)
}

// checkEmail wants the bare address, with a domain that mail can go to.
func checkEmail(text string) string {
	if text == "" {
		return ""
	}
	address, err := mail.ParseAddress(text)
	_, domain, _ := strings.Cut(text, "@")
	if err != nil || address.Address != text || !strings.Contains(strings.Trim(domain, "."), ".") || len(text) > maxEmail {
		return fmt.Sprintf("%q is not an e-mail address; write like duty@example.org", text)
	}
	return ""
}

// checkPhone wants E.164, so that a number is written in one way only, and suggests it; of who is texted, no landline. In some countries
// that cannot be told.
func checkPhone(phone stillwater.Phone, texted bool) string {
	if phone == "" {
		return "is missing; write the mobile number with its country code, like +8613800138000"
	}
	n := numberIn(string(phone))
	switch {
	case n == nil:
		return fmt.Sprintf("%q is not a telephone number that exists; write the mobile number with its country code, like +8613800138000", phone)
	case phonenumbers.Format(n, phonenumbers.E164) != string(phone):
		return fmt.Sprintf("%q lacks its country code or has other characters than digits; did you mean %s?", phone, phonenumbers.Format(n, phonenumbers.E164))
	case texted && phonenumbers.GetNumberType(n) == phonenumbers.FIXED_LINE:
		return fmt.Sprintf("%q is a landline, which takes no texts; write channels without sms, like voice, or a mobile number", phone)
	}
	return ""
}

// numberIn is the number a text is; nil: none. One without a country code is taken for Chinese.
func numberIn(text string) *phonenumbers.PhoneNumber {
	n, err := phonenumbers.Parse(text, "CN")
	if err != nil || !phonenumbers.IsValidNumber(n) || n.GetExtension() != "" {
		return nil
	}
	return n
}

// checkZone wants a name that means the same on every machine.
func checkZone(name string) string {
	if known := (stillwater.Household{TimeZone: name}).Location(); name != "Local" && name != "" && known.String() == name {
		return ""
	}
	return fmt.Sprintf("%q is not a time zone; write an IANA name like Asia/Shanghai or Europe/London", name)
}
