package trial

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"time"

	"stillwater/simulator/world"
)

// The files of a staged recording, besides the readings and households.
const (
	TruthFile = world.TruthFile
	HomesFile = "homes.csv"
	AboutFile = "stage.json"
)

// An About is what a staged recording says of itself.
type About struct {
	Seed     uint64    `json:"seed"`
	Each     int       `json:"each"`
	Quiet    int       `json:"quiet"`
	Days     int       `json:"days"`
	Start    time.Time `json:"start"`
	TimeZone string    `json:"timezone"`
}

// files are what is written besides the readings.
func files(o Options, homes []Home, truths []Truth) map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		TruthFile: func(out io.Writer) error {
			rows := [][]string{{"household", "event", "from", "to", "note", "known"}}
			for _, t := range truths {
				rows = append(rows, []string{string(t.Household), string(t.Event), stamp(t.From), stamp(t.To), t.Note, stamp(t.Known)})
			}
			return csv.NewWriter(out).WriteAll(rows)
		},
		HomesFile: func(out io.Writer) error {
			rows := [][]string{{"household", "stratum", "event", "from", "to", "note"}}
			for _, h := range homes {
				rows = append(rows, []string{string(h.Household), string(h.Stratum), string(h.Event), stamp(h.From), stamp(h.To), h.Note})
			}
			return csv.NewWriter(out).WriteAll(rows)
		},
		AboutFile: func(out io.Writer) error {
			e := json.NewEncoder(out)
			e.SetIndent("", "  ")
			return e.Encode(About{o.Seed, o.Each, o.Quiet, o.Days, o.Start.UTC(), o.TimeZone})
		},
	}
}

// stamp writes a moment as recordings have it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
