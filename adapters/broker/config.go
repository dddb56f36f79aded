package broker

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"stillwater"
)

const defaultListen = "127.0.0.1:1883"

// Config is the built-in broker.
type Config struct {
	Listen   string `yaml:"listen,omitempty" doc:"address and port for MQTT; port 0 takes a free one; beyond this machine it needs users; default 127.0.0.1:1883"`
	Folder   string `yaml:"folder" doc:"where queued messages are kept; it must survive restarts, or what sensors sent meanwhile is lost"`
	Users    []User `yaml:"users,omitempty" doc:"who may connect; none: everybody who can reach the address"`
	CertFile string `yaml:"cert_file,omitempty" doc:"path of the server's certificate (PEM); with it the broker speaks TLS only; default none"`
	KeyFile  string `yaml:"key_file,omitempty" doc:"path of the certificate's key (PEM)"`
	CAFile   string `yaml:"ca_file,omitempty" doc:"path of the certificates (PEM) that clients' own must be signed by; with it nobody connects without one; default none"`
}

// User is one name that a sensor, a bridge or the gateway connects by, and what it may do.
type User struct {
	Name      string            `yaml:"name" doc:"user name; one for each device, so that a lost one can be shut out"`
	Password  stillwater.Secret `yaml:"password,omitempty" doc:"where the password is kept, or its bcrypt hash; left out, the client is known by its certificate, whose common name is the user's"`
	Device    string            `yaml:"device,omitempty" doc:"what it is and its topic, like tasmota/hall or shelly/shellyplus1-a8032abc: it may write its own topics and read its commands, and nothing else"`
	Publish   []string          `yaml:"publish,omitempty" doc:"topics it may write, like home/7/#; default all, but none where device or subscribe are given"`
	Subscribe []string          `yaml:"subscribe,omitempty" doc:"topics it may read; default all, but none where device or publish are given"`
}

// Defaults is a broker with every setting that has a default.
func Defaults() Config { return Config{Listen: defaultListen} }

// Validate reports everything that is wrong with the configuration. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	host, port, err := net.SplitHostPort(c.withDefaults().Listen)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		report(&c.Listen, fmt.Sprintf("%q is not an address to listen at; write like 127.0.0.1:1883 or :1883", c.Listen))
	} else if ip := net.ParseIP(host); len(c.Users) == 0 && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		report(&c.Listen, fmt.Sprintf("%q can be reached from other machines, and without users everybody could send readings; name users, or listen at 127.0.0.1", c.Listen))
	}
	if c.Folder == "" {
		report(&c.Folder, "no folder for queued messages; write like /var/lib/stillwater/broker")
	}
	seen := map[string]bool{}
	for i := range c.Users {
		u := &c.Users[i]
		switch {
		case u.Name == "" || strings.ContainsAny(u.Name, " \t\n"):
			report(&u.Name, fmt.Sprintf("%q is not a user name; write a word without spaces", u.Name))
		case seen[u.Name]:
			report(&u.Name, fmt.Sprintf("%q is there twice; give each user a name of its own", u.Name))
		}
		seen[u.Name] = true
		if !u.Password.Named() && c.CAFile == "" {
			report(&u.Password, "no password; write where it is kept, like {env: BROKER_PASSWORD} or {file: /etc/stillwater/broker}, or set ca_file and give the client a certificate")
		}
		u.validate(report)
	}
	if c.CAFile != "" && c.CertFile == "" {
		report(&c.CAFile, "clients show certificates only to a broker that has one; set cert_file and key_file")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		report(&c.CertFile, "a certificate and its key go together; give both cert_file and key_file, or neither")
	}
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	return c
}
