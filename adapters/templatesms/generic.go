package templatesms

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// Described sends by a provider that is described in the configuration and cannot be asked.
type Described struct{ account }

// AskedGeneric is one whose receipts are described, too.
type AskedGeneric struct{ Described }

// call makes one call as described and gives the answer as a JSON document.
func (d *Described) call(ctx context.Context, r Request, means map[string]string) (any, error) {
	now := d.now()
	for name, text := range map[string]string{
		"sign": d.cfg.Sign, "key": d.cfg.Key, "secret": d.cfg.Secret.Reveal(), "nonce": rand.Text(),
		"timestamp": strconv.FormatInt(now.Unix(), 10), "millis": strconv.FormatInt(now.UnixMilli(), 10),
		"time": now.In(beijing).Format("20060102150405"), "date": now.In(beijing).Format("20060102"),
	} {
		means[name] = text
	}
	d.sign(r, means)
	req, err := request(r, means)
	if err != nil {
		return nil, err
	}
	answer, err := d.calls.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	var doc any
	decoder := json.NewDecoder(strings.NewReader(string(answer.Body)))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err != nil {
		return nil, answer.Strange()
	}
	if _, ok := jsonfield.At(doc, d.cfg.Generic.Success.Field); !ok {
		return nil, answer.Strange()
	}
	return doc, nil
}

// sign puts the signature among the meanings.
func (d *Described) sign(r Request, means map[string]string) {
	s := d.cfg.Generic.Sign
	if s.Kind == "" {
		return
	}
	if strings.Contains(s.Of, "{sorted}") {
		var pairs []string
		for name, text := range r.Fields {
			if !strings.Contains(text, "{signature}") {
				pairs = append(pairs, name+"="+filled(text, means))
			}
		}
		slices.Sort(pairs)
		means["sorted"] = strings.Join(pairs, "&")
	}
	text := filled(s.Of, means)
	sum := mac([]byte(d.cfg.Secret.Reveal()), text)
	if s.Kind == "md5" {
		digest := md5.Sum([]byte(text))
		sum = digest[:]
	}
	switch s.Write {
	case "HEX":
		means["signature"] = strings.ToUpper(hex.EncodeToString(sum))
	case "base64":
		means["signature"] = base64.StdEncoding.EncodeToString(sum)
	default:
		means["signature"] = hex.EncodeToString(sum)
	}
}

// filled is a text with what its places mean; what has no meaning here is left out.
func filled(text string, means map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(m string) string { return means[m[1:len(m)-1]] })
}

// request writes a call.
func request(r Request, means map[string]string) (*http.Request, error) {
	form, fields := url.Values{}, map[string]string{}
	for name, text := range r.Fields {
		fields[name] = filled(text, means)
		form.Set(name, fields[name])
	}
	method, address, body, kind := http.MethodPost, r.URL, form.Encode(), "application/x-www-form-urlencoded"
	switch {
	case r.Method == http.MethodGet:
		joint := "?"
		if strings.Contains(address, "?") {
			joint = "&"
		}
		method, address, body, kind = http.MethodGet, address+joint+body, "", ""
	case r.Encoding != "form":
		b, err := json.Marshal(fields)
		if err != nil {
			return nil, fmt.Errorf("%w: the fields cannot be written", stillwater.ErrRefused)
		}
		body, kind = string(b), "application/json; charset=utf-8"
	}
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the address of the call cannot be written")
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, text := range r.Headers {
		req.Header.Set(name, filled(text, means))
	}
	return req, nil
}

// Send hands the template for m to m.To.
func (d *Described) Send(ctx context.Context, m stillwater.Message) (string, error) {
	o, err := d.cfg.order(m)
	if err != nil {
		return "", d.failed("send", err)
	}
	at, g := d.now(), d.cfg.Generic
	doc, err := d.call(ctx, g.Send, o.means())
	if err != nil {
		return "", d.failed("send", err)
	}
	code := text(doc, g.Success.Field)
	if !slices.Contains(g.Success.Is, code) {
		return "", d.failed("send", g.Codes.class(code).fail(code))
	}
	r := receipt{phone: o.phone, sent: at, code: o.code}
	if g.Success.ID != "" {
		r.id = text(doc, g.Success.ID)
	}
	return d.sealer.seal(r), nil
}

