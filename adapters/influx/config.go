package influx

import (
	"fmt"
	"net/url"
	"time"

	"stillwater"
)

// Config says which InfluxDB history is copied to.
type Config struct {
	URL     string            `yaml:"url" doc:"address of InfluxDB 2 or later, or of 1.8 with its v2 write API, like http://127.0.0.1:8086"`
	Org     string            `yaml:"org,omitempty" doc:"organization the bucket is in; InfluxDB 1.8 has none"`
	Bucket  string            `yaml:"bucket" doc:"bucket to write to; for InfluxDB 1.8 write database/retention-policy, like gw/autogen"`
	Token   stillwater.Secret `yaml:"token,omitempty" doc:"where the token is kept; for InfluxDB 1.8 it is user:password; leave it out where none is asked for"`
	Queue   int               `yaml:"queue,omitempty" doc:"how many points wait while the database is away; the oldest are dropped beyond it; about 200 bytes each; default 100000"`
	Batch   int               `yaml:"batch,omitempty" doc:"how many points go in one request; default 1000"`
	Every   time.Duration     `yaml:"every,omitempty" doc:"how long a point waits at most for others to go with; default 5s"`
	Timeout time.Duration     `yaml:"timeout,omitempty" doc:"how long one request may take; default 10s"`
}

// Defaults are the settings that hold where nothing is said.
func Defaults() Config {
	return Config{Queue: 100_000, Batch: 1000, Every: 5 * time.Second, Timeout: 10 * time.Second}
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
	if c.Queue < 0 || c.Queue > 10_000_000 {
		report(&c.Queue, fmt.Sprintf(`"%d" is not between 1 and 10000000; leave it out for 100000`, c.Queue))
	}
	if c.Batch < 0 || c.Batch > 50_000 {
		report(&c.Batch, fmt.Sprintf(`"%d" is not between 1 and 50000; leave it out for 1000`, c.Batch))
	}
	for _, d := range []*time.Duration{&c.Every, &c.Timeout} {
		if *d != 0 && (*d < 10*time.Millisecond || *d > time.Hour) {
			report(d, fmt.Sprintf(`"%v" is not between 10ms and 1h; leave it out for the default`, *d))
		}
	}
}

// complete fills in the defaults.
func (c *Config) complete() {
	d := Defaults()
	for field, value := range map[*int]int{&c.Queue: d.Queue, &c.Batch: d.Batch} {
		if *field == 0 {
			*field = value
		}
	}
	for field, value := range map[*time.Duration]time.Duration{&c.Every: d.Every, &c.Timeout: d.Timeout} {
		if *field == 0 {
			*field = value
		}
	}
}
