// Package email sends messages by a mail server of the office or its provider, by SMTP over TLS.
//
// It promises what sms does (see adapters/sms/doc.go): Send's error is stillwater.ErrRefused, stillwater.ErrNotSent, or anything else, which
// leaves it unclear whether the message was taken; no error, log or metric holds an address, a credential or a text; it never
// retries and starts no goroutine.
//
// Each repeat of a message bears the same Message-ID, by which mail programs know duplicates. A mail server cannot be asked what became of
// a message, so after an unclear answer it goes again, marked.
package email

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"stillwater"
)

// Options is what an Email is given besides its Config.
type Options struct {
	Subject func(m stillwater.Message) string // required; without anything personal: it shows on locked screens
	Now     func() time.Time                  // wall clock, for Date; nil: time.Now
}

// Email sends by one mail server. Its methods may be called from several goroutines.
type Email struct {
	cfg     Config
	options Options
	tls     *tls.Config
}

// New gives an Email for a Config that Validate has nothing to say of, its secret read.
func New(cfg Config, o Options) (*Email, error) {
	var problems []error
	cfg.Validate(func(_ any, problem string) { problems = append(problems, errors.New(problem)) })
	if cfg.Password.Named() && cfg.Password.Reveal() == "" {
		problems = append(problems, fmt.Errorf("%v is empty", cfg.Password))
	}
	if o.Subject == nil {
		problems = append(problems, errors.New("no subjects are given"))
	}
	trusted := &tls.Config{ServerName: cfg.Host, MinVersion: tls.VersionTLS12}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		trusted.RootCAs = x509.NewCertPool()
		if err != nil || !trusted.RootCAs.AppendCertsFromPEM(pem) {
			problems = append(problems, fmt.Errorf("its CA %q holds no certificate in PEM: %w", cfg.CA, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("e-mail: %w", err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Email{cfg: cfg, options: o, tls: trusted}, nil
}

// Name is "email".
func (e *Email) Name() string { return "email" }

// Send hands m to the mail server and gives its Message-ID. That the server has taken it is as far as it comes.
func (e *Email) Send(ctx context.Context, m stillwater.Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timeout)
	defer cancel()
	msg, id, err := e.write(m)
	if err != nil {
		return "", fmt.Errorf("send by e-mail: %w: %w", stillwater.ErrRefused, err)
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("send by e-mail: %w: %w", stillwater.ErrNotSent, err)
	}
	client, done, err := e.dial(ctx)
	defer done()
	if err != nil {
		return "", fmt.Errorf("send by e-mail: %w", judge(err, true))
	}
	defer client.Close()
	if err := client.Send(msg); err != nil && !msg.IsDelivered() { // taken, and then disturbed, is taken
		return "", fmt.Errorf("send by e-mail: %w", judge(err, false))
	}
	return id, nil
}

// write is the mail that bears a message.
func (e *Email) write(m stillwater.Message) (*mail.Msg, string, error) {
	to, err := netmail.ParseAddress(string(m.To))
	if err != nil || to.Address != string(m.To) {
		return nil, "", fmt.Errorf("the e-mail address of contact %q is not one like name@example.org", m.Contact)
	}
	if m.Text == "" {
		return nil, "", errors.New("the text is empty")
	}
	msg := mail.NewMsg(mail.WithEncoding(mail.EncodingQP))
	if err := errors.Join(msg.From(e.cfg.From), msg.To(string(m.To))); err != nil {
		return nil, "", errors.New("its addresses cannot be written in a mail")
	}
	if e.cfg.ReplyTo != "" {
		if err := msg.ReplyTo(e.cfg.ReplyTo); err != nil {
			return nil, "", errors.New("reply_to cannot be written in a mail")
		}
	}
	id := idOf(m) + "@" + domain(e.cfg.From)
	msg.SetMessageIDWithValue(id)
	msg.SetDateWithValue(e.options.Now())
	msg.Subject(e.options.Subject(m))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday notice answers it
	msg.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	if m.Severity == stillwater.Urgent {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text+"\n")
	return msg, id, nil
}

// dial gives a client that has said who it is. Its connection ends with ctx, of which go-mail knows no more once it is had, and at
// done, for go-mail leaves one open over which it could not sign in.
func (e *Email) dial(ctx context.Context) (client *mail.Client, done func(), err error) {
	var conn net.Conn
	stop := func() bool { return true }
	done = func() {
		stop()
		if conn != nil {
			conn.Close()
		}
	}
	options := []mail.Option{
		mail.WithPort(e.cfg.port()), mail.WithTimeout(e.cfg.Timeout), mail.WithHELO(domain(e.cfg.From)), mail.WithTLSConfig(e.tls), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (got net.Conn, err error) {
			if got, err = e.connect(dialing, network, address); err == nil {
				conn = got
				stop = context.AfterFunc(ctx, func() { got.Close() })
			}
			return got, err
		}),
	}
	switch e.cfg.TLS {
	case Implicit:
		options = append(options, mail.WithSSL())
	case NoTLS:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if e.cfg.User != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(signIn...), mail.WithUsername(e.cfg.User), mail.WithPassword(e.cfg.Password.Reveal()))
	}
	client, err = mail.NewClient(e.cfg.Host, options...)
	if err != nil {
		return nil, done, err
	}
	return client, done, client.DialWithContext(ctx)
}

// signIn are the ways to sign in, the best first. The last two tell the password, which go-mail does over TLS or to this machine alone.
var signIn = []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin}

// connect makes the connection; with a function for it go-mail leaves implicit TLS to that.
func (e *Email) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if e.cfg.TLS == Implicit {
		return (&tls.Dialer{Config: e.tls}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// judge gives an error its class, with no more of it than codes: a server's words hold the address, and sometimes the text.
func judge(err error, dialing bool) error {
	code, stage := 0, "connecting"
	failed, ok := errors.AsType[*mail.SendError](err)
	if ok {
		code, stage = failed.ErrorCode(), failed.Reason.String()
	} else if said, ok := errors.AsType[*textproto.Error](err); ok {
		code = said.Code
	}
	short := fmt.Errorf("%s: answer %d", stage, code)
	if code == 0 {
		short = errors.New(stage + ": " + kind(err))
	}
	switch {
	case code >= 500:
		return fmt.Errorf("%w: %w", stillwater.ErrRefused, short)
	case code >= 400:
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, short)
	case dialing || ok && failed.Reason != mail.ErrSMTPDataClose && failed.Reason != mail.ErrAmbiguous: // the end of the text was not written
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, short)
	}
	return short
}

// kind says of what kind an error is that no server's answer is behind.
func kind(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op + ": " + op.Err.Error()
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return bad.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return "no answer in time"
	}
	return "the connection is gone, or TLS or a way to sign in that both know is missing"
}

// idOf names a message in its Message-ID: the same for each repeat, and another for any other message of any gateway.
func idOf(m stillwater.Message) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", m.ID, m.Code, m.Contact, m.Created.UnixMilli()))
	return hex.EncodeToString(sum[:12])
}

// domain is the part of an address after its last @.
func domain(address string) string {
	if parsed, err := netmail.ParseAddress(address); err == nil {
		address = parsed.Address
	}
	return address[strings.LastIndexByte(address, '@')+1:]
}
