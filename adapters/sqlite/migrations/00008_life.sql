-- +goose Up

-- What people said of the life of homes, in the order in which they said it: JSON. A start reads all of it.
CREATE TABLE life (
    n         INTEGER PRIMARY KEY,
    household TEXT NOT NULL,
    at        INTEGER NOT NULL,
    body      TEXT NOT NULL
);
CREATE INDEX life_household ON life (household);

-- +goose Down
DROP TABLE life;
