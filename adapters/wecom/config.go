package wecom

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"stillwater"
	"stillwater/adapters/httpcall"
)

// Config is an application of the office's WeCom, or robots of its groups, or both.
type Config struct {
	CorpID   string            `yaml:"corp_id,omitempty" doc:"the office's ID (企业ID), like ww1234567890abcdef; without it only robots are spoken to"`
	AgentID  int64             `yaml:"agent_id,omitempty" doc:"the application's number (AgentId), like 1000002"`
	Secret   stillwater.Secret `yaml:"secret,omitempty" doc:"where the application's secret is kept"`
	Callback *Callback         `yaml:"callback,omitempty" doc:"how WeCom calls back when a button is pressed; without it cards have no buttons"`
	Sender   string            `yaml:"sender,omitempty" doc:"what stands above a card; default 安居水哨, or Stillwater"`
	Robots   []Robot           `yaml:"robots,omitempty" doc:"robots of groups (群机器人); a contact whose wecom is robot:NAME is told by one, with number and link only"`
	BaseURL  string            `yaml:"base_url,omitempty" doc:"another address for the API, for a test provider; default https://qyapi.weixin.qq.com"`
	Timeout  time.Duration     `yaml:"timeout,omitempty" doc:"how long one call may take; longer delays the next rung when WeCom hangs, shorter leaves more sendings unclear; default 10s"`
}

// Callback is what was entered as 接收消息服务器配置 in the application.
type Callback struct {
	Token  stillwater.Secret `yaml:"token" doc:"where the token is kept that callbacks are signed with"`
	AESKey stillwater.Secret `yaml:"aes_key" doc:"where the EncodingAESKey is kept, 43 letters and digits"`
	Window time.Duration     `yaml:"window,omitempty" doc:"how far a callback's time may be from ours; shorter refuses one that is late, longer lets an old one be played again; default 5m"`
}

// Robot is one robot of a group.
type Robot struct {
	Name string            `yaml:"name" doc:"what contacts name it by: a contact's wecom is robot:NAME"`
	Key  stillwater.Secret `yaml:"key" doc:"where the key of its webhook address is kept"`
}

// Options is what a WeCom is given besides its Config.
type Options struct {
	// Reply takes what a button says. Its Message is the one the card was for. The callback is answered once it returns nil.
	Reply func(ctx context.Context, r stillwater.Reply) error
	Clock func() time.Time // the event clock, for replies; nil: the wall clock
	Now   func() time.Time // the wall clock; nil: time.Now
}

const (
	defaultWindow = 5 * time.Minute
	robotPrefix   = "robot:"
)

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{Timeout: httpcall.DefaultTimeout} }

var (
	corpShape  = regexp.MustCompile(`^[0-9A-Za-z_-]{6,64}$`)
	aesShape   = regexp.MustCompile(`^[0-9A-Za-z]{43}$`)
	robotShape = regexp.MustCompile(`^[0-9A-Za-z_-]{1,32}$`)
)

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	application := c.CorpID != "" || c.AgentID != 0 || c.Secret.Named() || c.Callback != nil
	switch {
	case !application && len(c.Robots) == 0:
		report(c, "neither an application nor a robot, so nothing could be sent; write corp_id, agent_id and secret")
	case !application:
	case !corpShape.MatchString(c.CorpID):
		report(&c.CorpID, fmt.Sprintf("%q is not an ID of an office; it is on the page 我的企业, like ww1234567890abcdef", c.CorpID))
	case c.AgentID <= 0:
		report(&c.AgentID, "the application needs its AgentId, like 1000002")
	case !c.Secret.Named():
		report(&c.Secret, "no secret is named; write like {env: WECOM_SECRET} or {file: /etc/stillwater/wecom}")
	}
	for i := range c.Robots {
		for _, other := range c.Robots[:i] {
			if other.Name == c.Robots[i].Name {
				report(&c.Robots, fmt.Sprintf("two robots are called %q", other.Name))
			}
		}
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

// Validate reports every setting that cannot work.
func (b *Callback) Validate(report func(field any, problem string)) {
	if !b.Token.Named() {
		report(&b.Token, "no token is named; write like {env: WECOM_TOKEN}")
	}
	if !b.AESKey.Named() {
		report(&b.AESKey, "no key is named; write like {env: WECOM_AES_KEY}")
	}
	if b.Window != 0 && (b.Window < time.Minute || b.Window > time.Hour) {
		report(&b.Window, fmt.Sprintf(`"%v" is not between 1m and 1h; leave it out for 5m`, b.Window))
	}
}

// Validate reports every setting that cannot work.
func (r *Robot) Validate(report func(field any, problem string)) {
	if !robotShape.MatchString(r.Name) {
		report(&r.Name, fmt.Sprintf("%q is not a name for a robot; write letters, digits, - and _, like street-desk", r.Name))
	}
	if !r.Key.Named() {
		report(&r.Key, "no key is named; it is what follows key= in the robot's webhook address; write like {env: ROBOT_KEY}")
	}
}

// check gathers everything that the Validate methods, and the secrets once read, have to say.
func (c *Config) check() error {
	var problems []error
	report := func(_ any, problem string) { problems = append(problems, errors.New(problem)) }
	c.Validate(report)
	secrets := []stillwater.Secret{}
	if c.CorpID != "" {
		secrets = append(secrets, c.Secret)
	}
	for i := range c.Robots {
		c.Robots[i].Validate(report)
		secrets = append(secrets, c.Robots[i].Key)
	}
	if c.Callback != nil {
		c.Callback.Validate(report)
		secrets = append(secrets, c.Callback.Token)
		if !aesShape.MatchString(c.Callback.AESKey.Reveal()) {
			problems = append(problems, fmt.Errorf("%v is not 43 letters and digits", c.Callback.AESKey))
		}
	}
	for _, s := range secrets {
		if s.Named() && s.Reveal() == "" {
			problems = append(problems, fmt.Errorf("%v is empty", s))
		}
	}
	return errors.Join(problems...)
}
