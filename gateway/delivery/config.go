package delivery

import (
	"fmt"
	"time"

	"stillwater"
)

// Config is how patiently messages are delivered. All of it is wall time, except Stale.
type Config struct {
	Parallel   int           `yaml:"parallel,omitempty" doc:"how many messages are handed over to one provider at once; one that hangs holds one of these places; default 4"`
	Timeout    time.Duration `yaml:"timeout,omitempty" doc:"how long one call to the provider may take before its result counts as unclear; default 10s"`
	MinBackoff time.Duration `yaml:"min_backoff,omitempty" doc:"the wait after the first attempt that did not succeed; it doubles up to max_backoff; default 1s"`
	MaxBackoff time.Duration `yaml:"max_backoff,omitempty" doc:"the longest wait between attempts: how long a contact stays uninformed by a provider that has come back; default 30s"`
	GiveUp     time.Duration `yaml:"give_up,omitempty" doc:"how long an alert is tried before it is given up; the ladder climbs long before (see tell_within), and what still waits goes out once a provider is back; default 2h"`
	Stale      time.Duration `yaml:"stale,omitempty" doc:"a question or news that is older by the event clock is cancelled instead of sent; default 2h"`
	Settle     time.Duration `yaml:"settle,omitempty" doc:"how long after an unclear attempt the provider's 'not there' is believed; sooner it could still appear, and go out twice; default 1m"`
	AskWithin  time.Duration `yaml:"ask_within,omitempty" doc:"how long the provider is asked in vain about an unclear attempt before the message goes again, marked as a repeat; default 2m"`
	Courtesy   int           `yaml:"courtesy,omitempty" doc:"messages that one contact gets within an hour at most; what is more counts as failed, and the ladder climbs past at once; urgent ones always go; default 20"`
	Look       time.Duration `yaml:"look,omitempty" doc:"how often the outbox is read without being woken; default 5s"`
	Poll       time.Duration `yaml:"poll,omitempty" doc:"how often the provider is asked for replies; a reply is acted on this late; default 10s"`
	Overlap    time.Duration `yaml:"overlap,omitempty" doc:"how far before the last poll replies are read again, because a provider lists some late; default 10m"`
	LookBack   time.Duration `yaml:"look_back,omitempty" doc:"how far back replies are read after a start; default 24h"`
}

// Defaults is the configuration that holds where nothing else is said.
func Defaults() Config {
	return Config{
		Parallel: 4, Timeout: 10 * time.Second,
		MinBackoff: time.Second, MaxBackoff: 30 * time.Second,
		GiveUp: 2 * time.Hour, Stale: 2 * time.Hour,
		Settle: time.Minute, AskWithin: 2 * time.Minute,
		Courtesy: 20,
		Look:     5 * time.Second,
		Poll:     10 * time.Second, Overlap: 10 * time.Minute, LookBack: 24 * time.Hour,
	}
}

// Validate reports every mistake; field points into c.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Parallel < 1 || c.Parallel > 100 {
		report(&c.Parallel, fmt.Sprintf("%d messages at once is not between 1 and 100; write like 4", c.Parallel))
	}
	if c.Courtesy < 1 || c.Courtesy > 1000 {
		report(&c.Courtesy, fmt.Sprintf("%d messages an hour is not between 1 and 1000; write like 20", c.Courtesy))
	}
	for _, f := range []struct {
		value    *time.Duration
		min, max time.Duration
		example  string
	}{
		{&c.Timeout, time.Second, time.Minute, "10s"},
		{&c.MinBackoff, 100 * time.Millisecond, time.Minute, "1s"},
		{&c.MaxBackoff, time.Second, 5 * time.Minute, "30s"},
		{&c.GiveUp, time.Minute, 24 * time.Hour, "2h"},
		{&c.Stale, time.Minute, 48 * time.Hour, "2h"},
		{&c.Settle, time.Second, 10 * time.Minute, "1m"},
		{&c.AskWithin, time.Second, 10 * time.Minute, "2m"},
		{&c.Look, 100 * time.Millisecond, time.Minute, "5s"},
		{&c.Poll, 100 * time.Millisecond, 10 * time.Minute, "10s"},
		{&c.Overlap, time.Second, 24 * time.Hour, "10m"},
		{&c.LookBack, time.Minute, 7 * 24 * time.Hour, "24h"},
	} {
		if *f.value < f.min || *f.value > f.max {
			report(f.value, fmt.Sprintf("%s is not between %s and %s; write like %s",
				stillwater.FormatSpan(*f.value), stillwater.FormatSpan(f.min), stillwater.FormatSpan(f.max), f.example))
		}
	}
	c.validateTogether(report)
}

// validateTogether checks what only makes sense in proportion.
func (c *Config) validateTogether(report func(field any, problem string)) {
	span := stillwater.FormatSpan
	if c.MaxBackoff < c.MinBackoff {
		report(&c.MaxBackoff, fmt.Sprintf("max_backoff %s is less than min_backoff %s; make it at least as long", span(c.MaxBackoff), span(c.MinBackoff)))
	}
	if c.Settle <= c.Timeout {
		report(&c.Settle, fmt.Sprintf("settle %s is not longer than timeout %s, so an attempt could still be under way when 'not there' is believed; make it longer", span(c.Settle), span(c.Timeout)))
	}
	if c.AskWithin < c.Settle {
		report(&c.AskWithin, fmt.Sprintf("ask_within %s is less than settle %s, so a message would be repeated before the provider's answer counts; make it at least as long", span(c.AskWithin), span(c.Settle)))
	}
	if c.GiveUp <= c.AskWithin {
		report(&c.GiveUp, fmt.Sprintf("give_up %s is not longer than ask_within %s, so an unclear message would never be repeated; make it longer", span(c.GiveUp), span(c.AskWithin)))
	}
}
