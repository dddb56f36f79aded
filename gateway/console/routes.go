package console

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"stillwater/gateway/web"
)

//go:embed assets templates
var embedded embed.FS

// policy lets a page load its own style sheet, script and pictures, and nothing else from anywhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// routes is every address there is. Only those with POST change anything.
func (c *Console) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", c.page("index", c.index))
	mux.Handle("GET /homes/{id}", c.page("home", c.home))
	mux.Handle("GET /incidents/{id}", c.page("incident", c.incident))
	mux.Handle("POST /incidents/{id}", c.change(c.act))
	if c.Absences != nil {
		mux.Handle("POST /homes/{id}/absence", c.change(c.absent))
	}
	if c.Lives != nil {
		mux.Handle("POST /homes/{id}/life", c.change(c.live))
		mux.Handle("GET /homes/{id}/sure", c.page("sure", c.sure))
	}
	if c.Cuts != nil {
		mux.Handle("POST /homes/{id}/cut", c.change(c.cut))
	}
	if c.Demo {
		mux.Handle("POST /clock", c.change(c.setSpeed))
	}
	if c.Stage != nil {
		mux.Handle("POST /stage", c.change(c.stage))
	}
	if c.Phones != nil {
		mux.Handle("GET /phones", c.page("phones", c.phones))
		mux.Handle("POST /phones", c.change(c.write))
	}
	if c.Devices != nil {
		mux.Handle("GET /maintenance", c.page("maintenance", c.maintenance))
		mux.HandleFunc("GET /api/devices", c.apiDevices)
	}
	if c.API != nil {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} { // each by itself: "GET /" below is for pages
			mux.Handle(method+" /api/v1/", c.API)
		}
	}
	if c.Metrics != nil {
		mux.Handle("GET /metrics", c.Metrics)
	}
	mux.HandleFunc("GET /healthz", c.healthz)
	mux.HandleFunc("GET /api/homes", c.apiHomes)
	mux.HandleFunc("GET /api/incidents", c.apiIncidents)
	if err := serveAssets(mux); err != nil {
		return nil, err
	}
	mux.Handle("GET /", c.page("problem", func(*view, *http.Request) (any, error) { return nil, errNotFound }))
	return guard(mux), nil
}

// guard sets what every answer has in common, and turns away requests that name another host: a page elsewhere could
// otherwise read ours by giving its own name this machine's address.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Shield(w.Header(), policy)
		host := r.Host
		if name, _, err := net.SplitHostPort(r.Host); err == nil {
			host = name
		}
		if !loopback(strings.Trim(host, "[]")) {
			http.Error(w, "This console answers on this machine only: open it as http://127.0.0.1 or http://localhost.", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// loopback says whether a host is this machine and cannot be another.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// sameOrigin says whether a request certainly comes from one of our pages. A browser says so in one header or the other;
// a request with neither is refused too.
func sameOrigin(r *http.Request) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site == "" && origin == "" || site != "" && site != "same-origin" {
		return false
	}
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host && u.Scheme == "http"
}

// serveAssets adds the style sheet, the script and the icon. They change only with the program.
func serveAssets(mux *http.ServeMux) error {
	files, err := fs.ReadDir(embedded, "assets")
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	for _, f := range files {
		content, err := embedded.ReadFile(path.Join("assets", f.Name()))
		if err != nil {
			return fmt.Errorf("asset %q: %w", f.Name(), err)
		}
		sum := sha256.Sum256(content)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:9]) + `"`
		kind := mime.TypeByExtension(path.Ext(f.Name()))
		mux.HandleFunc("GET /assets/"+f.Name(), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("ETag", tag)
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(content)))
		})
	}
	return nil
}