// means is what the places of a description stand for.
func (o order) means() map[string]string {
	vars, list := map[string]string{}, []string{}
	means := map[string]string{"phone": o.phone, "template": o.template, "text": o.text, "code": o.code}
	for _, v := range o.values {
		vars[v.name] = v.text
		list = append(list, v.text)
		means["var."+v.name] = v.text
	}
	asJSON := func(v any) string { b, _ := json.Marshal(v); return string(b) } // strings always can
	means["vars"], means["list"] = asJSON(vars), asJSON(list)
	return means
}

func text(doc any, path string) string {
	v, _ := jsonfield.At(doc, path)
	return jsonfield.Text(v)
}

// class is what a code means.
func (c Codes) class(code string) class {
	switch {
	case slices.Contains(c.Refused, code):
		return refused
	case slices.Contains(c.Unable, code):
		return unable
	case slices.Contains(c.Limited, code):
		return limited
	case slices.Contains(c.NotSent, code):
		return notSent
	}
	return unclear
}

// look asks for receipts and gives the entry of a text; nil: it is not there.
func (d *AskedGeneric) look(ctx context.Context, r receipt) (entry any, err error) {
	g := d.cfg.Generic
	doc, err := d.call(ctx, g.Receipts.Request, map[string]string{"phone": r.phone, "code": r.code, "id": r.id})
	if err != nil {
		return nil, err
	}
	if code := text(doc, g.Success.Field); !slices.Contains(g.Success.Is, code) {
		return nil, g.Codes.class(code).fail(code)
	}
	found, ok := jsonfield.At(doc, g.Receipts.List)
	list, isList := found.([]any)
	if ok && !isList {
		return nil, errors.New("what should be the list of receipts is none")
	}
	for _, e := range list {
		byID := g.Receipts.ID != "" && r.id != "" && text(e, g.Receipts.ID) == r.id
		byCode := g.Receipts.Code != "" && text(e, g.Receipts.Code) == r.code
		if byID || byCode {
			return e, nil
		}
	}
	return nil, nil
}

// Find looks for a text that bears the code. Only a list that is said to be complete can show that it was not sent.
func (d *AskedGeneric) Find(ctx context.Context, to stillwater.Address, code string, _ time.Time) (string, bool, error) {
	phone, ok := mainland(to)
	if !ok || !codeShape.MatchString(code) {
		return "", false, d.failed("find", errors.New("it takes a mobile of mainland China and a code"))
	}
	r := receipt{phone: phone, sent: d.now(), code: code}
	entry, err := d.look(ctx, r)
	switch {
	case err != nil:
		return "", false, d.failed("find", err)
	case entry != nil:
		if d.cfg.Generic.Receipts.ID != "" {
			r.id = text(entry, d.cfg.Generic.Receipts.ID)
		}
		return d.sealer.seal(r), true, nil
	case !d.cfg.Generic.Receipts.Complete:
		return "", false, d.failed("find", errors.New("there is no receipt of it, which does not say that it was not sent"))
	}
	return "", false, nil
}

// Status asks how far a text has come. The detail is the provider's word for it.
func (d *AskedGeneric) Status(ctx context.Context, id string) (stillwater.DeliveryState, string, error) {
	r, err := d.sealer.open(id)
	if err != nil {
		return "", "", d.failed("status", err)
	}
	entry, err := d.look(ctx, r)
	switch {
	case err != nil:
		return "", "", d.failed("status", err)
	case entry == nil:
		return stillwater.Accepted, "no receipt yet", nil
	}
	said := text(entry, d.cfg.Generic.Receipts.State)
	switch {
	case slices.Contains(d.cfg.Generic.Receipts.Delivered, said):
		return stillwater.Delivered, word(said), nil
	case slices.Contains(d.cfg.Generic.Receipts.Failed, said):
		return stillwater.Failed, word(said), nil
	}
	return stillwater.Accepted, word(said), nil
}
