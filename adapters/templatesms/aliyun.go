package templatesms

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"stillwater"
)

// Aliyun sends by Aliyun's text service (dysmsapi 2017-05-25): SendSms, and QuerySendDetails for what became of it, by number, day and
// our code as OutId.
type Aliyun struct{ account }

const (
	// pageSize is the most that one page of QuerySendDetails has.
	pageSize = 50
	// maxPages bounds a list: no number gets five hundred texts a day.
	maxPages = 10
)

// call makes one call of the API.
func (a *Aliyun) call(ctx context.Context, action string, params map[string]string, into any) error {
	base := a.cfg.BaseURL
	if base == "" {
		base = "https://dysmsapi.aliyuncs.com"
	}
	req, err := http.NewRequest(http.MethodPost, base+"/?"+canonicalQuery(params), nil)
	if err != nil {
		return errors.New("the address of the API cannot be written")
	}
	req.Header.Set("x-acs-action", action)
	req.Header.Set("x-acs-version", "2017-05-25")
	req.Header.Set("x-acs-date", a.now().UTC().Format("2006-01-02T15:04:05Z"))
	req.Header.Set("x-acs-signature-nonce", rand.Text())
	signACS3(req, a.cfg.Key, a.cfg.Secret.Reveal(), nil)
	answer, err := a.calls.Do(ctx, req)
	if err != nil {
		return err
	}
	var said struct{ Code string }
	if err := decode(answer, &said); err != nil {
		return err
	}
	switch {
	case said.Code == "":
		return answer.Strange()
	case said.Code != "OK":
		return classify(aliyunCodes, said.Code).fail(said.Code)
	}
	return decode(answer, into)
}

// Send hands the template for m to m.To.
func (a *Aliyun) Send(ctx context.Context, m stillwater.Message) (string, error) {
	o, err := a.cfg.order(m)
	if err != nil {
		return "", a.failed("send", err)
	}
	vars := make(map[string]string, len(o.values))
	for _, v := range o.values {
		vars[v.name] = v.text
	}
	filled, err := json.Marshal(vars)
	if err != nil {
		return "", a.failed("send", fmt.Errorf("%w: the variables cannot be written", stillwater.ErrRefused))
	}
	at := a.now()
	var sent struct {
		BizID string `json:"BizId"`
	}
	err = a.call(ctx, "SendSms", map[string]string{
		"PhoneNumbers": o.phone, "SignName": a.cfg.Sign, "TemplateCode": o.template, "TemplateParam": string(filled), "OutId": o.code,
	}, &sent)
	if err != nil {
		return "", a.failed("send", err)
	}
	if sent.BizID == "" { // something answered, and not as Aliyun does
		return "", a.failed("send", errors.New("the answer has no BizId"))
	}
	return a.sealer.seal(receipt{phone: o.phone, sent: at, code: o.code}), nil
}

// A detail is one text as QuerySendDetails lists it.
type detail struct {
	OutID      string `json:"OutId"`
	SendStatus int    // 1 no receipt yet, 2 failed, 3 delivered
	ErrCode    string
}

// find looks for a code among the texts to a number on a day of Beijing.
func (a *Aliyun) find(ctx context.Context, phone, day, code string) (found *detail, err error) {
	for page := 1; page <= maxPages; page++ {
		var list struct {
			TotalCount        json.RawMessage // a number, or one in quotes
			SmsSendDetailDTOs struct {
				SmsSendDetailDTO []detail
			}
		}
		err := a.call(ctx, "QuerySendDetails", map[string]string{
			"PhoneNumber": phone, "SendDate": day, "PageSize": strconv.Itoa(pageSize), "CurrentPage": strconv.Itoa(page),
		}, &list)
		if err != nil {
			return nil, err
		}
		details := list.SmsSendDetailDTOs.SmsSendDetailDTO
		for i := range details {
			if details[i].OutID == code {
				return &details[i], nil
			}
		}
		total, err := strconv.Atoi(string(trimQuotes(list.TotalCount)))
		switch {
		case err != nil:
			return nil, errors.New("the list does not say how long it is")
		case page*pageSize >= total:
			return nil, nil
		case len(details) == 0:
			return nil, errors.New("the list ends before its end")
		}
	}
	return nil, fmt.Errorf("more than %d texts to one number in a day, not all were looked at", maxPages*pageSize)
}

func trimQuotes(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

// Find looks for a text to the number that bears the code, on every day since the given moment.
func (a *Aliyun) Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (string, bool, error) {
	phone, ok := mainland(to)
	if !ok || !codeShape.MatchString(code) {
		return "", false, a.failed("find", errors.New("it takes a mobile of mainland China and a code"))
	}
	now := a.now()
	if now.Sub(since) > 30*24*time.Hour { // QuerySendDetails goes back thirty days
		return "", false, a.failed("find", errors.New("the list goes back thirty days only"))
	}
	for at := now; ; at = at.Add(-24 * time.Hour) {
		day := at.In(beijing).Format("20060102")
		d, err := a.find(ctx, phone, day, code)
		switch {
		case err != nil:
			return "", false, a.failed("find", err)
		case d != nil:
			return a.sealer.seal(receipt{phone: phone, sent: at, code: code}), true, nil
		case day <= since.In(beijing).Format("20060102"):
			return "", false, nil
		}
	}
}

// Status asks how far a text has come. The detail is the carrier's word for it.
func (a *Aliyun) Status(ctx context.Context, id string) (stillwater.DeliveryState, string, error) {
	r, err := a.sealer.open(id)
	if err != nil {
		return "", "", a.failed("status", err)
	}
	for _, at := range []time.Time{r.sent, r.sent.Add(10 * time.Minute), r.sent.Add(-10 * time.Minute)} { // by their clock it may be the next day, or still the day before
		day := at.In(beijing).Format("20060102")
		if !at.Equal(r.sent) && day == r.sent.In(beijing).Format("20060102") {
			continue
		}
		d, err := a.find(ctx, r.phone, day, r.code)
		if err != nil {
			return "", "", a.failed("status", err)
		}
		if d != nil {
			return d.state(a)
		}
	}
	return "", "", a.failed("status", errors.New("the text is not listed yet"))
}

// state reads a detail.
func (d *detail) state(a *Aliyun) (stillwater.DeliveryState, string, error) {
	switch d.SendStatus {
	case 1:
		return stillwater.Accepted, "no receipt yet", nil
	case 2:
		return stillwater.Failed, word(d.ErrCode), nil
	case 3:
		return stillwater.Delivered, word(d.ErrCode), nil
	}
	return "", "", a.failed("status", fmt.Errorf("unknown status %d", d.SendStatus))
}
