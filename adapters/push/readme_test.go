package push

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadme runs the commands of the manual against a server, with the JSON that stands there.
func TestReadme(t *testing.T) {
	for _, program := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("left out: needs " + program)
		}
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) string {
		m := regexp.MustCompile("(?s)```" + kind + "\n(.*?)```").FindSubmatch(text)
		if m == nil {
			t.Fatalf("no %s in the manual", kind)
		}
		return string(m[1])
	}
	r := newRig(t, nil, city())
	r.server.now = time.Now
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "body.json"), []byte(block("json")), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(secret string) string {
		cmd := exec.Command("bash", "-ec", block("sh"))
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "SECRET="+secret, "URL="+r.base+"/push/city")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if out := run(token); !strings.Contains(out, `"result":"ok","readings":8`) || len(r.take()) != 8 {
		t.Errorf("answered %s", out)
	}
	if out := run("another"); !strings.Contains(out, errSender.Error()) {
		t.Errorf("with another secret: %s", out)
	}
	for _, name := range Names() {
		if !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("the manual lacks the profile %s", name)
		}
	}
}
