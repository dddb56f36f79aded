package influx

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"testing"
	"time"

	"stillwater"
)

// TestVictoriaMetrics: a store that speaks the same protocol takes what we write; it keeps milliseconds, and what comes twice is once where it
// is told to look (README).
func TestVictoriaMetrics(t *testing.T) {
	program, err := exec.LookPath("victoria-metrics")
	if err != nil {
		t.Skip("left out: needs victoria-metrics (make test installs it)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.Command(program, "-httpListenAddr="+address, "-storageDataPath="+t.TempDir(), "-retentionPeriod=100y", "-dedup.minScrapeInterval=1ms", "-memory.allowedBytes=64MB")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	until(t, "victoria-metrics answers", func() bool {
		resp, err := http.Get("http://" + address + "/health")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	h, stop := running(t, at(t, "http://"+address, Config{Bucket: "any", Batch: 50, Every: 20 * time.Millisecond}))
	h.Committed(batch(0, 300))
	h.Committed(batch(100, 300)) // again, as after a kill
	h.Committed(&stillwater.Batch{Incidents: []stillwater.Incident{incident()}})
	until(t, "all sent", func() bool { return h.Counts().Written == 501 && h.Counts().Waiting == 0 })
	stop()
	flush, err := http.Get("http://" + address + "/internal/force_flush")
	if err != nil {
		t.Fatal(err)
	}
	flush.Body.Close()
	query := url.Values{"match[]": {`reading_value{device="m 1",quantity="water.total"}`}, "start": {"2026-03-01T00:00:00Z"}, "end": {"2026-03-03T00:00:00Z"}, "reduce_mem_usage": {"0"}}
	resp, err := http.Get("http://" + address + "/api/v1/export?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	values := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		var series struct{ Values []float64 }
		if err := json.Unmarshal(lines.Bytes(), &series); err != nil {
			t.Fatal(err)
		}
		for i, v := range series.Values {
			if v != float64(i)+0.5 {
				t.Fatalf("value %d is %v", i, v)
			}
		}
		values += len(series.Values)
	}
	if values != 300 {
		t.Errorf("%d values, want 300", values)
	}
}
