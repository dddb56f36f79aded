package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// dialer gives a way to open the folder of an SFTP server. It connects anew for each fetch: once in an hour a connection that was kept would
// be dead more often than not.
func dialer(c SFTP, timeout time.Duration) (func(context.Context) (library, error), error) {
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(c.HostKey))
	if err != nil {
		return nil, errors.New("host_key is no public key")
	}
	config := &ssh.ClientConfig{
		User: c.Username, Timeout: timeout,
		HostKeyCallback: ssh.FixedHostKey(hostKey), HostKeyAlgorithms: algorithms(hostKey.Type()),
	}
	if c.Key.Named() {
		signer, err := ssh.ParsePrivateKey([]byte(c.Key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("%v is no private key without a passphrase", c.Key)
		}
		config.Auth = []ssh.AuthMethod{ssh.PublicKeys(signer)}
	} else {
		config.Auth = []ssh.AuthMethod{ssh.Password(c.Password.Reveal())}
	}
	return func(ctx context.Context) (library, error) { return dial(ctx, c.Address, config, timeout) }, nil
}

// algorithms are the ways in which a server can prove that it has the key: a server has keys of several kinds, and would choose another.
func algorithms(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

func dial(ctx context.Context, address string, config *ssh.ClientConfig, timeout time.Duration) (library, error) {
	conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	f := &far{conn: conn, timeout: timeout}
	f.forget = context.AfterFunc(ctx, func() { _ = conn.Close() }) // what reads from it ends
	f.extend()
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", address, err), f.close())
	}
	f.ssh = ssh.NewClient(c, channels, requests)
	if f.sftp, err = sftp.NewClient(f.ssh); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", address, err), f.close())
	}
	return f, nil
}

// far is a folder on an SFTP server.
type far struct {
	conn    net.Conn
	ssh     *ssh.Client
	sftp    *sftp.Client
	timeout time.Duration
	forget  func() bool
}

// extend gives the connection time for one thing more.
func (f *far) extend() { _ = f.conn.SetDeadline(time.Now().Add(f.timeout)) } // one that is closed says so when it is used

func (f *far) list(folder string) ([]file, error) {
	f.extend()
	infos, err := f.sftp.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, info := range infos {
		if info.Mode().IsRegular() {
			files = append(files, file{info.Name(), info.Size(), info.ModTime()})
		}
	}
	return files, nil
}

func (f *far) read(folder, name string) (io.ReadCloser, error) {
	f.extend()
	return f.sftp.Open(sftp.Join(folder, name))
}

// close hangs up first: a server that does not answer a polite good-bye would be waited for.
func (f *far) close() error {
	f.forget()
	err := f.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if f.sftp != nil {
		_ = f.sftp.Close() // of what was hung up
	}
	if f.ssh != nil {
		_ = f.ssh.Close() // the same
	}
	return err
}
