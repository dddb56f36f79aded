package push

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/platform"
)

// What is used where the configuration says nothing.
const (
	defaultTimeout = 4 * time.Second // OneNET waits for 5
	defaultAtOnce  = 32
	defaultMaxBody = 4 << 20
)

// Config is one address that platforms push to.
type Config struct {
	Listen       string        `yaml:"listen" doc:"address and port, like 127.0.0.1:8090 behind a reverse proxy, or :8443 with a certificate"`
	CertFile     string        `yaml:"cert_file,omitempty" doc:"path of the server's certificate (PEM); it is read again when it changes; default none: plain HTTP"`
	KeyFile      string        `yaml:"key_file,omitempty" doc:"path of the certificate's key (PEM)"`
	ClientCAFile string        `yaml:"client_ca_file,omitempty" doc:"path of the certificates (PEM) that senders' must be signed by; default: senders need none"`
	Plain        bool          `yaml:"plain,omitempty" doc:"true: other machines may push without encryption; only on a line of its own, like a carrier's private one; default false"`
	Timeout      time.Duration `yaml:"timeout,omitempty" doc:"how long a push may wait for its commit before it is told to come again; keep it under what the platform waits; default 4s"`
	AtOnce       int           `yaml:"at_once,omitempty" doc:"how many pushes are worked on at a time; others wait a moment and are then told to come again; default 32"`
	MaxBody      int           `yaml:"max_body,omitempty" doc:"largest push in bytes; times at_once it is the memory it may take; default 4194304"`
	Feeds        []Feed        `yaml:"feeds" doc:"the platforms, each at a path of its own"`
}

// Feed is one platform that pushes.
type Feed struct {
	Name        string            `yaml:"name" doc:"what the feed is called; devices name their source as this, a slash and the device's number, like city-water/8834012345"`
	Path        string            `yaml:"path" doc:"where it is pushed to, like /push/city-water"`
	Profile     string            `yaml:"profile,omitempty" doc:"what it sends: onenet, onenet-datapoints, ctwing, huawei-iotda, huawei-changed or signed-json"`
	ProfileFile string            `yaml:"profile_file,omitempty" doc:"path of a profile of your own instead, like the built-in ones"`
	Secret      stillwater.Secret `yaml:"secret,omitempty" doc:"where the token or key is kept by which the sender is known"`
	Key         stillwater.Secret `yaml:"key,omitempty" doc:"onenet: where the AES key is kept, if messages are encrypted; then no others are taken; default: they are not"`
	Device      []string          `yaml:"device,omitempty" doc:"where the device's number is, instead of where the profile says"`
	Zone        string            `yaml:"zone,omitempty" doc:"time zone of times without one, instead of the profile's"`
	Expect      time.Duration     `yaml:"expect,omitempty" doc:"how often something comes at least, like 24h; when nothing has come for two of them the feed is ill; default: learned in two days, 24h until then"`
	Values      []platform.Value  `yaml:"values,omitempty" doc:"what is read, instead of what the profile reads; carriers' platforms need it, since each maker calls its values differently"`

	folder string // in which a relative path begins: see Beside
}

// Defaults is an address with every setting that has a default.
func Defaults() Config {
	return Config{Timeout: defaultTimeout, AtOnce: defaultAtOnce, MaxBody: defaultMaxBody}
}

// SetDefaults makes a new entry of the configuration.
func (c *Config) SetDefaults() { *c = Defaults() }

// Beside tells in which folder the configuration stands: paths of profiles begin there.
func (c *Config) Beside(folder string) {
	for i := range c.Feeds {
		c.Feeds[i].folder = folder
	}
}

