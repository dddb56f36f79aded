-- +goose Up

-- That the water of a group of homes is cut off for a time: JSON. A line with it is of all homes.
ALTER TABLE journal ADD COLUMN announced TEXT;

DROP VIEW journal_readable;
CREATE VIEW journal_readable AS
SELECT j.seq,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.at / 1000000.0, 'unixepoch')       AS at,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.received / 1000000.0, 'unixepoch') AS received,
       CASE WHEN j.point IS NOT NULL THEN 'reading' WHEN j.rearm IS NOT NULL THEN 'rearm' WHEN j.away IS NOT NULL THEN 'away'
            WHEN j.announced IS NOT NULL THEN 'announced' WHEN j.resumed IS NOT NULL THEN 'resumed' ELSE 'tick' END AS what,
       coalesce(p.household, j.rearm, json_extract(j.away, '$.household')) AS household,
       p.device, p.source, p.quantity, j.value, j.undated, j.shard, j.shards, j.away, j.announced
FROM journal j LEFT JOIN point p ON p.id = j.point;

-- +goose Down
DROP VIEW journal_readable;
CREATE VIEW journal_readable AS
SELECT j.seq,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.at / 1000000.0, 'unixepoch')       AS at,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.received / 1000000.0, 'unixepoch') AS received,
       CASE WHEN j.point IS NOT NULL THEN 'reading' WHEN j.rearm IS NOT NULL THEN 'rearm' WHEN j.away IS NOT NULL THEN 'away'
            WHEN j.resumed IS NOT NULL THEN 'resumed' ELSE 'tick' END AS what,
       coalesce(p.household, j.rearm, json_extract(j.away, '$.household')) AS household,
       p.device, p.source, p.quantity, j.value, j.undated, j.shard, j.shards, j.away
FROM journal j LEFT JOIN point p ON p.id = j.point;
ALTER TABLE journal DROP COLUMN announced;
