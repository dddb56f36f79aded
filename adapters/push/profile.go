package push

import (
	"embed"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stillwater/adapters/platform"
)

//go:embed profiles/*.yaml
var profiles embed.FS

// A Profile says what a platform pushes, and how it shows that it is the sender.
type Profile struct {
	Title   string   `yaml:"title"`
	Source  []string `yaml:"source"`  // where it was looked up
	Checked string   `yaml:"checked"` // "yes", or "no: " and what could not be checked at its source
	Verify  Verify   `yaml:"verify"`
	Strict  bool     `yaml:"strict,omitempty"` // a message without one usable reading is answered 400: its sender can mend it, and is no carrier that would shut the feed off

	platform.Layout `yaml:",inline"`
}

// Verify is how the sender is known.
type Verify struct {
	Scheme    string        `yaml:"scheme"`              // onenet, hmac-sha256, token or none
	Signature string        `yaml:"signature,omitempty"` // onenet: field of the body; hmac-sha256: header
	Timestamp string        `yaml:"timestamp,omitempty"` // hmac-sha256: header
	Window    time.Duration `yaml:"window,omitempty"`    // hmac-sha256: how old or new a timestamp may be
	Header    string        `yaml:"header,omitempty"`    // token: header that holds it; default Authorization, after "Bearer "
	Query     string        `yaml:"query,omitempty"`     // token: parameter of the address; default token
}

// schemes is how a sender can be known.
var schemes = []string{"onenet", "hmac-sha256", "token", "none"}

// Names are the built-in profiles.
func Names() []string {
	entries, _ := profiles.ReadDir("profiles")
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// builtIn is the built-in profile of the name.
func builtIn(name string) (*Profile, error) {
	data, err := profiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil || strings.ContainsAny(name, "/\\") {
		return nil, fmt.Errorf("%q is no built-in profile; there are %s; name a file of your own as profile_file", name, strings.Join(Names(), ", "))
	}
	p := &Profile{}
	if err := platform.Parse(data, p); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	return p, p.check()
}

// check is what is wrong with the profile but its values, which a feed may replace.
func (p *Profile) check() error {
	v := &p.Verify
	var all []error
	if !slices.Contains(schemes, v.Scheme) {
		all = append(all, fmt.Errorf("verify.scheme %q is not known; write one of %s", v.Scheme, strings.Join(schemes, ", ")))
	}
	if v.Scheme == "hmac-sha256" && (v.Signature == "" || v.Timestamp == "" || v.Window <= 0) {
		all = append(all, errors.New("verify: hmac-sha256 needs the headers of signature and timestamp, and window, like 5m"))
	}
	if v.Scheme == "onenet" && v.Signature == "" {
		all = append(all, errors.New("verify: onenet needs the field of the signature, like signature"))
	}
	if len(p.Source) == 0 || p.Checked == "" {
		all = append(all, errors.New("a profile says its source, and whether it was checked there"))
	}
	return errors.Join(all...)
}

// ownProfile is the profile that the feed names.
func (f *Feed) ownProfile() (*Profile, error) {
	if f.ProfileFile == "" {
		return builtIn(f.Profile)
	}
	path := f.ProfileFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(f.folder, path)
	}
	p := &Profile{}
	if err := platform.Load(path, p); err != nil {
		return nil, err
	}
	return p, p.check()
}

// profile is the feed's profile with what the feed says for itself.
func (f *Feed) profile() (*Profile, error) {
	p, err := f.ownProfile()
	if err != nil {
		return nil, err
	}
	p.Layout = p.With(f.Device, f.Zone, f.Values)
	return p, p.Problems()
}
