package modem

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/pdumode"
	"github.com/warthog618/sms/encoding/tpdu"
)

// fake is a modem at the other end of a pseudo-terminal. It knows the commands that are used, and answers as a real one does: with an echo until
// it is switched off, with a prompt before a PDU, with numbers for errors. It can be told to misbehave, and to lose its power.
type fake struct {
	t     *testing.T
	ours  string // the port that the gateway opens
	power *exec.Cmd

	mu       sync.Mutex // guards what follows
	port     *os.File
	sim      string // answer to +CPIN?
	pin      string
	network  string // answer to +CREG?
	pins     []string
	sent     []*tpdu.TPDU
	card     map[int]string      // PDUs by index
	onPrompt func() (out string) // in place of the prompt, if it says something
	onPDU    func() (out string) // in place of +CMGS, if it says something
	deaf     bool                // answers nothing
}

func newFake(t *testing.T, change ...func(*fake)) *fake {
	if _, err := exec.LookPath("socat"); err != nil {
		t.Skip("left out: needs socat (make test installs it)")
	}
	f := &fake{t: t, sim: "READY", pin: "1234", network: "0,1", card: map[int]string{}, ours: filepath.Join(t.TempDir(), "modem")}
	for _, c := range change {
		c(f)
	}
	f.on()
	t.Cleanup(f.off)
	return f
}

// on gives it power: its port comes up.
func (f *fake) on() {
	f.t.Helper()
	theirs := f.ours + "-inside"
	f.power = exec.Command("socat", "pty,raw,echo=0,link="+f.ours, "pty,raw,echo=0,link="+theirs)
	if err := f.power.Start(); err != nil {
		f.t.Fatal(err)
	}
	for {
		_, one := os.Stat(f.ours)
		if _, other := os.Stat(theirs); one == nil && other == nil {
			break
		}
		<-time.After(5 * time.Millisecond)
	}
	port, err := os.OpenFile(theirs, os.O_RDWR, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	f.port = port
	f.mu.Unlock()
	go f.serve(port)
}

// off takes its power away: its port is gone.
func (f *fake) off() {
	f.power.Process.Kill()
	f.power.Wait()
	os.Remove(f.ours)
	os.Remove(f.ours + "-inside")
	f.mu.Lock()
	f.port.Close()
	f.mu.Unlock()
}

// set changes how it behaves.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// say is something that it tells unasked.
func (f *fake) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(f.port, "\r\n"+format+"\r\n", args...)
}

func (f *fake) serve(port *os.File) {
	var got []byte
	echo, pdu := true, false
	b := make([]byte, 1)
	for {
		if n, err := port.Read(b); err != nil || n == 0 {
			return
		}
		f.mu.Lock()
		answer := ""
		switch c := b[0]; {
		case c == 0x1b:
			got, pdu = nil, false
		case pdu && c == 0x1a:
			answer, got, pdu = f.take(string(got)), nil, false
		case !pdu && (c == '\r' || c == '\n'):
			line := string(bytes.TrimSpace(got))
			got = nil
			if line != "" {
				if echo {
					answer = line + "\r\n"
				}
				echo = echo && line != "ATE0"
				more := f.obey(line)
				pdu = more == "\r\n> "
				answer += more
			}
		default:
			got = append(got, c)
		}
		if !f.deaf {
			port.WriteString(answer)
		}
		f.mu.Unlock()
	}
}

