-- +goose Up

-- What people said of an absence: JSON, for it is rare and read as a whole. A line with it is of its household.
ALTER TABLE journal ADD COLUMN away TEXT;

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

-- +goose Down
DROP VIEW journal_readable;
CREATE VIEW journal_readable AS
SELECT j.seq,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.at / 1000000.0, 'unixepoch')       AS at,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.received / 1000000.0, 'unixepoch') AS received,
       CASE WHEN j.point IS NOT NULL THEN 'reading' WHEN j.rearm IS NOT NULL THEN 'rearm' WHEN j.resumed IS NOT NULL THEN 'resumed' ELSE 'tick' END AS what,
       coalesce(p.household, j.rearm) AS household, p.device, p.source, p.quantity, j.value, j.undated, j.shard, j.shards
FROM journal j LEFT JOIN point p ON p.id = j.point;
ALTER TABLE journal DROP COLUMN away;
