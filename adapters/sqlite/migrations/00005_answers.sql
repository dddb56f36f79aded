-- +goose Up

-- Keys that the gateway made itself: 'link' signs the links in messages, several by age until the links of the older ones are over;
-- 'phone' stands in for numbers that must be recognised and not read.
CREATE TABLE secret (
    name TEXT NOT NULL,
    made INTEGER NOT NULL,
    key  BLOB NOT NULL,
    PRIMARY KEY (name, made)
) WITHOUT ROWID;

-- The message that a link belongs to, by the code that ends its path: https://…/m/CODE or https://…/m/CODE#KEY.
CREATE INDEX message_link ON message (substr(json_extract(body, '$.link'), instr(json_extract(body, '$.link'), '/m/') + 3, 12))
    WHERE json_extract(body, '$.link') IS NOT NULL;

-- Numbers whose owners answered with a carrier's opt-out word, and those who opted in again since. The number itself is not here.
CREATE TABLE optout (
    phone BLOB PRIMARY KEY,
    at    INTEGER NOT NULL,
    out   INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE optout;
DROP INDEX message_link;
DROP TABLE secret;
