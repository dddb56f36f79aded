package webhook

import (
	"fmt"
	"net"
	"net/url"
	"time"

	"stillwater"
)

// Config is the programs that messages are posted to.
type Config struct {
	Hooks   []Hook        `yaml:"hooks" doc:"the programs, which contacts name by their webhook"`
	Timeout time.Duration `yaml:"timeout,omitempty" doc:"how long one post may take; default 10s"`
}

// Hook is one program.
type Hook struct {
	Name      string            `yaml:"name" doc:"what contacts name it by, like duty-desk"`
	URL       string            `yaml:"url" doc:"where it takes posts; https, or http at an address of this machine or of the office's own network"`
	Secret    stillwater.Secret `yaml:"secret" doc:"where the secret is kept that posts are signed by: whsec_ and the base64 of 24 to 64 bytes"`
	OldSecret stillwater.Secret `yaml:"old_secret,omitempty" doc:"the one before, while secrets are changed: posts are signed by both"`
	CA        string            `yaml:"ca,omitempty" doc:"file with the certificate of the office's own authority, in PEM; default the machine's"`
}

const defaultTimeout = 10 * time.Second

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{Timeout: defaultTimeout} }

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if len(c.Hooks) == 0 {
		report(&c.Hooks, "there is no webhook; name one, or leave webhooks out")
	}
	seen := map[string]bool{}
	for i := range c.Hooks {
		h := &c.Hooks[i]
		if h.Name == "" || seen[h.Name] {
			report(&h.Name, fmt.Sprintf("%q: each webhook needs a name of its own, like duty-desk", h.Name))
		}
		seen[h.Name] = true
		if err := reachable(h.URL); err != nil {
			report(&h.URL, err.Error())
		}
		if !h.Secret.Named() {
			report(&h.Secret, "no secret is named; write like {file: /etc/stillwater/duty-desk}, and give the same to the program")
		}
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > time.Minute) {
		report(&c.Timeout, fmt.Sprintf(`"%v" is not between 1s and 1m; leave it out for 10s`, c.Timeout))
	}
}

// reachable says what is wrong with an address. Addresses of private networks are right: an office's own is where its programs are, and only the
// configuration names them, nobody from outside. In the clear is posted there alone, and only to a literal address, for a name may come to mean another.
func reachable(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q is not an address; write like https://desk.example.org/stillwater, without a password in it", text)
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified():
		return fmt.Errorf("%q is no address of a program; link-local ones are of the machine's surroundings", text)
	case u.Scheme == "http" && u.Hostname() != "localhost" && !ip.IsLoopback() && !ip.IsPrivate():
		return fmt.Errorf("%q would carry texts over the network unencrypted; use https, or http with a literal address of the office's own network", text)
	}
	return nil
}
