package templatesms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Why the signatures are made here (2026-11): Aliyun's SDK for texts (dysmsapi-20170525 v4.1.2) brings sixteen modules and 1.7 MB, Tencent
// Cloud's (sms v1.0.1000) two modules and 0.2 MB; neither says whether a request that failed had a connection, which decides whether a
// text may be sent again. The signatures are forty lines, held to the providers' published examples.

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// signACS3 signs a request of Aliyun's API in the way ACS3-HMAC-SHA256
// (help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature). Its x-acs- headers are set before.
func signACS3(req *http.Request, key, secret string, body []byte) {
	req.Header.Set("x-acs-content-sha256", sha(body))
	headers := map[string]string{"host": req.URL.Host}
	for name, values := range req.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-acs-") {
			headers[name] = strings.TrimSpace(values[0])
		}
	}
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var lines strings.Builder
	for _, name := range names {
		lines.WriteString(name + ":" + headers[name] + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{req.Method, "/", req.URL.RawQuery, lines.String(), signed, sha(body)}, "\n")
	signature := hex.EncodeToString(mac([]byte(secret), "ACS3-HMAC-SHA256\n"+sha([]byte(canonical))))
	req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+key+",SignedHeaders="+signed+",Signature="+signature)
}

// canonicalQuery writes parameters sorted and encoded by RFC 3986, as they are signed.
func canonicalQuery(params map[string]string) string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = escape(name) + "=" + escape(params[name])
	}
	return strings.Join(names, "&")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// signTC3 signs a JSON request of Tencent Cloud's API in the way TC3-HMAC-SHA256 (cloud.tencent.com/document/api/213/30654).
func signTC3(req *http.Request, id, secret, service string, at time.Time, body []byte) {
	const kind, signed = "application/json; charset=utf-8", "content-type;host;x-tc-action"
	stamp, date := strconv.FormatInt(at.Unix(), 10), at.UTC().Format(time.DateOnly)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-TC-Timestamp", stamp)
	headers := "content-type:" + kind + "\nhost:" + req.URL.Host + "\nx-tc-action:" + strings.ToLower(req.Header.Get("X-TC-Action")) + "\n"
	canonical := strings.Join([]string{req.Method, "/", "", headers, signed, sha(body)}, "\n")
	scope := date + "/" + service + "/tc3_request"
	key := []byte("TC3" + secret)
	for _, part := range []string{date, service, "tc3_request"} {
		key = mac(key, part)
	}
	signature := hex.EncodeToString(mac(key, strings.Join([]string{"TC3-HMAC-SHA256", stamp, scope, sha([]byte(canonical))}, "\n")))
	req.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+id+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}
