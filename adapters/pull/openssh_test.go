package pull

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"stillwater/adapters/platform"
)

// TestOpenSSH reads files of Debian's OpenSSH by a key, one kind of host key after the other.
func TestOpenSSH(t *testing.T) {
	server, subsystem := "/usr/sbin/sshd", "/usr/lib/openssh/sftp-server"
	for _, file := range []string{server, subsystem, "/usr/bin/ssh-keygen"} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("left out: needs openssh-server (make test installs it)")
		}
	}
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	for _, kind := range []string{"rsa", "ed25519", "user"} {
		algorithm := map[string]string{"user": "ed25519"}[kind]
		if algorithm == "" {
			algorithm = kind
		}
		if out, err := exec.Command("/usr/bin/ssh-keygen", "-q", "-t", algorithm, "-N", "", "-f", in(kind)).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	write(t, in("day-1.csv"), rows("1", 8), time.Hour)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	config := fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey %s\nHostKey %s\nPidFile none\nAuthorizedKeysFile %s\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nSubsystem sftp %s\n",
		port, in("rsa"), in("ed25519"), in("user.pub"), subsystem)
	if err := os.WriteFile(in("sshd_config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // it wants an empty folder of its own
			t.Skip("left out: sshd cannot run here")
		}
	}
	cmd := exec.Command(server, "-D", "-e", "-f", in("sshd_config"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	until(t, "sshd listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	key, err := os.ReadFile(in("user"))
	if err != nil {
		t.Fatal(err)
	}
	user := os.Getenv("USER")
	if out, err := exec.Command("id", "-un").Output(); err == nil {
		user = string(out[:len(out)-1])
	}
	for _, kind := range []string{"rsa", "ed25519"} {
		public, err := os.ReadFile(in(kind + ".pub"))
		if err != nil {
			t.Fatal(err)
		}
		c := Config{CSV: &platform.Sheet{}, Timeout: 10 * time.Second, SFTP: &SFTP{
			Address: address, HostKey: string(public), Username: user, Key: secret(string(key)), Folder: Folder{Path: folder},
		}}
		newRig(t, c, nil).want("host key "+kind, "city/1 8500 21T00:00")
	}
}
