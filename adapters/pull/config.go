package pull

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"stillwater"
	"stillwater/adapters/platform"
)

// What is used where the configuration says nothing.
const (
	defaultEvery   = time.Hour
	defaultTimeout = time.Minute
	defaultReach   = 7 * 24 * time.Hour
	defaultOverlap = 48 * time.Hour
	defaultPattern = "*.csv"
)

// Config is one feed that is fetched.
type Config struct {
	Name    string          `yaml:"name" doc:"what the feed is called; devices name their source as this, a slash and the device's number, like city-water/8834012345"`
	HTTP    *HTTP           `yaml:"http,omitempty" doc:"fetch it from an HTTP interface; one of http, sftp and folder"`
	SFTP    *SFTP           `yaml:"sftp,omitempty" doc:"fetch files from an SFTP server"`
	Folder  *Folder         `yaml:"folder,omitempty" doc:"read files that another program puts into a folder of this machine"`
	Every   time.Duration   `yaml:"every,omitempty" doc:"how often it is fetched; it bounds how late a finding can be; default 1h"`
	Timeout time.Duration   `yaml:"timeout,omitempty" doc:"how long one request or file may take; default 1m"`
	Reach   time.Duration   `yaml:"reach,omitempty" doc:"how far back it is fetched after a start; longer than the gateway may be away; default 7d"`
	Overlap time.Duration   `yaml:"overlap,omitempty" doc:"http: how far back of the newest reading it is fetched each time; longer than a meter may be late; default 48h"`
	Expect  time.Duration   `yaml:"expect,omitempty" doc:"how often there is something new at least, like 24h; when there has been nothing for two of them the feed is ill; default: learned in two days, 24h until then"`
	CSV     *platform.Sheet `yaml:"csv,omitempty" doc:"it is a table; without this it is JSON"`

	platform.Layout `yaml:",inline"`
}

// HTTP is an interface to ask.
type HTTP struct {
	URL       string            `yaml:"url" doc:"what to ask, like https://api.example.com/readings?since={since}&page={page}; {since} is the time from which on readings are wanted, {until} the present, {page} and {cursor} the page"`
	Body      string            `yaml:"body,omitempty" doc:"what to send, with the same words in braces; then it is asked with POST and JSON; default: asked with GET"`
	Since     string            `yaml:"since,omitempty" doc:"how {since} and {until} are written: unix, unix-ms, or a pattern like yyyy-MM-dd HH:mm:ss in the zone below; default RFC 3339 in UTC"`
	FirstPage int               `yaml:"first_page,omitempty" doc:"number of the first page; pages are asked for until one has no record; default 1"`
	Cursor    string            `yaml:"cursor,omitempty" doc:"where in the answer the next page's cursor is; none there: it was the last page"`
	Token     stillwater.Secret `yaml:"token,omitempty" doc:"where the token is kept; it is sent as Authorization: Bearer, or as said by the next two"`
	Header    string            `yaml:"header,omitempty" doc:"header to send the token in, like X-Api-Key"`
	Query     string            `yaml:"query,omitempty" doc:"parameter of the address to send the token in, like appKey; it stands in the logs of the other side then"`
	Username  string            `yaml:"username,omitempty" doc:"user, for basic authentication"`
	Password  stillwater.Secret `yaml:"password,omitempty" doc:"where the user's password is kept"`
	CAFile    string            `yaml:"ca_file,omitempty" doc:"path of the certificates (PEM) that the server's must be signed by; default the system's"`
}

// SFTP is a folder on a server.
type SFTP struct {
	Address  string            `yaml:"address" doc:"host and port, like sftp.example.com:22"`
	HostKey  string            `yaml:"host_key" doc:"the server's public key, as ssh-keyscan prints it without the host: ssh-ed25519 AAAA…; ask the other side to confirm it; without it anybody could pose as the server"`
	Username string            `yaml:"username" doc:"user at the server"`
	Password stillwater.Secret `yaml:"password,omitempty" doc:"where the password is kept; one of password and key"`
	Key      stillwater.Secret `yaml:"key,omitempty" doc:"where the private key is kept (PEM or OpenSSH, without a passphrase)"`
	Folder   `yaml:",inline"`
}

// Folder is where files are found.
type Folder struct {
	Path    string `yaml:"path" doc:"the folder"`
	Pattern string `yaml:"pattern,omitempty" doc:"which files: * stands for any letters, like day-*.csv; files that begin with a dot are left alone; default *.csv"`
}

