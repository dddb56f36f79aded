package influx

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"math"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"stillwater"
	"stillwater/adapters/influx/spool"
)

// Measurement, tags and time are what a point is: one that has them in common with another replaces it. So that two different things never
// are one point, and the same thing always is, the gateway's microseconds are followed by three digits of the thing's own number. Numbers
// are floats and signed integers only: InfluxDB 1.8 refuses unsigned ones, and a field keeps the type it had first.

// earliest and latest are what InfluxDB can count in nanoseconds, and more than a gateway knows of.
var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

// numbered is a moment with the digits of a number below the microsecond.
func numbered(at time.Time, number int64) time.Time {
	return at.Truncate(stillwater.Instant).Add(time.Duration(number % 1000))
}

// newPoint is a point with its tags; an empty one is left out, for it would spoil the line.
func newPoint(measurement string, tags ...[2]string) *write.Point {
	p := write.NewPointWithMeasurement(measurement)
	for _, t := range tags {
		if t[1] == "" {
			continue
		}
		if strings.HasSuffix(t[1], `\`) {
			t[1] += "_" // it would take the comma after it for its own
		}
		p.AddTag(t[0], t[1])
	}
	return p.SortTags() // as the database has them, which spares it the sorting
}

// line writes a point for the wire and the spool; nil if it cannot be said there.
func line(p *write.Point) []byte {
	if at := p.Time(); at.Before(earliest) || !at.Before(latest) {
		return nil
	}
	for _, f := range p.FieldList() {
		if v, ok := f.Value.(float64); ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return nil
		}
	}
	b := []byte(strings.TrimSuffix(write.PointToLineProtocol(p.SortFields(), time.Nanosecond), "\n"))
	if len(b) > spool.MaxRecord {
		return nil
	}
	return b
}

// householdOf is the household that a line is of; none of a group's.
func householdOf(line []byte) stillwater.HouseholdID {
	_, rest, ok := bytes.Cut(line, []byte(",household="))
	if !ok {
		return ""
	}
	var id []byte
	for i := 0; i < len(rest) && rest[i] != ',' && rest[i] != ' '; i++ {
		if rest[i] == '\\' && i+1 < len(rest) && strings.IndexByte(",= ", rest[i+1]) >= 0 {
			i++
		}
		id = append(id, rest[i])
	}
	return stillwater.HouseholdID(id)
}

// readingLine writes a reading. A device whose clock knows only seconds may say two things of one moment; seq, its line in the journal, keeps
// them apart and in order.
func readingLine(seq int64, r stillwater.Reading) []byte {
	return line(newPoint("reading", [2]string{"household", string(r.Household)}, [2]string{"device", string(r.Device)}, [2]string{"quantity", string(r.Quantity)}).
		AddField("value", r.Value).
		SetTime(numbered(r.At, seq)))
}

// findingLine writes a finding; as it ends it replaces itself as it began.
func findingLine(f stillwater.Finding) []byte {
	p := newPoint("finding", [2]string{"household", string(f.Household)}, [2]string{"group", group(f.Group)}, [2]string{"device", string(f.Device)},
		[2]string{"rule", f.Rule}, [2]string{"kind", string(f.Kind)}, [2]string{"severity", string(f.Severity)}).
		AddField("open", one(f.Ended.IsZero())).
		AddField("trial", one(f.Trial)).
		AddField("span_s", f.Facts.Span.Seconds()).
		AddField("limit_s", f.Facts.Limit.Seconds()).
		AddField("litres", float64(f.Facts.Litres)).
		SetTime(f.Began)
	if n := len(f.Facts.Members); n > 0 {
		p.AddField("homes", int64(n))
	}
	if !f.Ended.IsZero() {
		p.AddField("lasted_s", f.Ended.Sub(f.Began).Seconds())
	}
	return line(p)
}

// enters are the lines of an incident's log with which it comes into a state, or somebody else does.
var enters = map[string]stillwater.IncidentState{
	"opened": stillwater.Opened, "acknowledged": stillwater.Acknowledged, "on-site": stillwater.OnSite, "promise-lapsed": stillwater.Opened,
	"closed": stillwater.ClosedState, "reopened": stillwater.Opened,
}

// incidentLines writes a point for each state that an incident came into, or only for the last.
func incidentLines(i stillwater.Incident, all bool) (lines [][]byte) {
	last := true
	for n := len(i.Log); n > 0; n-- {
		state, ok := enters[i.Log[n-1].What]
		if !ok {
			continue
		}
		lines = append(lines, incidentLine(i, n-1, state, last))
		if last = false; !all {
			break
		}
	}
	return lines
}

// incidentLine writes an incident as it came into a state with the nth line of its log.
func incidentLine(i stillwater.Incident, nth int, state stillwater.IncidentState, last bool) []byte {
	at := i.Log[nth].At
	p := newPoint("incident", [2]string{"household", string(i.Household)}, [2]string{"group", group(i.Group)}, [2]string{"kind", string(i.Kind)}, [2]string{"state", string(state)}).
		AddField("id", string(i.ID)).
		AddField("since_opened_s", at.Sub(i.Opened).Seconds()).
		SetTime(numbered(at, digits(string(i.ID))))
	if !last {
		return line(p) // what it has now it had later
	}
	p.AddField("severity", string(i.Severity)).AddField("findings", int64(len(i.Findings))).AddField("told", told(i))
	if state == stillwater.ClosedState && i.Outcome != "" {
		p.AddField("outcome", string(i.Outcome)).AddField("known", string(i.Known))
	}
	return line(p)
}

// told is how many texts the incident's log knows of.
func told(i stillwater.Incident) (n int64) {
	for _, e := range i.Log {
		if e.What == "told" {
			n++
		}
	}
	return n
}

// group names a group of homes without saying where it is: its kind, and a fingerprint of the rest, which is an address.
func group(g string) string {
	if g == "" {
		return ""
	}
	kind, _, _ := strings.Cut(g, "/")
	sum := sha256.Sum256([]byte(g))
	return kind + "-" + hex.EncodeToString(sum[:5])
}

// digits is a number for a name.
func digits(name string) int64 {
	h := fnv.New32a()
	h.Write([]byte(name)) //nolint:errcheck // never fails
	return int64(h.Sum32())
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
