package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// GroupsOf are the groups of a home: its building, its riser, its supply zone, and the feed (a bus with its gateway, a broker) that its water
// meter, or else its activity sensor, speaks by. They are named so that no two buildings are one: by all that stands above them
// in the grid. Zones are the waterworks', and cross the grid.
func GroupsOf(h stillwater.Household) []string {
	groups := WaterOf(h.Place)
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

// WaterOf are the groups that a home shares its water with.
func WaterOf(p stillwater.Place) []string {
	var groups []string
	if p.Building != "" {
		building := strings.Join([]string{p.Street, p.Community, p.Grid, p.Building}, "/")
		groups = append(groups, "building/"+building)
		if p.Riser != "" {
			groups = append(groups, "riser/"+building+"/"+p.Riser)
		}
	}
	if p.Zone != "" {
		groups = append(groups, "zone/"+p.Zone)
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

// ErrUnknownGroup says that no home is of the group.
var ErrUnknownGroup = errors.New("no home is of the group")

// Announce takes the news that the water of a group is, was or will be cut off, or that it is back, and returns when it is committed.
func (p *Pipeline) Announce(ctx context.Context, a stillwater.Announced) error {
	if err := a.Validate(); err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Registry.All(), func(h stillwater.Household) bool { return slices.Contains(GroupsOf(h), a.Group) }) {
		return fmt.Errorf("water of %q: %w", a.Group, ErrUnknownGroup)
	}
	if !a.Over {
		a.From, a.To = a.From.UTC().Truncate(stillwater.Instant), a.To.UTC().Truncate(stillwater.Instant)
	}
	return p.each(ctx, func(s *shard, b *stillwater.Batch) {
		s.enter(b, &stillwater.Entry{Announced: &a, At: s.p.now(), Shard: s.index, Shards: Shards})
	})
}