// Defaults is a feed with every setting that has a default.
func Defaults() Config {
	return Config{Every: defaultEvery, Timeout: defaultTimeout, Reach: defaultReach, Overlap: defaultOverlap}
}

// SetDefaults makes a new entry of the configuration.
func (c *Config) SetDefaults() { *c = Defaults() }

// Validate reports everything that is wrong with the feed. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Name == "" || strings.ContainsAny(c.Name, "/ \t\n") {
		report(&c.Name, fmt.Sprintf("%q is not a name for a feed; write a word without spaces or slashes, like city-water", c.Name))
	}
	ways := 0
	for _, there := range []bool{c.HTTP != nil, c.SFTP != nil, c.Folder != nil} {
		if there {
			ways++
		}
	}
	if ways != 1 {
		report(c, "say where it is fetched from: write one of http, sftp and folder")
	}
	for _, d := range []struct {
		field *time.Duration
		least time.Duration
	}{{&c.Every, 10 * time.Second}, {&c.Timeout, time.Second}, {&c.Reach, time.Hour}, {&c.Overlap, time.Minute}, {&c.Expect, time.Minute}} {
		if *d.field != 0 && *d.field < d.least {
			report(d.field, fmt.Sprintf("%v is too short; write %v or more", *d.field, d.least))
		}
	}
	if len(c.Values) == 0 {
		report(&c.Values, "no values, so nothing would be read; write like - {name: 读数, quantity: water.total, scale: 1 m³}")
	}
}

// Validate reports everything that is wrong with the interface.
func (h *HTTP) Validate(report func(field any, problem string)) {
	u, err := url.Parse(h.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		report(&h.URL, `this is not an address; write like https://api.example.com/readings?since={since}`)
	case u.User != nil:
		report(&h.URL, "the address has a password in it, which would show in logs; take it out and write username and password, or token")
	case u.Scheme == "http" && (h.Token.Named() || h.Password.Named()) && !loopback(u.Hostname()):
		report(&h.URL, "the token or password would go over the network as it is; write https://")
	}
	if h.Since != "" {
		if _, err := platform.NewStamp(h.Since, "UTC"); err != nil {
			report(&h.Since, err.Error())
		}
	}
	if h.Token.Named() && h.Password.Named() {
		report(&h.Token, "both a token and a password are set; take one out")
	}
	if h.Header != "" && h.Query != "" {
		report(&h.Query, "the token is sent once; write header or query")
	}
	if (h.Cursor != "") != strings.Contains(h.URL+h.Body, "{cursor}") {
		report(&h.Cursor, "{cursor} in the address and the place of the cursor in the answer go together; write both, or neither")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Validate reports everything that is wrong with the server.
func (s *SFTP) Validate(report func(field any, problem string)) {
	if host, port, err := net.SplitHostPort(s.Address); err != nil || host == "" || !isPort(port) {
		report(&s.Address, fmt.Sprintf("%q is not an address; write host and port, like sftp.example.com:22", s.Address))
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey)); err != nil {
		report(&s.HostKey, "this is no public key of a server; run ssh-keyscan, ask the other side to confirm what it prints, and write it without the host, like ssh-ed25519 AAAA…")
	}
	if s.Username == "" {
		report(&s.Username, "no user; write the name at the server")
	}
	if s.Password.Named() == s.Key.Named() {
		report(&s.Password, "write where the password is kept, or where the private key is: one of the two")
	}
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// Validate reports everything that is wrong with the folder.
func (f *Folder) Validate(report func(field any, problem string)) {
	if f.Path == "" {
		report(&f.Path, "no folder; write like /srv/meters")
	}
	if _, err := path.Match(f.Pattern, "x"); err != nil || strings.Contains(f.Pattern, "/") {
		report(&f.Pattern, fmt.Sprintf("%q is no pattern of names; write like day-*.csv", f.Pattern))
	}
}

func (c Config) withDefaults() Config {
	d := Defaults()
	for field, value := range map[*time.Duration]time.Duration{&c.Every: d.Every, &c.Timeout: d.Timeout, &c.Reach: d.Reach, &c.Overlap: d.Overlap} {
		if *field == 0 {
			*field = value
		}
	}
	return c
}
