-- +goose Up

-- What a start asks for: incidents that are open, and closed ones with something still to do. Without it every incident ever
-- closed would be read. The condition must stay word for word that of OpenIncidents. It serves the open ones alone as well.
CREATE INDEX incident_live ON incident (opened, n) WHERE state <> 'closed' OR json_extract(body, '$.next') IS NOT NULL;
DROP INDEX incident_open;

-- The latest findings of all homes, without sorting them.
CREATE INDEX finding_latest ON finding (began, household, rule, device);
DROP INDEX finding_began;

-- +goose Down
CREATE INDEX finding_began ON finding (began);
DROP INDEX finding_latest;
CREATE INDEX incident_open ON incident (opened, n) WHERE state <> 'closed';
DROP INDEX incident_live;
