package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// GroupsOf are the groups of a home: its building, its supply zone, and the feed that its water meter, or else its activity sensor, speaks by.
// They are named so that no two buildings are one: by all that stands above them in the grid.
func GroupsOf(h stillwater.Household) []string {
	var groups []string
	p := h.Place
	if p.Building != "" {
		groups = append(groups, "building/"+strings.Join([]string{p.Street, p.Community, p.Grid, p.Building}, "/"))
	}
	kinds := []stillwater.DeviceKind{stillwater.Meter, stillwater.ActivitySensor}
	for _, kind := range kinds {
		for _, d := range h.Devices {
			if feed, _, ok := strings.Cut(d.Source, "/"); ok && d.Kind == kind {
				return append(groups, "feed/"+feed)
			}
		}
	}
	return groups
}

// home is the household that an incident or a finding is about; of a group one that stands for its members.
func (s *shard) home(id stillwater.HouseholdID, about ...stillwater.Finding) (stillwater.Household, bool) {
	if id != "" {
		h, ok := s.homes[id]
		return h, ok
	}
	return incident.Together(about, func(id stillwater.HouseholdID) (stillwater.Household, bool) {
		h, ok := s.homes[id]
		return h, ok
	})
}

// Together is the household that stands for the members of a group's incident; see incident.Together.
func (p *Pipeline) Together(i stillwater.Incident) stillwater.Household {
	h, _ := incident.Together(i.Findings, p.Registry.Household)
	return h
}

// sharedBy takes what befell a group to those of its members where it stands to be checked how she is: not to see her then is an
// emergency of its own, though the group's is a notice.
func (s *shard) sharedBy(b *stillwater.Batch, f stillwater.Finding, now time.Time) {
	if f.Kind != stillwater.Equipment {
		return
	}
	for _, id := range f.Facts.Members {
		own := f
		own.Household = id
		if own = s.weigh(own, now); !f.Ended.IsZero() || own.Severity != f.Severity {
			s.incidentOf(b, own, now)
		}
	}
}

// welfare is the household's incident of how she is; nil: there is none.
func (s *shard) welfare(id stillwater.HouseholdID) *stillwater.Incident {
	return s.current(stillwater.Finding{Household: id, Kind: stillwater.Welfare})
}

// Announce takes the news that the water of a group is, was or will be cut off, and returns when it is committed.
func (p *Pipeline) Announce(ctx context.Context, a stillwater.Announced) error {
	a.From, a.To = a.From.UTC().Truncate(stillwater.Instant), a.To.UTC().Truncate(stillwater.Instant)
	if !a.From.Before(a.To) {
		return fmt.Errorf("water of %q announced to be off from %s to %s: the end is not after the beginning", a.Group,
			a.From.Format(time.RFC3339), a.To.Format(time.RFC3339))
	}
	return p.each(ctx, func(s *shard, b *stillwater.Batch) {
		s.enter(b, &stillwater.Entry{Announced: &a, At: s.p.now(), Shard: s.index, Shards: Shards})
	})
}
