package influx

import (
	"fmt"
	"net/url"
	"time"

	"stillwater"
)

// Config says which InfluxDB history is copied to, and what may wait for it on disk.
type Config struct {
	URL     string            `yaml:"url" doc:"address of InfluxDB 2 or later, of 1.8 with its v2 write API, or of VictoriaMetrics, like http://127.0.0.1:8086"`
	Org     string            `yaml:"org,omitempty" doc:"organization the bucket is in; InfluxDB 1.8 has none"`
	Bucket  string            `yaml:"bucket" doc:"bucket to write to; for InfluxDB 1.8 write database/retention-policy, like gw/autogen"`
	Token   stillwater.Secret `yaml:"token,omitempty" doc:"where the token is kept; for InfluxDB 1.8 it is user:password; leave it out where none is asked for"`
	Spool   string            `yaml:"spool,omitempty" doc:"folder where points wait until the database has them; default the path of the store and .history, like stillwater.db.history"`
	SpoolMB int               `yaml:"spool_mb,omitempty" doc:"how many megabytes may wait; the oldest are dropped beyond it; 7 million points are about 1000; default 2000"`
	KeepMB  int               `yaml:"keep_mb,omitempty" doc:"how many megabytes of the disk are left free for the store: rather than take them, the oldest points are dropped; default 500"`
	Queue   int               `yaml:"queue,omitempty" doc:"how many points may wait; the oldest are dropped beyond it; default as many as spool_mb holds"`
	Sync    time.Duration     `yaml:"sync,omitempty" doc:"how often what waits is made certain on disk; what a power cut takes is fetched from the store, so seldom costs nothing and often slows the disk; default 10s"`
	Batch   int               `yaml:"batch,omitempty" doc:"how many points go in one request; default 1000"`
	Every   time.Duration     `yaml:"every,omitempty" doc:"how long a point waits at most for others to go with; default 5s"`
	Timeout time.Duration     `yaml:"timeout,omitempty" doc:"how long one request may take; default 10s"`
	Rate    int               `yaml:"rate,omitempty" doc:"how many points a second are sent at most, so that a database that comes back is not flooded; more than come in, or the lag grows; default 5000"`
	Late    time.Duration     `yaml:"late,omitempty" doc:"how old the oldest waiting point may be before the gateway says that history lags; default 15m"`
}

// Defaults are the settings that hold where nothing is said.
func Defaults() Config {
	return Config{
		SpoolMB: 2000, KeepMB: 500, Sync: 10 * time.Second, Batch: 1000, Every: 5 * time.Second, Timeout: 10 * time.Second, Rate: 5000, Late: 15 * time.Minute,
	}
}

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		report(&c.URL, fmt.Sprintf(`%q is not the address of an InfluxDB; write like http://127.0.0.1:8086`, c.URL))
	case u.User != nil:
		report(&c.URL, "the address has a password in it, which would show in logs; take it out and name a token instead")
	}
	if c.Bucket == "" {
		report(&c.Bucket, "no bucket is named; write a bucket, or database/retention-policy for InfluxDB 1.8")
	}
	for _, n := range c.numbers() {
		if *n.field != 0 && (*n.field < n.least || *n.field > n.most) {
			report(n.field, fmt.Sprintf(`"%d" is not between %d and %d; leave it out for %s`, *n.field, n.least, n.most, n.otherwise))
		}
	}
	for _, d := range []*time.Duration{&c.Every, &c.Timeout, &c.Sync} {
		if *d != 0 && (*d < 10*time.Millisecond || *d > time.Hour) {
			report(d, fmt.Sprintf(`"%v" is not between 10ms and 1h; leave it out for the default`, *d))
		}
	}
	if c.Late < 0 {
		report(&c.Late, fmt.Sprintf(`"%v" is below zero; write how old the oldest waiting point may be, like 15m`, c.Late))
	}
}

// number is the range of a setting.
type number struct {
	field       *int
	least, most int
	otherwise   string
}

func (c *Config) numbers() []number {
	return []number{
		{&c.SpoolMB, 1, 1_000_000, "2000"},
		{&c.KeepMB, 1, 1_000_000, "500"},
		{&c.Queue, 1, 1_000_000_000, "as many as spool_mb holds"},
		{&c.Batch, 1, 50_000, "1000"},
		{&c.Rate, 1, 1_000_000, "5000"},
	}
}

// complete fills in the defaults.
func (c *Config) complete() {
	d := Defaults()
	for field, value := range map[*int]int{&c.SpoolMB: d.SpoolMB, &c.KeepMB: d.KeepMB, &c.Batch: d.Batch, &c.Rate: d.Rate} {
		if *field == 0 {
			*field = value
		}
	}
	for field, value := range map[*time.Duration]time.Duration{&c.Every: d.Every, &c.Timeout: d.Timeout, &c.Sync: d.Sync, &c.Late: d.Late} {
		if *field == 0 {
			*field = value
		}
	}
}
