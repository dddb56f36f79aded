package api

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"stillwater"
)

// A Scope is what a key may do.
type Scope string

// The scopes.
const (
	HomesRead     Scope = "homes:read"     // how homes are
	IncidentsRead Scope = "incidents:read" // incidents, their logs, and what became of their messages
	IncidentsAct  Scope = "incidents:act"  // what people can do with an incident
	AbsencesWrite Scope = "absences:write" // planned absences of homes
	DevicesRead   Scope = "devices:read"   // how meters and sensors are
	HealthRead    Scope = "health:read"    // what is not well with the gateway
	PersonalRead  Scope = "personal:read"  // with one of the others: shortened names, and notes that people wrote
)

// Scopes is every scope, in the order of the constants.
var Scopes = []Scope{HomesRead, IncidentsRead, IncidentsAct, AbsencesWrite, DevicesRead, HealthRead, PersonalRead}

// Config is the interface for other programs.
type Config struct {
	Listen   string     `yaml:"listen,omitempty" doc:"address and port of its own, like 127.0.0.1:8081, or :8443 with cert_file and key_file; default none: it is reached by the console's address alone, below /api/v1/"`
	CertFile string     `yaml:"cert_file,omitempty" doc:"its certificate (PEM), from the folder of the configuration; read again when it is renewed"`
	KeyFile  string     `yaml:"key_file,omitempty" doc:"the certificate's key"`
	Keys     []Key      `yaml:"keys" doc:"the programs that may ask, each by a key of its own"`
	Events   []Receiver `yaml:"events,omitempty" doc:"who is sent what happens"`
}

// Key lets one program in.
type Key struct {
	Name   string            `yaml:"name" doc:"what the program is called in logs, and in the log of an incident with api: before it, like city-platform"`
	Secret stillwater.Secret `yaml:"secret" doc:"the key itself, sent as Authorization: Bearer …; at least 32 characters from chance alone (openssl rand -hex 32)"`
	Scopes []Scope           `yaml:"scopes" doc:"what it may do: homes:read, incidents:read, incidents:act, absences:write, devices:read, health:read, and with them personal:read for shortened names and notes"`
	Area   stillwater.Place  `yaml:"area,omitempty" doc:"the part of the grid whose homes it may see; default all homes"`
	Rate   int               `yaml:"rate,omitempty" doc:"requests a minute; default 300"`
}

// Receiver is one receiver of events. One of Webhook and Broker is set.
type Receiver struct {
	Name    string           `yaml:"name" doc:"what the receiver is called; with a new name it is sent what happens from then on"`
	Webhook string           `yaml:"webhook,omitempty" doc:"the webhook that events are posted to, by its name"`
	Broker  string           `yaml:"broker,omitempty" doc:"the broker of mqtt that events are published to, by its name: topics stillwater/events/ and the kind"`
	Kinds   []EventKind      `yaml:"kinds,omitempty" doc:"of what: incident.opened, incident.acknowledged, incident.on-site, incident.lapsed, incident.closed, incident.reopened, home.blind, home.seen; default all"`
	Area    stillwater.Place `yaml:"area,omitempty" doc:"the part of the grid whose homes it is about; default all homes"`
}

// Bounds of keys.
const (
	defaultRate = 300
	mostRate    = 60_000
	leastSecret = 32
)

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Defaults is an interface that nobody may use yet.
func Defaults() Config { return Config{} }

// Validate reports everything that is wrong. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	c.validateListen(report)
	if len(c.Keys) == 0 && len(c.Events) == 0 {
		report(&c.Keys, "no keys and no events, so nobody could use it; name a key, or leave api out")
	}
	keys, receivers := map[string]bool{}, map[string]bool{}
	for i := range c.Keys {
		once(keys, &c.Keys[i].Name, "key", report)
	}
	for i := range c.Events {
		once(receivers, &c.Events[i].Name, "receiver", report)
	}
}

// Beside finds the files of the certificate from the folder of the configuration.
func (c *Config) Beside(folder string) {
	for _, file := range []*string{&c.CertFile, &c.KeyFile} {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(folder, *file)
		}
	}
}

// once wants a name of its own.
func once(seen map[string]bool, name *string, what string, report func(field any, problem string)) {
	if !nameForm.MatchString(*name) || seen[*name] {
		report(name, fmt.Sprintf("%q: each %s needs a name of its own, of small letters, digits and hyphens, like city-platform", *name, what))
	}
	seen[*name] = true
}

func (c *Config) validateListen(report func(field any, problem string)) {
	if (c.CertFile == "") != (c.KeyFile == "") {
		report(&c.CertFile, "a certificate and its key go together; give both cert_file and key_file, or neither")
	}
	if c.Listen == "" {
		return
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if _, bad := net.LookupPort("tcp", port); err != nil || port == "" || bad != nil {
		report(&c.Listen, fmt.Sprintf("%q is not an address to listen on; write like 127.0.0.1:8081 or :8443", c.Listen))
		return
	}
	if ip := net.ParseIP(host); c.CertFile == "" && !strings.EqualFold(host, "localhost") && !(ip != nil && ip.IsLoopback()) {
		report(&c.Listen, fmt.Sprintf("%q can be reached from other machines, and without a certificate everybody on the way can read the keys; give cert_file and key_file, or listen on 127.0.0.1 behind a reverse proxy", c.Listen))
	}
}

// Validate reports what is wrong with a key.
func (k *Key) Validate(report func(field any, problem string)) {
	if !k.Secret.Named() {
		report(&k.Secret, "no secret is named, so nobody could use the key; write like {file: /etc/stillwater/city-platform}")
	}
	other := false // than personal:read
	for i, s := range k.Scopes {
		if !slices.Contains(Scopes, s) {
			report(&k.Scopes[i], fmt.Sprintf("%q is no scope%s; the scopes are %s", s, meant(s, Scopes), joined(Scopes)))
		}
		other = other || s != PersonalRead
	}
	if !other {
		report(&k.Scopes, fmt.Sprintf("the key may do nothing; give it some of %s", joined(Scopes)))
	}
	if k.Rate < 0 || k.Rate > mostRate {
		report(&k.Rate, fmt.Sprintf("%d is not between 1 and %d requests a minute; leave it out for %d", k.Rate, mostRate, defaultRate))
	}
}

// Validate reports what is wrong with a receiver.
func (r *Receiver) Validate(report func(field any, problem string)) {
	if (r.Webhook == "") == (r.Broker == "") {
		report(&r.Webhook, "a receiver of events is either a webhook or a broker; name one of them")
	}
	for i, k := range r.Kinds {
		if !slices.Contains(EventKinds, k) {
			report(&r.Kinds[i], fmt.Sprintf("%q is no kind of event%s; the kinds are %s", k, meant(k, EventKinds), joined(EventKinds)))
		}
	}
}

// meant is the name that was probably meant, as a part of a sentence.
func meant[T ~string](word T, names []T) string {
	if near := stillwater.Nearest(string(word), plain(names)); near != "" {
		return fmt.Sprintf("; did you mean %q", near)
	}
	return ""
}

func joined[T ~string](names []T) string { return strings.Join(plain(names), ", ") }

func plain[T ~string](names []T) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = string(n)
	}
	return list
}

// within says whether a home stands in an area: in each level that the area names.
func within(area, home stillwater.Place) bool {
	same := func(a, h string) bool { return a == "" || a == h }
	return same(area.Street, home.Street) && same(area.Community, home.Community) && same(area.Grid, home.Grid) &&
		same(area.Building, home.Building) && same(area.Riser, home.Riser) && same(area.Zone, home.Zone)
}
