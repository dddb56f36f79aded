package pull

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"stillwater/adapters/platform"
)

const (
	// maxAnswer bounds one answer of the interface.
	maxAnswer = 64 << 20
	// maxPages bounds one fetch; an interface that never ends its pages would be asked for ever.
	maxPages = 10_000
)

// An asker fetches from an HTTP interface.
type asker struct {
	*HTTP
	puller *Puller
	stamp  *platform.Stamp
	client *http.Client
}

func newAsker(p *Puller) (*asker, error) {
	h := p.config.HTTP
	zone := p.config.Zone
	if zone == "" {
		zone = "UTC"
	}
	stamp, err := platform.NewStamp(h.Since, zone)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.DisableKeepAlives = true // it is asked once in an hour
	if h.CAFile != "" {
		pem, err := os.ReadFile(h.CAFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%q holds no certificates (PEM)", h.CAFile)
		}
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &asker{HTTP: h, puller: p, stamp: stamp, client: client}, nil
}

// since is the time from which on readings are wanted: so far back of the newest one as a meter may be late.
func (a *asker) since(now time.Time) time.Time {
	newest := a.puller.seen.newest
	if newest.IsZero() {
		return now.Add(-a.puller.config.Reach)
	}
	if newest.After(now) {
		newest = now // of a meter whose clock is ahead
	}
	return newest.Add(-a.puller.config.Overlap)
}

// fetch asks for one page after the other.
func (a *asker) fetch(ctx context.Context, give func([]byte) (int, any, error)) (bool, error) {
	now := a.puller.clock.Now()
	words := map[string]string{"since": a.stamp.Write(a.since(now)), "until": a.stamp.Write(now), "cursor": ""}
	paged := strings.Contains(a.URL+a.Body, "{page}")
	var before [sha256.Size]byte
	page := a.FirstPage
	if page == 0 {
		page = 1
	}
	for n := range maxPages {
		words["page"] = strconv.Itoa(page + n)
		data, err := a.ask(ctx, words)
		if err != nil {
			return false, err
		}
		this := sha256.Sum256(data)
		if n > 0 && this == before {
			return false, nil // it does not know pages, or gives its last one for ever
		}
		before = this
		records, doc, err := give(data)
		if err != nil {
			return false, err
		}
		if a.Cursor != "" {
			cursor := platform.At(doc, a.Cursor)
			if cursor == "" || cursor == words["cursor"] {
				return false, nil
			}
			words["cursor"] = cursor
		} else if !paged || records == 0 {
			return false, nil
		}
	}
	return false, fmt.Errorf("no end after %d pages", maxPages)
}

// ask makes one request. Its errors say nothing of the address, which may hold the token.
func (a *asker) ask(ctx context.Context, words map[string]string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.puller.config.Timeout)
	defer cancel()
	req, err := a.request(ctx, words)
	if err != nil {
		return nil, errors.New("the address cannot be made into a request")
	}
	resp, err := a.client.Do(req)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return nil, fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%s answers %d: the token or password is not taken", req.URL.Host, resp.StatusCode)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("%s answers %d, a redirection, which is not followed; write the address it leads to", req.URL.Host, resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %d", req.URL.Host, resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		err = fmt.Errorf("more than %d MB in one answer; ask for less with pages", maxAnswer>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	return data, nil
}

func (a *asker) request(ctx context.Context, words map[string]string) (*http.Request, error) {
	address := fill(a.URL, words, url.QueryEscape)
	method, body := http.MethodGet, io.Reader(nil)
	if a.Body != "" {
		method, body = http.MethodPost, strings.NewReader(fill(a.Body, words, func(s string) string { return strings.Trim(strconv.Quote(s), `"`) }))
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch token := a.Token.Reveal(); {
	case a.Username != "":
		req.SetBasicAuth(a.Username, a.Password.Reveal())
	case token == "":
	case a.Header != "":
		req.Header.Set(a.Header, token)
	case a.Query != "":
		q := req.URL.Query()
		q.Set(a.Query, token)
		req.URL.RawQuery = q.Encode()
	default:
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// fill puts words into braces.
func fill(text string, words map[string]string, escape func(string) string) string {
	for name, value := range words {
		text = strings.ReplaceAll(text, "{"+name+"}", escape(value))
	}
	return text
}
