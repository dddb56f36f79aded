-- +goose Up

-- How often points were deleted, by any process: the writer remembers ids of points, and looks them up again when this has changed.
-- That, and the refusal below, stand in for the foreign key of journal.point, which is not enforced: checking it for every reading
-- made each INSERT of many readings keep copies of the pages it changed, in a file.
INSERT INTO counter (name, value) VALUES ('points deleted', 0);

-- +goose StatementBegin
CREATE TRIGGER point_in_use BEFORE DELETE ON point
WHEN EXISTS (SELECT 1 FROM journal WHERE point = old.id)
BEGIN
    SELECT raise(ABORT, 'the journal has readings of this point');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER point_deleted AFTER DELETE ON point
BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'points deleted';
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER point_deleted;
DROP TRIGGER point_in_use;
DELETE FROM counter WHERE name = 'points deleted';
