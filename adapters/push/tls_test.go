package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// issue makes a certificate that signs itself, and writes it and its key.
func issue(t *testing.T, folder, name string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, name+".pem"), filepath.Join(folder, name+".key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestTLS serves with a certificate, takes a renewed one without a restart, and asks senders for theirs where it is told to.
func TestTLS(t *testing.T) {
	folder := t.TempDir()
	cert, key := issue(t, folder, "server", 1)
	theirs, theirKey := issue(t, folder, "platform", 2)
	r := newRig(t, func(o *Options) { o.Config.CertFile, o.Config.KeyFile, o.Config.ClientCAFile = cert, key, theirs }, city())
	pair, err := tls.LoadX509KeyPair(theirs, theirKey)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(mine ...tls.Certificate) (serial int64, err error) {
		c, err := tls.Dial("tcp", strings.TrimPrefix(r.base, "http://"), &tls.Config{InsecureSkipVerify: true, Certificates: mine})
		if err != nil {
			return 0, err
		}
		defer c.Close()
		if _, err := c.Write([]byte("GET /push/city HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil {
			return 0, err
		}
		if _, err := c.Read(make([]byte, 100)); err != nil { // with TLS 1.3 it is refused only here
			return 0, err
		}
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if n, err := dial(pair); err != nil || n != 1 {
		t.Errorf("certificate %d, %v", n, err)
	}
	if _, err := dial(); err == nil {
		t.Error("a sender without a certificate is let in")
	}
	strange, strangeKey := issue(t, folder, "stranger", 3)
	other, err := tls.LoadX509KeyPair(strange, strangeKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dial(other); err == nil {
		t.Error("a stranger's certificate is let in")
	}
}

// TestRenewal: a certificate is read again when its file changes, and one that cannot be read leaves the last in use.
func TestRenewal(t *testing.T) {
	folder := t.TempDir()
	cert, key := issue(t, folder, "server", 1)
	c := &certificate{cert: cert, key: key}
	serial := func() int64 {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	if serial() != 1 {
		t.Error("not the first")
	}
	issue(t, folder, "server", 2)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	if serial() != 1 {
		t.Error("it was looked at again at once")
	}
	c.looked = time.Time{}
	if serial() != 2 {
		t.Error("a renewed one is not taken")
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.looked = (time.Time{}); serial() != 2 {
		t.Error("the last one is not kept")
	}
	if _, err := (&certificate{cert: filepath.Join(folder, "none"), key: key}).get(nil); err == nil {
		t.Error("none at all")
	}
}

// TestConfig says what is wrong with a configuration and how to mend it.
func TestConfig(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own.yaml")
	text := "title: ours\nsource: [letter of 3 March]\nchecked: \"yes\"\nverify: {scheme: none}\ndevice: [no]\ntime: [t]\nvalues: [{name: v, quantity: water.total, scale: 1 L}]\n"
	if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(filepath.Dir(own), "wrong.yaml")
	if err := os.WriteFile(wrong, []byte(strings.Replace(text, "device", "devise", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Config, *Feed)
		want   string
	}{
		"fine":                 {func(*Config, *Feed) {}, ""},
		"no port":              {func(c *Config, _ *Feed) { c.Listen = "here" }, "not an address"},
		"open to all":          {func(c *Config, _ *Feed) { c.Listen = "0.0.0.0:8090" }, "reverse proxy"},
		"on a line of its own": {func(c *Config, _ *Feed) { c.Listen, c.Plain = "0.0.0.0:8090", true }, ""},
		"half a certificate":   {func(c *Config, _ *Feed) { c.CertFile = "x" }, "go together"},
		"client certificates":  {func(c *Config, _ *Feed) { c.ClientCAFile = "x" }, "only over TLS"},
		"a long timeout":       {func(c *Config, _ *Feed) { c.Timeout = time.Hour }, "no usable timeout"},
		"many at once":         {func(c *Config, _ *Feed) { c.AtOnce = 5000 }, "between 1 and 4096"},
		"a large body":         {func(c *Config, _ *Feed) { c.MaxBody = 1 << 30 }, "leave it out"},
		"no feeds":             {func(c *Config, _ *Feed) { c.Feeds = nil }, "no feeds"},
		"one path twice":       {func(c *Config, f *Feed) { c.Feeds = append(c.Feeds, *f) }, "path of its own"},
		"a name":               {func(_ *Config, f *Feed) { f.Name = "a/b" }, "not a name"},
		"a path":               {func(_ *Config, f *Feed) { f.Path = "/" }, "not a path"},
		"no such profile":      {func(_ *Config, f *Feed) { f.Profile = "onenett" }, "there are ctwing, huawei"},
		"a profile and a file": {func(_ *Config, f *Feed) { f.ProfileFile = own }, "both profile"},
		"no secret":            {func(_ *Config, f *Feed) { f.Secret = stillwater.Secret{} }, "no secret"},
		"a key for nothing":    {func(_ *Config, f *Feed) { f.Key = secret("x") }, "nothing encrypted"},
		"no values":            {func(_ *Config, f *Feed) { f.Profile = "ctwing" }, "does not know what your meters"},
		"a file of one's own":  {func(_ *Config, f *Feed) { f.Profile, f.ProfileFile = "", "own.yaml" }, ""},
		"open to everybody":    {func(c *Config, f *Feed) { f.Profile, f.ProfileFile, c.Listen, c.Plain = "", own, ":8090", true }, "could send readings"},
		"a wrong file":         {func(_ *Config, f *Feed) { f.Profile, f.ProfileFile = "", wrong }, "devise"},
		"no file":              {func(_ *Config, f *Feed) { f.Profile, f.ProfileFile = "", "none.yaml" }, "no such file"},
		"no zone":              {func(_ *Config, f *Feed) { f.Zone = "Shanghai" }, "no time zone"},
	} {
		config := Config{Listen: "127.0.0.1:8090", Feeds: []Feed{city()}}
		c.change(&config, new(Feed))
		if len(config.Feeds) == 2 {
			config.Feeds[1] = config.Feeds[0]
		} else if len(config.Feeds) == 1 {
			c.change(&config, &config.Feeds[0])
		}
		config.Beside(filepath.Dir(own))
		var said []string
		config.Validate(func(_ any, problem string) { said = append(said, problem) })
		if c.want == "" && len(said) > 0 || c.want != "" && (len(said) != 1 || !strings.Contains(said[0], c.want)) {
			t.Errorf("%s: %q", name, said)
		}
	}
	if _, err := New(Options{Config: Config{Feeds: []Feed{{Name: "x", Path: "/x", Profile: "signed-json", Secret: stillwater.Secret{Env: "X"}}}}}); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Error(err)
	}
	short := oneNETFeed(t)
	short.Key = secret("short")
	if _, err := New(Options{Config: Config{Feeds: []Feed{short}}}); err == nil || !strings.Contains(err.Error(), "have 16") || strings.Contains(err.Error(), "short") {
		t.Error(err)
	}
}
