package influx

import (
	"github.com/influxdata/influxdb-client-go/v2/api/write"
)

// point makes the point of an item. A point of the same measurement, tags and time replaces the former, so writing again
// is safe, and a finding that ends replaces itself as it began. Numbers are floats and signed integers only: InfluxDB 1.8
// refuses unsigned ones, and a field keeps the type it had first.
func (i item) point() *write.Point {
	if i.finding != nil {
		return i.findingPoint()
	}
	r := i.reading
	return write.NewPointWithMeasurement("reading").
		AddTag("household", string(r.Household)).
		AddTag("device", string(r.Device)).
		AddTag("quantity", string(r.Quantity)).
		AddField("value", r.Value).
		SetTime(r.At).
		SortTags() // as the database has them, which spares it the sorting
}

func (i item) findingPoint() *write.Point {
	f := *i.finding
	p := write.NewPointWithMeasurement("finding").
		AddTag("household", string(f.Household)).
		AddTag("rule", f.Rule).
		AddTag("kind", string(f.Kind)).
		AddTag("severity", string(f.Severity)).
		AddField("open", one(f.Ended.IsZero())).
		AddField("trial", one(f.Trial)).
		AddField("span_s", f.Facts.Span.Seconds()).
		AddField("limit_s", f.Facts.Limit.Seconds()).
		AddField("litres", float64(f.Facts.Litres)).
		SetTime(f.Began)
	if f.Device != "" {
		p.AddTag("device", string(f.Device))
	}
	if !f.Ended.IsZero() {
		p.AddField("lasted_s", f.Ended.Sub(f.Began).Seconds())
	}
	return p.SortTags().SortFields()
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
