package public

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"stillwater"
)

// Config is what can be set of the public server.
type Config struct {
	Listen     string        `yaml:"listen,omitempty" doc:"address and port, like 127.0.0.1:8443 behind a reverse proxy, or :443 with cert_file and key_file; not needed with relay"`
	PublicURL  string        `yaml:"public_url,omitempty" doc:"how the server is reached from outside, like https://aj.example.cn; each of its letters costs one of the 70 of a Chinese text: up to 20 leave the link a place in most; not with relay"`
	CertFile   string        `yaml:"cert_file,omitempty" doc:"its certificate (PEM), from the folder of the configuration; read again when it is renewed"`
	KeyFile    string        `yaml:"key_file,omitempty" doc:"the certificate's key"`
	DutyPhone  string        `yaml:"duty_phone,omitempty" doc:"the duty telephone that texts and pages give where there is no other way to answer, like +8657486251234; a home with a community contact has that one's"`
	LinksValid time.Duration `yaml:"links_valid,omitempty" doc:"how long a link may be answered by, by the real clock; it can be read until a day after its incident was closed; default 72h"`
	Proxies    []string      `yaml:"trusted_proxies,omitempty" doc:"addresses of reverse proxies on other machines, like 10.0.0.0/8, whose word for a visitor's address is taken; one on this machine needs no entry"`
	Forward    []Forward     `yaml:"forward,omitempty" doc:"what else is reached by this address: receivers on this machine that platforms push to"`
	Relay      *RelayConfig  `yaml:"relay,omitempty" doc:"the relay that stands in for a gateway which cannot be reached from outside"`
}

// Forward hands what is asked of a path, and of everything below it, to a server on this machine.
type Forward struct {
	Path string `yaml:"path" doc:"what the addresses of the pushes begin with, like /push/"`
	To   string `yaml:"to" doc:"where they go on this machine, like http://127.0.0.1:8090; the path stays"`
}

// RelayConfig is how the gateway finds its relay.
type RelayConfig struct {
	URL    string            `yaml:"url" doc:"where the relay is, like https://relay.example.cn"`
	ID     string            `yaml:"id" doc:"what this gateway is called there: 1 to 12 small letters and digits, without meaning"`
	Key    stillwater.Secret `yaml:"key" doc:"the key that the gateway and its relay share: at least 32 characters, from chance alone (openssl rand -hex 32)"`
	CAFile string            `yaml:"ca_file,omitempty" doc:"who must have signed the relay's certificate (PEM), where that is not a public authority"`
}

// Defaults of what is left out.
const (
	defaultValid  = 72 * time.Hour
	shortestValid = time.Hour
	longestValid  = 14 * 24 * time.Hour
)

var (
	relayID = regexp.MustCompile(`^[a-z0-9]{1,12}$`)
	e164    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// Validate reports everything that is wrong. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Relay == nil {
		c.validateOwn(report)
	} else if c.PublicURL != "" {
		report(&c.PublicURL, "with a relay the links lead to the relay: leave public_url out, or relay")
	}
	if c.Listen != "" {
		c.validateListen(report)
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		report(&c.CertFile, "a certificate and its key go together; give both cert_file and key_file, or neither")
	}
	if c.DutyPhone != "" && !e164.MatchString(c.DutyPhone) {
		report(&c.DutyPhone, fmt.Sprintf("%q is not a telephone number; write it with + and the country, like +8657486251234", c.DutyPhone))
	}
	if c.LinksValid != 0 && (c.LinksValid < shortestValid || c.LinksValid > longestValid) {
		report(&c.LinksValid, fmt.Sprintf("%v is not between 1h and 14d; leave it out for 72h", c.LinksValid))
	}
	for i := range c.Proxies {
		if _, err := prefix(c.Proxies[i]); err != nil {
			report(&c.Proxies[i], fmt.Sprintf("%q is no address or range of addresses; write like 10.0.0.5 or 10.0.0.0/8", c.Proxies[i]))
		}
	}
}

// validateOwn is for a server that is reached without a relay.
func (c *Config) validateOwn(report func(field any, problem string)) {
	if c.Listen == "" {
		report(&c.Listen, "nobody could open a link: set listen, like 127.0.0.1:8443 behind a reverse proxy, or relay")
	}
	problem := badURL(c.PublicURL)
	if problem != "" {
		report(&c.PublicURL, fmt.Sprintf("%q %s; write how the server is reached from outside, like https://aj.example.cn", c.PublicURL, problem))
	}
}

func (c *Config) validateListen(report func(field any, problem string)) {
	host, port, err := net.SplitHostPort(c.Listen)
	if _, bad := net.LookupPort("tcp", port); err != nil || port == "" || bad != nil {
		report(&c.Listen, fmt.Sprintf("%q is not an address to listen on; write like 127.0.0.1:8443 or :443", c.Listen))
		return
	}
	if !loopback(host) && c.CertFile == "" {
		report(&c.Listen, fmt.Sprintf("%q can be reached from other machines, and without a certificate everybody on the way can read the pages; give cert_file and key_file, or listen on 127.0.0.1 behind a reverse proxy", c.Listen))
	}
}

// Validate reports what is wrong with a receiver.
func (f *Forward) Validate(report func(field any, problem string)) {
	ours := strings.HasPrefix(f.Path, "/m/") || strings.HasPrefix(f.Path, "/hook/") || f.Path == "/"
	if !strings.HasPrefix(f.Path, "/") || !strings.HasSuffix(f.Path, "/") || strings.ContainsAny(f.Path, " {}?#") || ours {
		report(&f.Path, fmt.Sprintf("%q is no path to hand on; write like /push/, and neither /m/ nor /hook/, which are taken", f.Path))
	}
	u, err := url.Parse(f.To)
	if err != nil || u.Scheme != "http" || !loopback(u.Hostname()) || strings.Trim(u.Path, "/") != "" {
		report(&f.To, fmt.Sprintf("%q is no server on this machine; write like http://127.0.0.1:8090", f.To))
	}
}

// Validate reports everything that is wrong with how the relay is found.
func (c *RelayConfig) Validate(report func(field any, problem string)) {
	if problem := badURL(c.URL); problem != "" {
		report(&c.URL, fmt.Sprintf("%q %s; write like https://relay.example.cn", c.URL, problem))
	}
	if !relayID.MatchString(c.ID) {
		report(&c.ID, fmt.Sprintf("%q is no id of a gateway; write 1 to 12 small letters and digits, like k7", c.ID))
	}
	if !c.Key.Named() {
		report(&c.Key, "no key, so the relay could not tell this gateway from another; write where it is kept, like {file: /etc/stillwater/relay-key}")
	}
}

// badURL says what is wrong with an address that links begin with; "" if nothing is.
func badURL(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return "is no web address"
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme != "https":
		return "is not encrypted"
	case strings.HasSuffix(address, "/"):
		return "ends with a slash"
	}
	if strings.Contains(u.Path+"/", "/m/") {
		return `has "/m/" in it, which begins the code of a link`
	}
	return ""
}

// Base is what every link begins with, before /m/.
func (c *Config) Base() string {
	if c.Relay != nil {
		return c.Relay.URL + "/" + c.Relay.ID
	}
	return c.PublicURL
}

// Valid is how long a link may be answered by.
func (c *Config) Valid() time.Duration {
	if c.LinksValid == 0 {
		return defaultValid
	}
	return c.LinksValid
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// prefix reads an address or a range of them.
func prefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}