// obey answers a command.
func (f *fake) obey(line string) string {
	const ok = "\r\nOK\r\n"
	command, value, _ := strings.Cut(strings.TrimPrefix(line, "AT"), "=")
	switch command {
	case "Z", "E0", "+CMEE", "+CMGF", "+CSMS", "+CNMI":
		return ok
	case "+CPIN?":
		return "\r\n+CPIN: " + f.sim + "\r\n" + ok
	case "+CPIN":
		f.pins = append(f.pins, value)
		if strings.Trim(value, `"`) != f.pin {
			return "\r\n+CME ERROR: 16\r\n"
		}
		f.sim = "READY"
		return ok
	case "+CSQ":
		return "\r\n+CSQ: 20,99\r\n" + ok
	case "+CREG?":
		return "\r\n+CREG: " + f.network + "\r\n" + ok
	case "+CMGL":
		out := ""
		for i := range 100 {
			if pdu, ok := f.card[i]; ok {
				out += fmt.Sprintf("\r\n+CMGL: %d,1,,%d\r\n%s\r\n", i, len(pdu)/2-1, pdu)
			}
		}
		return out + ok
	case "+CMGD":
		var i int
		fmt.Sscan(value, &i)
		delete(f.card, i)
		return ok
	case "+CMGS":
		if f.onPrompt != nil {
			if out := f.onPrompt(); out != "" {
				return out
			}
		}
		return "\r\n> "
	}
	return "\r\nERROR\r\n"
}

// take takes a PDU that was handed over.
func (f *fake) take(text string) string {
	pdu, err := pdumode.UnmarshalHexString(text)
	if err != nil {
		return "\r\n+CMS ERROR: 304\r\n"
	}
	part := &tpdu.TPDU{Direction: tpdu.MO}
	if err := part.UnmarshalBinary(pdu.TPDU); err != nil {
		return "\r\n+CMS ERROR: 304\r\n"
	}
	if part.SmsType() != tpdu.SmsSubmit {
		return "\r\n+CMS ERROR: 304\r\n"
	}
	f.sent = append(f.sent, part)
	if f.onPDU != nil {
		if out := f.onPDU(); out != "" {
			return out
		}
	}
	return fmt.Sprintf("\r\n+CMGS: %d\r\n\r\nOK\r\n", len(f.sent))
}

// texts are the parts that were taken, put together.
func (f *fake) texts() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err := sms.Decode(f.sent)
	if err != nil {
		f.t.Errorf("what was sent: %v", err)
	}
	return string(text)
}

// deliver puts a text onto the card, in parts, and tells of it.
func (f *fake) deliver(from, text string, at time.Time, skip ...int) {
	f.t.Helper()
	parts, err := sms.Encode([]byte(text), sms.AsDeliver, sms.From(from))
	if err != nil {
		f.t.Fatal(err)
	}
	for n, part := range parts {
		if len(skip) > 0 && skip[0] == n {
			continue
		}
		part.SCTS = tpdu.Timestamp{Time: at}
		if !strings.HasPrefix(from, "+") {
			part.OA.SetTypeOfNumber(tpdu.TonNational)
		}
		index := f.store(part)
		f.say(`+CMTI: "SM",%d`, index)
	}
}

func (f *fake) store(part tpdu.TPDU) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	index := 0
	for f.card[index] != "" {
		index++
	}
	f.card[index] = f.hex(part)
	return index
}

func (f *fake) hex(part tpdu.TPDU) string {
	b, err := part.MarshalBinary()
	if err != nil {
		f.t.Error(err)
	}
	return "00" + strings.ToUpper(hex.EncodeToString(b))
}

// taken are the parts that were taken.
func (f *fake) taken() []*tpdu.TPDU {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}

// deliveryReport tells what became of a part.
func (f *fake) deliveryReport(reference int, to string, status byte) {
	f.say("%s", strings.Join(f.reportLines(reference, to, status), "\r\n"))
}

// reportLines are the lines of a delivery report.
func (f *fake) reportLines(reference int, to string, status byte) []string {
	part := tpdu.TPDU{Direction: tpdu.MT, MR: byte(reference), ST: status, SCTS: tpdu.Timestamp{Time: noon}, DT: tpdu.Timestamp{Time: noon}}
	part.FirstOctet = 2
	part.RA = tpdu.NewAddress(tpdu.FromNumber(to))
	text := f.hex(part)
	return []string{fmt.Sprintf("+CDS: %d", len(text)/2-1), text}
}

// stored is how many parts are on the card.
func (f *fake) stored() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.card)
}