// Validate reports everything that is wrong with the address and its feeds. It opens nothing but profiles.
func (c *Config) Validate(report func(field any, problem string)) {
	host, port, err := net.SplitHostPort(c.Listen)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		report(&c.Listen, fmt.Sprintf("%q is not an address to listen at; write like 127.0.0.1:8090 or :8443", c.Listen))
	} else if !loopback(host) && c.CertFile == "" && !c.Plain {
		report(&c.Listen, fmt.Sprintf("%q can be reached from other machines, and without a certificate everybody on the way can read what is pushed; give cert_file and key_file, or listen at 127.0.0.1 behind a reverse proxy", c.Listen))
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		report(&c.CertFile, "a certificate and its key go together; give both cert_file and key_file, or neither")
	}
	if c.ClientCAFile != "" && c.CertFile == "" {
		report(&c.ClientCAFile, "senders show a certificate only over TLS; give cert_file and key_file, too")
	}
	if c.Timeout < 0 || c.Timeout > time.Minute {
		report(&c.Timeout, fmt.Sprintf("%v is no usable timeout; write more than 0s and at most 1m, like 4s", c.Timeout))
	}
	if c.AtOnce < 0 || c.AtOnce > 4096 {
		report(&c.AtOnce, fmt.Sprintf("%d is not between 1 and 4096; leave it out for %d", c.AtOnce, defaultAtOnce))
	}
	if c.MaxBody < 0 || c.MaxBody > 256<<20 {
		report(&c.MaxBody, fmt.Sprintf("%d is not between 1 and %d; leave it out for %d", c.MaxBody, 256<<20, defaultMaxBody))
	}
	if len(c.Feeds) == 0 {
		report(&c.Feeds, "no feeds, so nothing would be taken; name at least one, like {name: city-water, path: /push/city-water, profile: signed-json, secret: {env: CITY_WATER}}")
	}
	seen := map[string]bool{}
	for i := range c.Feeds {
		f := &c.Feeds[i]
		if seen[f.Path] {
			report(&f.Path, fmt.Sprintf("%q is there twice; give each feed a path of its own", f.Path))
		}
		seen[f.Path] = true
		f.validate(report, loopback(host) || c.ClientCAFile != "")
	}
}

// loopback says whether only this machine can reach the host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// validate reports what is wrong with a feed; guarded says that not everybody can reach it.
func (f *Feed) validate(report func(field any, problem string), guarded bool) {
	if f.Name == "" || strings.ContainsAny(f.Name, "/ \t\n") {
		report(&f.Name, fmt.Sprintf("%q is not a name for a feed; write a word without spaces or slashes, like city-water", f.Name))
	}
	if !strings.HasPrefix(f.Path, "/") || f.Path == "/" || strings.HasSuffix(f.Path, "/") || strings.ContainsAny(f.Path, " ?#%{}\t\n") {
		report(&f.Path, fmt.Sprintf("%q is not a path; write like /push/city-water", f.Path))
	}
	if f.Expect < 0 || f.Expect > 0 && f.Expect < time.Minute {
		report(&f.Expect, fmt.Sprintf("%v is too short to tell a feed that is late; write like 24h", f.Expect))
	}
	if f.Profile != "" && f.ProfileFile != "" {
		report(&f.ProfileFile, "both profile and profile_file are set; take one out")
	}
	p, err := f.ownProfile()
	if err != nil && f.ProfileFile != "" {
		report(&f.ProfileFile, err.Error())
	} else if err != nil {
		report(&f.Profile, err.Error())
	}
	if err != nil {
		return
	}
	if len(f.Values) == 0 && len(p.Values) == 0 {
		report(&f.Values, fmt.Sprintf("the profile %s does not know what your meters call their values; look at one message, or the product's data model, and write like - {name: totalFlow, quantity: water.total, scale: 1 m³}", f.Profile))
	} else {
		layout := p.With(f.Device, f.Zone, f.Values)
		layout.Validate(func(_ any, problem string) { report(&f.Values, problem) })
	}
	switch {
	case p.Verify.Scheme == "none" && !guarded:
		report(&f.Profile, fmt.Sprintf("with %s everybody who can reach the address could send readings; listen at 127.0.0.1 behind a proxy that knows the sender, or give client_ca_file", f.Profile))
	case p.Verify.Scheme != "none" && !f.Secret.Named():
		report(&f.Secret, "no secret, so nobody could be told from the sender; write where it is kept, like {env: CITY_WATER} or {file: /etc/stillwater/city-water}")
	case f.Key.Named() && p.Verify.Scheme != "onenet":
		report(&f.Key, fmt.Sprintf("%s sends nothing encrypted; leave the key out", f.Profile))
	}
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.AtOnce == 0 {
		c.AtOnce = defaultAtOnce
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	return c
}
