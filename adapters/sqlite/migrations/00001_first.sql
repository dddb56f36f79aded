-- +goose Up

-- Numbers that only rise, also when the rows they counted are gone: 'journal' (last seq), 'incident' (ever stored), 'registry' (version).
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('journal', 0), ('incident', 0), ('registry', 0);

-- What a reading is of, named once, so that a line of the journal stays short. AUTOINCREMENT: an id is never used for another home.
CREATE TABLE point (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    household TEXT NOT NULL,
    device    TEXT NOT NULL,
    source    TEXT NOT NULL,
    quantity  TEXT NOT NULL,
    UNIQUE (household, device, source, quantity)
);

-- Times are microseconds since 1970, UTC. A reading has a point; a rearm has a household in rearm; the gateway's return after a stop
-- has resumed; every other line is a tick.
CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    received INTEGER,
    point    INTEGER REFERENCES point (id),
    value    REAL,
    undated  INTEGER,
    shard    INTEGER,
    shards   INTEGER,
    rearm    TEXT,
    resumed  INTEGER,
    CHECK (point IS NULL OR value IS NOT NULL)
);
CREATE INDEX journal_point ON journal (point, at) WHERE point IS NOT NULL;

CREATE TABLE state (
    household TEXT PRIMARY KEY,
    seq       INTEGER NOT NULL,
    data      BLOB NOT NULL
);

CREATE TABLE finding (
    household TEXT NOT NULL,
    rule      TEXT NOT NULL,
    device    TEXT NOT NULL,
    began     INTEGER NOT NULL,
    ended     INTEGER,
    body      TEXT NOT NULL,
    PRIMARY KEY (household, rule, device, began)
);
CREATE INDEX finding_began ON finding (began);

CREATE TABLE incident (
    n         INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    household TEXT NOT NULL,
    state     TEXT NOT NULL,
    opened    INTEGER NOT NULL,
    body      TEXT NOT NULL
);
CREATE INDEX incident_open ON incident (opened, n) WHERE state <> 'closed';
CREATE INDEX incident_opened ON incident (opened, n);
CREATE INDEX incident_household ON incident (household, opened, n);

CREATE TABLE message (
    n         INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    incident  TEXT NOT NULL,
    household TEXT NOT NULL,
    state     TEXT NOT NULL,
    created   INTEGER NOT NULL,
    body      TEXT NOT NULL
);
CREATE INDEX message_outbox ON message (created, n) WHERE state IN ('pending', 'sending', 'accepted');
CREATE INDEX message_created ON message (created, n);
CREATE INDEX message_incident ON message (incident, created, n);
CREATE INDEX message_household ON message (household, created, n);

-- Replies acted on, by the provider's name for them. Neither number nor text is kept here.
CREATE TABLE reply (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE household (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
);

-- For people with the sqlite3 shell: the journal in words.
CREATE VIEW journal_readable AS
SELECT j.seq,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.at / 1000000.0, 'unixepoch')       AS at,
       strftime('%Y-%m-%dT%H:%M:%fZ', j.received / 1000000.0, 'unixepoch') AS received,
       CASE WHEN j.point IS NOT NULL THEN 'reading' WHEN j.rearm IS NOT NULL THEN 'rearm' WHEN j.resumed IS NOT NULL THEN 'resumed' ELSE 'tick' END AS what,
       coalesce(p.household, j.rearm) AS household, p.device, p.source, p.quantity, j.value, j.undated, j.shard, j.shards
FROM journal j LEFT JOIN point p ON p.id = j.point;

-- +goose Down
DROP VIEW journal_readable;
DROP TABLE household;
DROP TABLE reply;
DROP TABLE message;
DROP TABLE incident;
DROP TABLE finding;
DROP TABLE state;
DROP TABLE journal;
DROP TABLE point;
DROP TABLE counter;
