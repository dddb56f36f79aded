package relay

import (
	"fmt"
	"net"
	"regexp"

	"stillwater"
)

// Config is the configuration file of a relay.
type Config struct {
	Listen   string    `yaml:"listen,omitempty" doc:"address and port, like :443 with cert_file and key_file, or 127.0.0.1:8444 behind a reverse proxy that hands upgrades on"`
	CertFile string    `yaml:"cert_file,omitempty" doc:"its certificate (PEM); read again when it is renewed"`
	KeyFile  string    `yaml:"key_file,omitempty" doc:"the certificate's key"`
	Gateways []Gateway `yaml:"gateways" doc:"the gateways that may connect"`
}

// Gateway is one that may connect.
type Gateway struct {
	ID  string            `yaml:"id" doc:"what it is called here, and what its links begin with: 1 to 12 small letters and digits, without meaning"`
	Key stillwater.Secret `yaml:"key" doc:"the key it shares with this relay: at least 32 characters, from chance alone (openssl rand -hex 32); of no other gateway"`
}

var idShape = regexp.MustCompile(`^[a-z0-9]{1,12}$`)

// Validate reports everything that is wrong. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	host, port, err := net.SplitHostPort(c.Listen)
	if _, bad := net.LookupPort("tcp", port); err != nil || port == "" || bad != nil {
		report(&c.Listen, fmt.Sprintf("%q is not an address to listen on; write like :443 or 127.0.0.1:8444", c.Listen))
	} else if ip := net.ParseIP(host); c.CertFile == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		report(&c.Listen, fmt.Sprintf("%q can be reached from other machines, and without a certificate no gateway would trust it; give cert_file and key_file, or listen on 127.0.0.1 behind a reverse proxy", c.Listen))
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		report(&c.CertFile, "a certificate and its key go together; give both cert_file and key_file, or neither")
	}
	if len(c.Gateways) == 0 {
		report(&c.Gateways, "no gateway may connect; list at least one, like {id: k7, key: {file: /etc/stillwater-relay/k7}}")
	}
	seen := map[string]bool{}
	for i := range c.Gateways {
		g := &c.Gateways[i]
		if !idShape.MatchString(g.ID) {
			report(&g.ID, fmt.Sprintf("%q is no id of a gateway; write 1 to 12 small letters and digits, like k7", g.ID))
		} else if seen[g.ID] {
			report(&g.ID, fmt.Sprintf("two gateways are called %q; give each an id of its own", g.ID))
		}
		seen[g.ID] = true
		if !g.Key.Named() {
			report(&g.Key, "no key, so nobody could be told from this gateway; write where it is kept, like {file: /etc/stillwater-relay/k7}")
		}
	}
}

// shortestKey is the least that cannot be guessed, whatever it is written in.
const shortestKey = 32

// CheckKey refuses a shared key that could be guessed.
func CheckKey(key string) error {
	if len(key) < shortestKey {
		return fmt.Errorf("a key of %d characters is too short; make one with openssl rand -hex 32", len(key))
	}
	return nil
}
