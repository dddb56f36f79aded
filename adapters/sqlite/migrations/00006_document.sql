-- +goose Up

-- What was imported as a whole and is read as a whole, by its name: 'duty' is the rosters of posts, as JSON.
CREATE TABLE document (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE document;
