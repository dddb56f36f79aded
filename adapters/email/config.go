package email

import (
	"fmt"
	"net"
	netmail "net/mail"
	"time"

	"stillwater"
)

// Config is a mail server that takes mails from this gateway.
type Config struct {
	Host     string            `yaml:"host" doc:"the mail server, like smtp.example.org"`
	Port     int               `yaml:"port,omitempty" doc:"its port; default 587, or 465 with implicit TLS"`
	TLS      string            `yaml:"tls,omitempty" doc:"starttls, implicit, or none for a server on this machine; default starttls, and nothing is sent where it is not offered"`
	CA       string            `yaml:"ca,omitempty" doc:"file with the certificate of the office's own authority, in PEM; default the machine's"`
	User     string            `yaml:"user,omitempty" doc:"who signs in; empty: nobody does"`
	Password stillwater.Secret `yaml:"password,omitempty" doc:"where the password of user is kept"`
	From     string            `yaml:"from" doc:"the address that mails come from, like Stillwater <alerts@example.org>; its domain should allow the server to send for it (SPF, DKIM), or mails end in spam"`
	ReplyTo  string            `yaml:"reply_to,omitempty" doc:"where answers go; nobody reads them here: people answer by the link"`
	Timeout  time.Duration     `yaml:"timeout,omitempty" doc:"how long one mail may take; default 20s"`
}

// The values of Config.TLS.
const (
	StartTLS = "starttls"
	Implicit = "implicit"
	NoTLS    = "none"
)

// defaultTimeout is longer than a call of an API: a mail takes ten turns, and servers wait on purpose before they greet.
const defaultTimeout = 20 * time.Second

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{TLS: StartTLS, Timeout: defaultTimeout} }

func (c *Config) port() int {
	switch {
	case c.Port != 0:
		return c.Port
	case c.TLS == Implicit:
		return 465
	}
	return 587
}

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Host == "" {
		report(&c.Host, "no mail server is named; write like smtp.example.org")
	}
	if c.Port < 0 || c.Port > 65535 {
		report(&c.Port, fmt.Sprintf("%d is no port; leave it out for 587, or 465 with implicit TLS", c.Port))
	}
	switch c.TLS {
	case "", StartTLS, Implicit:
	case NoTLS:
		if c.Host != "localhost" && !net.ParseIP(c.Host).IsLoopback() {
			report(&c.TLS, fmt.Sprintf("without TLS texts and the password would go to %q in the clear; only a server on this machine is spoken to so", c.Host))
		}
	default:
		report(&c.TLS, fmt.Sprintf("%q is none of starttls, implicit, none", c.TLS))
	}
	if (c.User == "") == c.Password.Named() {
		report(&c.User, "user and password go together; write both, or neither")
	}
	if _, err := netmail.ParseAddress(c.From); err != nil {
		report(&c.From, fmt.Sprintf("%q is no address; write like Stillwater <alerts@example.org>", c.From))
	}
	if _, err := netmail.ParseAddress(c.ReplyTo); c.ReplyTo != "" && err != nil {
		report(&c.ReplyTo, fmt.Sprintf("%q is no address; write like desk@example.org", c.ReplyTo))
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > 5*time.Minute) {
		report(&c.Timeout, fmt.Sprintf(`"%v" is not between 1s and 5m; leave it out for 20s`, c.Timeout))
	}
}
