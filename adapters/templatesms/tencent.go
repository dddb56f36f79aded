package templatesms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// Tencent sends by Tencent Cloud's text service (sms 2021-01-11): SendSms, and PullSmsSendStatusByPhoneNumber for receipts.
//
// It lists receipts, not what was sent, and gives our code back (as SessionContext) only to accounts that asked for it. So a text may
// be found by its code, but never be said not to be there.
type Tencent struct{ account }

// pulled is the most that one answer of receipts or replies has.
const pulled = 100

// call makes one call of the API.
func (t *Tencent) call(ctx context.Context, action string, params, into any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("%w: the parameters cannot be written", stillwater.ErrRefused)
	}
	base := t.cfg.BaseURL
	if base == "" {
		base = "https://sms.tencentcloudapi.com"
	}
	req, err := http.NewRequest(http.MethodPost, base+"/", bytes.NewReader(body))
	if err != nil {
		return errors.New("the address of the API cannot be written")
	}
	req.Header.Set("X-TC-Action", action)
	req.Header.Set("X-TC-Version", "2021-01-11")
	req.Header.Set("X-TC-Region", t.cfg.Region)
	signTC3(req, t.cfg.Key, t.cfg.Secret.Reveal(), "sms", t.now(), body)
	answer, err := t.calls.Do(ctx, req)
	if err != nil {
		return err
	}
	var said struct{ Response json.RawMessage }
	var bad struct{ Error struct{ Code string } }
	if err := decode(answer, &said); err != nil || said.Response == nil {
		return answer.Strange()
	}
	if err := json.Unmarshal(said.Response, &bad); err != nil {
		return answer.Strange()
	}
	if bad.Error.Code != "" {
		return classify(tencentCodes, bad.Error.Code).fail(bad.Error.Code)
	}
	if err := json.Unmarshal(said.Response, into); err != nil {
		return answer.Strange()
	}
	return nil
}

// Send hands the template for m to m.To.
func (t *Tencent) Send(ctx context.Context, m stillwater.Message) (string, error) {
	o, err := t.cfg.order(m)
	if err != nil {
		return "", t.failed("send", err)
	}
	values := make([]string, len(o.values))
	for i, v := range o.values {
		values[i] = v.text
	}
	at := t.now()
	var sent struct {
		SendStatusSet []struct{ SerialNo, Code string }
	}
	err = t.call(ctx, "SendSms", map[string]any{
		"PhoneNumberSet": []string{"+86" + o.phone}, "SmsSdkAppId": t.cfg.App, "SignName": t.cfg.Sign,
		"TemplateId": o.template, "TemplateParamSet": values, "SessionContext": o.code,
	}, &sent)
	switch {
	case err != nil:
		return "", t.failed("send", err)
	case len(sent.SendStatusSet) != 1:
		return "", t.failed("send", fmt.Errorf("the answer is about %d texts, not one", len(sent.SendStatusSet)))
	}
	if s := sent.SendStatusSet[0]; s.Code != "Ok" {
		return "", t.failed("send", classify(tencentCodes, s.Code).fail(s.Code))
	}
	return t.sealer.seal(receipt{phone: o.phone, sent: at, code: o.code, id: sent.SendStatusSet[0].SerialNo}), nil
}

// A report is one receipt.
type report struct {
	SerialNo, ReportStatus, Description string
	SessionContext                      *string // null or empty unless the account asked for it
}

// reports gives the receipts of a number since a moment, at most a hundred: whole says whether that is all of them.
func (t *Tencent) reports(ctx context.Context, phone string, since time.Time) (list []report, whole bool, err error) {
	now := t.now()
	if oldest := now.Add(-7*24*time.Hour + time.Minute); since.Before(oldest) {
		since = oldest // it goes back seven days
	}
	var answer struct{ PullSmsSendStatusSet []report }
	err = t.call(ctx, "PullSmsSendStatusByPhoneNumber", map[string]any{
		"BeginTime": since.Unix(), "EndTime": now.Unix(), "Offset": 0, "Limit": pulled, "PhoneNumber": "+86" + phone, "SmsSdkAppId": t.cfg.App,
	}, &answer)
	return answer.PullSmsSendStatusSet, len(answer.PullSmsSendStatusSet) < pulled, err
}

