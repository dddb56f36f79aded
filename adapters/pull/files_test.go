package pull

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"stillwater/adapters/platform"
)

// write puts a file there, changed so long ago.
func write(t *testing.T, name, text string, ago time.Duration) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(-ago)
	if err := os.Chtimes(name, when, when); err != nil {
		t.Fatal(err)
	}
}

// TestFolder reads what another program puts into a folder, the oldest first, and each file once unless it changes.
func TestFolder(t *testing.T) {
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	write(t, in("b.csv"), rows("2", 8), 2*time.Hour)
	write(t, in("a.csv"), rows("1", 8), time.Hour)
	write(t, in("old.csv"), rows("3", 8), 30*24*time.Hour)
	write(t, in(".hidden.csv"), rows("3", 8), time.Hour)
	write(t, in("c.csv.part"), rows("3", 8), time.Hour)
	if err := os.Mkdir(in("d.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Config{Folder: &Folder{Path: folder}, CSV: &platform.Sheet{}}, nil)
	r.want("both, the older first", "city/2 8500 21T00:00", "city/1 8500 21T00:00")
	r.want("nothing new")
	write(t, in("a.csv"), rows("1", 8, 9), time.Minute)
	write(t, in("c.csv"), rows("3", 8), time.Minute)
	r.want("what is new of one that grew, and a new one", "city/1 9500 21T01:00", "city/3 8500 21T00:00")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := r.once(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("without the folder: %v", err)
	}
}

// TestHalfWritten: a last line without an end is not read before the file stays as it is. 12345.5 cut off is 123.
func TestHalfWritten(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "day.csv")
	r := newRig(t, Config{Folder: &Folder{Path: folder}, CSV: &platform.Sheet{}}, nil)
	write(t, name, "表号,时间,读数\n1,2026-11-21 08:00:00,12344.5\n1,2026-11-21 09:00:00,123", time.Minute)
	r.want("the whole lines", "city/1 1.23445e+07 21T00:00")
	write(t, name, "表号,时间,读数\n1,2026-11-21 08:00:00,12344.5\n1,2026-11-21 09:00:00,12345.5", time.Second)
	r.want("still no end")
	r.want("it stays so", "city/1 1.23455e+07 21T01:00")
	r.want("read")
	again, err := r.puller.once(t.Context(), r.emit)
	if again || err != nil {
		t.Errorf("asks to look again: %v, %v", again, err)
	}
}

// TestJSONFiles: JSON that is not finished is read when it is, and one that never will be keeps nobody waiting.
func TestJSONFiles(t *testing.T) {
	folder := t.TempDir()
	r := newRig(t, Config{Folder: &Folder{Path: folder, Pattern: "*.json"}}, nil)
	whole := `[{"no":"1","time":"2026-11-21 08:00:00","m3":8.5}]`
	write(t, filepath.Join(folder, "a.json"), whole[:30], time.Minute)
	write(t, filepath.Join(folder, "b.json"), strings.Replace(whole, `"1"`, `"2"`, 1), time.Second)
	r.want("the whole one", "city/2 8500 21T00:00")
	write(t, filepath.Join(folder, "a.json"), whole, time.Second)
	r.want("the other, when it is whole", "city/1 8500 21T00:00")
	write(t, filepath.Join(folder, "c.json"), "never", time.Second)
	r.want("one that is none")
	r.want("one that stays none")
	n := r.refusals()["not JSON"]
	r.want("is left alone")
	if r.refusals()["not JSON"] != n || n < 2 {
		t.Errorf("%v", r.refusals())
	}
}

// A sshd is an SFTP server of another make: the library's, over real SSH on loopback.
type sshd struct {
	t        *testing.T
	listener net.Listener
	config   *ssh.ServerConfig
	hostKey  string
	served   sync.WaitGroup
	asked    atomic.Bool // somebody said a password

	mu    sync.Mutex
	conns []net.Conn
	deaf  bool // takes connections and says nothing
}

func newSSHD(t *testing.T, authorized ssh.PublicKey) *sshd {
	t.Helper()
	s := &sshd{t: t}
	s.config = &ssh.ServerConfig{
		PasswordCallback: func(c ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			s.asked.Store(true)
			if c.User() == "meters" && string(p) == "right" {
				return nil, nil
			}
			return nil, errors.New("no")
		},
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if authorized != nil && string(key.Marshal()) == string(authorized.Marshal()) {
				return nil, nil
			}
			return nil, errors.New("no")
		},
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048) // servers have keys of several kinds
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []any{other, private} {
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		s.config.AddHostKey(signer)
		s.hostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.served.Go(s.serve)
	t.Cleanup(func() {
		s.listener.Close()
		s.hangUp()
		s.served.Wait()
	})
	return s
}

func (s *sshd) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		deaf := s.deaf
		s.mu.Unlock()
		if !deaf {
			s.served.Go(func() { s.one(conn) })
		}
	}
}

