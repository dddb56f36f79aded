package trial

import (
	"fmt"
	"io"
	"text/tabwriter"

	"stillwater"
)

// Print writes a score as tables.
func (s Score) Print(to io.Writer) error {
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "seed %d, %d homes each, %d quiet, %d days, %.1f home-years without learning and events\n\n", s.About.Seed, s.About.Each, s.About.Quiet,
		s.About.Days, s.HomeYears[all])
	fmt.Fprintln(out, "event\tcounts\thomes\tevents\twithin 24 h\tshare\t95 %\tmedian\tp95\talready")
	for _, f := range s.Found {
		stratum := "all"
		if f.Stratum != "" {
			stratum = "· " + string(f.Stratum)
		}
		fmt.Fprintf(out, "%s\t%s or more\t%s\t%d\t%d\t%.1f %%\t%.1f–%.1f\t%s\t%s\t%d\n", f.Event, f.Least, stratum, f.Events, f.Within, 100*f.Share, 100*f.Low,
			100*f.High, hours(f.Median), hours(f.P95), f.Already)
	}
	fmt.Fprintln(out, "delays count from when the gateway could know: for a meter that uploads once a day, from the next upload")
	fmt.Fprintln(out, "\nfalse, by rule\tseverity\tcount\tper home-year")
	for _, f := range s.False {
		fmt.Fprintf(out, "%s\t%s\t%d\t%.2f\n", f.Rule, f.Severity, f.Count, f.PerHomeYear)
	}
	alerts := []stillwater.Severity{stillwater.Alert, stillwater.Urgent}
	fmt.Fprintf(out, "silence and away\talert or more\t\t%.2f\n", s.PerHomeYear(alerts, "silence", "away"))
	fmt.Fprintf(out, "all\talert or more\t\t%.2f\n", s.PerHomeYear(alerts))
	fmt.Fprintf(out, "all\tquestion\t\t%.2f\n", s.PerHomeYear([]stillwater.Severity{stillwater.Question}))
	fmt.Fprintln(out, "\nhomes\thome-years\tfalse alerts per home-year\tquestions per home-year")
	for _, stratum := range s.strata() {
		alerts, questions := 0.0, 0.0
		for _, f := range s.Strata {
			switch {
			case f.Stratum != stratum:
			case f.Severity == stillwater.Question:
				questions += f.PerHomeYear
			case f.Severity.Above(stillwater.Question):
				alerts += f.PerHomeYear
			}
		}
		fmt.Fprintf(out, "%s\t%.1f\t%.2f\t%.2f\n", stratum, s.HomeYears[stratum], alerts, questions)
	}
	if s.Groups > 0 {
		fmt.Fprintf(out, "%d findings about groups are not scored\n", s.Groups)
	}
	return out.Flush()
}

// hours words a delay.
func hours(h *float64) string {
	if h == nil {
		return "never"
	}
	return fmt.Sprintf("%.1f h", *h)
}
