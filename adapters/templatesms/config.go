package templatesms

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"stillwater"
	"stillwater/adapters/httpcall"
)

// Config is an account at a provider of template texts.
type Config struct {
	Provider  string            `yaml:"provider" doc:"aliyun, tencent, or generic for one that is described below"`
	Sign      string            `yaml:"sign" doc:"the registered signature (短信签名), without its brackets, like 安居水哨"`
	Key       string            `yaml:"key,omitempty" doc:"the name of the credential: AccessKey ID at Aliyun, SecretId at Tencent Cloud, account elsewhere"`
	Secret    stillwater.Secret `yaml:"secret" doc:"where the credential itself is kept: AccessKey secret, SecretKey, password"`
	App       string            `yaml:"app,omitempty" doc:"SmsSdkAppId of the application at Tencent Cloud, like 1400006666"`
	Region    string            `yaml:"region,omitempty" doc:"region of the service at Tencent Cloud; default ap-guangzhou"`
	Templates []Template        `yaml:"templates" doc:"the approved templates; the first that fits a message and whose variables the message has is sent"`
	Generic   *Generic          `yaml:"generic,omitempty" doc:"how a provider other than Aliyun and Tencent Cloud is spoken to"`
	BaseURL   string            `yaml:"base_url,omitempty" doc:"another address for the API of Aliyun or Tencent Cloud, for a test provider"`
	Timeout   time.Duration     `yaml:"timeout,omitempty" doc:"how long one call may take; longer delays the next rung when the provider hangs, shorter leaves more sendings unclear; default 10s"`
}

// The providers.
const (
	aliyun  = "aliyun"
	tencent = "tencent"
	generic = "generic"
)

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{Timeout: httpcall.DefaultTimeout} }

// Options is what a provider is given besides its Config.
type Options struct {
	Now func() time.Time // the wall clock; nil: time.Now
}

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	c.validateProvider(report)
	if c.Sign == "" {
		report(&c.Sign, "texts need the registered signature; write it without brackets, like sign: 安居水哨")
	} else if bad := firstOf(c.Sign, "【】[]"); bad != "" {
		report(&c.Sign, fmt.Sprintf("the signature has %s in it; the provider adds the brackets", bad))
	}
	if !c.Secret.Named() {
		report(&c.Secret, "no secret is named; write like {env: SMS_SECRET} or {file: /etc/stillwater/sms}")
	}
	if len(c.Templates) == 0 {
		report(&c.Templates, "no templates, so nothing could be sent; the texts to apply for are in adapters/templatesms/README.md")
	}
	if c.BaseURL != "" {
		if _, err := httpcall.Address(c.BaseURL); err != nil {
			report(&c.BaseURL, err.Error())
		}
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > time.Minute) {
		report(&c.Timeout, fmt.Sprintf(`"%v" is not between 1s and 1m; leave it out for 10s`, c.Timeout))
	}
}

func (c *Config) validateProvider(report func(field any, problem string)) {
	switch c.Provider {
	case aliyun, tencent:
		if c.Key == "" {
			report(&c.Key, fmt.Sprintf("%s needs the name of the credential; write key: …", c.Provider))
		}
		if c.Generic != nil {
			report(&c.Generic, fmt.Sprintf("generic describes another provider than %s; take one of the two out", c.Provider))
		}
	case generic:
		if c.Generic == nil {
			report(&c.Provider, "generic needs a description; add generic: with url, fields and success")
		}
		if c.BaseURL != "" {
			report(&c.BaseURL, "a generic provider's address stands in generic: url; take base_url out")
		}
	default:
		report(&c.Provider, fmt.Sprintf("%q is no provider; write aliyun, tencent or generic", c.Provider))
	}
	if (c.Provider == tencent) != (c.App != "") {
		report(&c.App, "app is the SmsSdkAppId at Tencent Cloud: needed there, and nowhere else")
	}
	if c.Region != "" && c.Provider != tencent {
		report(&c.Region, "region is Tencent Cloud's; take it out")
	}
}

// check gathers everything that Validate, of the Config and of what is in it, has to say.
func (c *Config) check() error {
	var problems []error
	report := func(_ any, problem string) { problems = append(problems, errors.New(problem)) }
	c.Validate(report)
	for i := range c.Templates {
		c.Templates[i].Validate(report)
		for j := range c.Templates[i].Vars {
			c.Templates[i].Vars[j].Validate(report)
		}
	}
	if c.Generic != nil {
		c.Generic.Validate(report)
	}
	if c.Secret.Named() && c.Secret.Reveal() == "" {
		problems = append(problems, fmt.Errorf("%v is empty", c.Secret))
	}
	return errors.Join(problems...)
}

// longest is how long a variable may be where its template does not say. Aliyun: 1 to 35 characters
// (help.aliyun.com/document_detail/44357.html). Tencent Cloud: 6 for accounts opened since 25 January 2024 unless the console says
// otherwise (InvalidParameterValue.TemplateParameterLengthLimit, cloud.tencent.com/document/product/382/39023).
var longest = map[string]int{aliyun: 35, tencent: 6, generic: 20}

// limit is how long a variable of a template may be.
func (c *Config) limit(v *Variable) int {
	if v == nil {
		return longest[c.Provider]
	}
	return cmp.Or(v.Max, longest[c.Provider])
}

// fits says whether one of a list is meant; an empty list means all.
func fits[T comparable](list []T, one T) bool { return len(list) == 0 || slices.Contains(list, one) }