// Find looks for a receipt that bears the code. That there is none says nothing: it is an error.
func (t *Tencent) Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (string, bool, error) {
	phone, ok := mainland(to)
	if !ok || !codeShape.MatchString(code) {
		return "", false, t.failed("find", errors.New("it takes a mobile of mainland China and a code"))
	}
	list, _, err := t.reports(ctx, phone, since)
	if err != nil {
		return "", false, t.failed("find", err)
	}
	for _, r := range list {
		if r.SessionContext != nil && *r.SessionContext == code && r.SerialNo != "" {
			return t.sealer.seal(receipt{phone: phone, sent: t.now(), code: code, id: r.SerialNo}), true, nil
		}
	}
	return "", false, t.failed("find", errors.New("there is no receipt of it, which does not say that it was not sent"))
}

// Status asks for the receipt of a text. The detail is the carrier's word for it.
func (t *Tencent) Status(ctx context.Context, id string) (stillwater.DeliveryState, string, error) {
	r, err := t.sealer.open(id)
	if err == nil && r.id == "" {
		err = errReceipt
	}
	if err != nil {
		return "", "", t.failed("status", err)
	}
	list, whole, err := t.reports(ctx, r.phone, r.sent.Add(-time.Hour))
	if err != nil {
		return "", "", t.failed("status", err)
	}
	i := slices.IndexFunc(list, func(have report) bool { return have.SerialNo == r.id })
	switch {
	case i < 0 && !whole:
		return "", "", t.failed("status", fmt.Errorf("more than %d receipts of one number, not all were looked at", pulled))
	case i < 0:
		return stillwater.Accepted, "no receipt yet", nil
	case list[i].ReportStatus == "SUCCESS":
		return stillwater.Delivered, word(list[i].Description), nil
	case list[i].ReportStatus == "FAIL":
		return stillwater.Failed, word(list[i].Description), nil
	}
	return "", "", t.failed("status", fmt.Errorf("unknown status %q", word(list[i].ReportStatus)))
}

// optOut are the words by which a carrier takes a number off: T, TD and N of old, R today.
var optOut = []string{"T", "TD", "N", "R", "退订", "拒收"}

// OptOuts gives the opt-out words that came in, and nothing else that did. Tencent Cloud hands each reply out once, and only to accounts
// that asked for it; since bounds what is told of them.
func (t *Tencent) OptOuts(ctx context.Context, since time.Time) ([]stillwater.Reply, error) {
	var answer struct {
		PullSmsReplyStatusSet []struct {
			PhoneNumber, ReplyContent string
			ReplyTime                 int64
		}
	}
	if err := t.call(ctx, "PullSmsReplyStatus", map[string]any{"Limit": pulled, "SmsSdkAppId": t.cfg.App}, &answer); err != nil {
		return nil, t.failed("opt-outs", err)
	}
	var replies []stillwater.Reply
	for _, r := range answer.PullSmsReplyStatusSet {
		said, at := strings.ToUpper(strings.TrimSpace(r.ReplyContent)), time.Unix(r.ReplyTime, 0).UTC()
		if _, ok := mainland(stillwater.Address(r.PhoneNumber)); !ok || !slices.Contains(optOut, said) || at.Before(since.Truncate(time.Second)) {
			continue
		}
		id := "tencent-" + sha([]byte(r.PhoneNumber + "|" + said + "|" + at.String()))[:16]
		replies = append(replies, stillwater.Reply{ID: id, From: stillwater.Phone(r.PhoneNumber), Text: said, At: at})
	}
	slices.SortStableFunc(replies, func(a, b stillwater.Reply) int { return a.At.Compare(b.At) })
	return replies, nil
}