func (s *sshd) one(conn net.Conn) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem" && string(r.Payload[4:]) == "sftp", nil)
			}
		}()
		server, err := sftp.NewServer(channel, sftp.ReadOnly())
		if err != nil {
			return
		}
		if err := server.Serve(); err != nil && err != io.EOF {
			return
		}
	}
}

// hangUp ends all connections.
func (s *sshd) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *sshd) feed(folder string) Config {
	return Config{CSV: &platform.Sheet{}, Timeout: 5 * time.Second, SFTP: &SFTP{
		Address: s.listener.Addr().String(), HostKey: s.hostKey, Username: "meters", Password: secret("right"), Folder: Folder{Path: folder, Pattern: "day-*.csv"},
	}}
}

// TestSFTP reads files of an SFTP server by password and by key, as from a folder.
func TestSFTP(t *testing.T) {
	before := runtime.NumGoroutine()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "day-1.csv"), rows("1", 8), time.Hour)
	write(t, filepath.Join(folder, "other.csv"), rows("2", 8), time.Hour)
	s := newSSHD(t, authorized)
	r := newRig(t, s.feed(folder), nil)
	r.want("by password", "city/1 8500 21T00:00")
	r.want("nothing new")
	write(t, filepath.Join(folder, "day-2.csv"), rows("1", 9), time.Minute)
	r.want("a new one", "city/1 9500 21T01:00")

	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	c := s.feed(folder)
	c.SFTP.Password, c.SFTP.Key = secret(""), secret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	newRig(t, c, nil).want("by key", "city/1 8500 21T00:00", "city/1 9500 21T01:00")

	c = s.feed(folder)
	c.SFTP.Password = secret("wrong")
	if _, err := newRig(t, c, nil).once(); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong password: %v", err)
	}
	s.listener.Close()
	s.hangUp()
	s.served.Wait()
	until(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// TestSFTPHostKey connects to nobody who has not the key it was told, and says no password to them.
func TestSFTPHostKey(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "day-1.csv"), rows("1", 8), time.Hour)
	s, impostor := newSSHD(t, nil), newSSHD(t, nil)
	c := s.feed(folder)
	c.SFTP.Address = impostor.listener.Addr().String()
	lines, err := newRig(t, c, nil).once()
	if err == nil || len(lines) > 0 || impostor.asked.Load() {
		t.Errorf("read from somebody else: %q, %v, password said: %v", lines, err, impostor.asked.Load())
	}
}

// TestSFTPHangs: a server that says nothing is given up, and a stop does not wait for it.
func TestSFTPHangs(t *testing.T) {
	s := newSSHD(t, nil)
	s.mu.Lock()
	s.deaf = true
	s.mu.Unlock()
	c := s.feed(t.TempDir())
	c.Timeout = 100 * time.Millisecond
	if _, err := newRig(t, c, nil).once(); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("%v", err)
	}
	c.Timeout = time.Hour
	r := newRig(t, c, nil)
	stop := r.run()
	until(t, "it connects", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.conns) == 2 })
	stop()
}
