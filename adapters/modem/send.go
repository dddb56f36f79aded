package modem

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/warthog618/modem/at"
	"github.com/warthog618/sms/encoding/pdumode"
	"github.com/warthog618/sms/encoding/tpdu"

	"stillwater"
)

// Send hands m.Text to m.To, in as many parts as it needs, and gives it a name for its delivery reports.
func (m *Modem) Send(ctx context.Context, msg stillwater.Message) (string, error) {
	if !isE164(string(msg.To)) || msg.Text == "" {
		return "", fmt.Errorf("send by modem: %w: contact %q has no number in E.164 form, or the text is empty", stillwater.ErrRefused, msg.Contact)
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return "", fmt.Errorf("send by modem: %w: %w", stillwater.ErrNotSent, ctx.Err())
	}
	m.mu.Lock()
	l, ill := m.line, m.ill
	m.mu.Unlock()
	if l == nil {
		return "", fmt.Errorf("send by modem: %w: it is away: %w", stillwater.ErrNotSent, ill)
	}
	parts, err := m.parts(msg.Text, string(msg.To))
	if err != nil {
		return "", fmt.Errorf("send by modem: %w: %w", stillwater.ErrRefused, err)
	}
	id := m.await(string(msg.To), len(parts))
	for n := range parts {
		if err := m.sendPart(ctx, l, &parts[n], id); err != nil {
			if n > 0 { // a handset may show what it has
				return "", fmt.Errorf("send by modem: part %d of %d, after others left: %s", n+1, len(parts), err)
			}
			return "", fmt.Errorf("send by modem: %w", err)
		}
	}
	return id.name, nil
}

// sendPart sends one part and judges what came of it.
func (m *Modem) sendPart(ctx context.Context, l *line, part *tpdu.TPDU, of *awaited) error {
	wait := m.cfg.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline))
	}
	if err := ctx.Err(); err != nil || wait <= 0 {
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, context.DeadlineExceeded)
	}
	pdu, err := part.MarshalBinary()
	if err != nil {
		return fmt.Errorf("%w: its PDU: %w", stillwater.ErrRefused, err)
	}
	l.submitted.Store(false)
	reference, err := l.SendPDU(pdu, at.WithTimeout(wait))
	if err != nil {
		if gone(err) { // its answer may still come, and must not be taken for the next text's: it is set up anew
			l.port.Close()
		}
		return judge(err, l.submitted.Load())
	}
	if n, err := strconv.Atoi(reference); err == nil && n >= 0 && n <= 255 {
		m.expect(byte(n), of)
	}
	return nil
}

// The numbers of +CMS ERROR (3GPP TS 27.005, with those of TS 24.011) that mean that trying again is pointless, that too much was sent, and that
// it is not clear what the network did.
var (
	refused = map[int]bool{
		1: true, 8: true, 10: true, 21: true, 28: true, 29: true, 30: true, 50: true, 69: true, 95: true, 96: true, 302: true, 303: true, 304: true, 305: true,
	}
	limited = map[int]bool{22: true, 42: true, 322: true}
	unclear = map[int]bool{332: true, 500: true} // network timeout, unknown error
)

// judge gives an error of a part its class. submitted: the Ctrl-Z was written, or may have been.
func judge(err error, submitted bool) error {
	said, isCMS := errors.AsType[at.CMSError](err)
	code, bad := strconv.Atoi(string(said))
	cme, isCME := errors.AsType[at.CMEError](err)
	switch {
	case isCMS && bad == nil && refused[code]:
		return fmt.Errorf("%w: error %d of the network or the modem", stillwater.ErrRefused, code)
	case isCMS && bad == nil && limited[code]:
		return fmt.Errorf("%w: %w: error %d of the network or the modem", stillwater.ErrNotSent, stillwater.ErrLimited, code)
	case isCMS && bad == nil && !unclear[code]:
		return fmt.Errorf("%w: error %d of the network or the modem", stillwater.ErrNotSent, code)
	case isCME:
		return fmt.Errorf("%w: error %s of the modem", stillwater.ErrNotSent, cme)
	case errors.Is(err, at.ErrError), !submitted:
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	}
	return fmt.Errorf("the modem took it and did not say what became of it: %w", err)
}

// awaited is a text whose delivery reports are awaited.
type awaited struct {
	name   string
	to     string
	parts  int // not reported yet
	failed bool
}

// await names a text and its parts.
func (m *Modem) await(to string, parts int) *awaited {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent++
	return &awaited{name: fmt.Sprintf("%s-%d", m.name, m.sent), to: to, parts: parts}
}

// expect notes whose a part's reference is. There are 256: the oldest gives way.
func (m *Modem) expect(reference byte, of *awaited) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.awaiting[reference] = of
}

// report takes a delivery report: "+CDS: n", and its PDU.
func (m *Modem) report(lines []string) {
	if len(lines) < 2 {
		return
	}
	status, ok := unmarshal(lines[1])
	if !ok || status.SmsType() != tpdu.SmsStatusReport {
		return
	}
	m.mu.Lock()
	of := m.awaiting[status.MR]
	if of == nil || of.to != status.RA.Number() || status.ST >= 0x20 && status.ST < 0x40 { // another's, or it is still tried
		m.mu.Unlock()
		return
	}
	delete(m.awaiting, status.MR)
	of.parts--
	failed := status.ST >= 0x40
	first := failed && !of.failed
	of.failed = of.failed || failed
	whole := of.parts == 0 && !of.failed
	m.mu.Unlock()
	if m.options.Receipt == nil {
		return
	}
	switch {
	case first:
		m.options.Receipt(of.name, stillwater.Failed, fmt.Sprintf("the network could not deliver it: status 0x%02x", status.ST))
	case whole:
		m.options.Receipt(of.name, stillwater.Delivered, "delivered")
	}
}

// unmarshal is the TPDU of a PDU in hex as a modem writes it, with the service centre before it.
func unmarshal(text string) (*tpdu.TPDU, bool) {
	pdu, err := pdumode.UnmarshalHexString(strings.TrimSpace(text))
	if err != nil {
		return nil, false
	}
	var t tpdu.TPDU
	return &t, t.UnmarshalBinary(pdu.TPDU) == nil
}

// isE164 says whether s is + and 7 to 15 digits, the first not 0.
func isE164(s string) bool {
	digits, ok := strings.CutPrefix(s, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}
