-- +goose Up

-- Requests of other programs that may come again, by the name of the program's key and the request's own: what became of each.
CREATE TABLE request (
    name TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX request_at ON request (at);

-- Who is sent events, and since when.
CREATE TABLE receiver (
    name  TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) WITHOUT ROWID;

-- Events for receivers, in their order. Of one that is done with only the name stays, so that it is not sent once more.
CREATE TABLE event (
    n        INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver TEXT NOT NULL,
    id       TEXT NOT NULL,
    thread   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    at       INTEGER NOT NULL, -- event clock
    queued   INTEGER NOT NULL, -- the real clock
    body     BLOB,
    UNIQUE (receiver, id)
);
CREATE INDEX event_waiting ON event (receiver, n) WHERE body IS NOT NULL;
CREATE INDEX event_thread ON event (receiver, thread, n) WHERE body IS NOT NULL;
CREATE INDEX event_done ON event (at) WHERE body IS NULL;

-- +goose Down
DROP TABLE event;
DROP TABLE receiver;
DROP TABLE request;
