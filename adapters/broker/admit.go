package broker

import (
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"
)

// admit says who may connect.
func (b *Broker) admit(o *server.Options) error {
	if len(b.config.Users) == 0 {
		o.Users = []*server.User{{Username: anonymous, Permissions: (&User{}).permissions()}}
		o.MQTT.NoAuthUser = anonymous
		return nil
	}
	d := &door{users: map[string]*User{}}
	for i := range b.config.Users {
		u := &b.config.Users[i]
		if u.Password.Named() && u.Password.Reveal() == "" {
			return fmt.Errorf("user %q: %v is empty", u.Name, u.Password)
		}
		d.users[u.Name] = u
	}
	o.CustomClientAuthentication = d
	return nil
}

// askForCertificates lets nobody in without a certificate, where that is configured.
func (c *Config) askForCertificates(t *tls.Config) error {
	if c.CAFile == "" {
		return nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return fmt.Errorf("certificates of authorities: %w", err)
	}
	t.ClientCAs = x509.NewCertPool()
	if !t.ClientCAs.AppendCertsFromPEM(pem) {
		return fmt.Errorf("no certificate in %q", c.CAFile)
	}
	t.ClientAuth = tls.RequireAndVerifyClientCert
	return nil
}

// A door knows the users. It is read only.
type door struct{ users map[string]*User }

// Check is asked by the server for each client.
func (d *door) Check(c server.ClientAuthentication) bool {
	said := c.GetOpts()
	shown := ""
	if state := c.GetTLSConnectionState(); state != nil && len(state.VerifiedChains) > 0 {
		shown = state.PeerCertificates[0].Subject.CommonName
	}
	u, ok := d.users[said.Username]
	if said.Username == "" {
		u, ok = d.users[shown]
	}
	if !ok || !u.is(shown, said.Password) {
		return false
	}
	c.RegisterUser(&server.User{Username: u.Name, Permissions: u.permissions()})
	return true
}

// is says whether a client is this user: by its password, or where it has none by the name in its certificate.
func (u *User) is(shown, password string) bool {
	own := u.Password.Reveal()
	if own == "" {
		return shown != "" && shown == u.Name
	}
	if _, err := bcrypt.Cost([]byte(own)); err == nil {
		return bcrypt.CompareHashAndPassword([]byte(own), []byte(password)) == nil
	}
	return subtle.ConstantTimeCompare([]byte(own), []byte(password)) == 1
}
