-- The name of a person who is to be forgotten may be replaced, and nothing else of an entry; there is a row
-- only while that is done.

CREATE TABLE pseudonymising (
    number  INTEGER PRIMARY KEY CHECK (number = 1)
) STRICT;

DROP TRIGGER entry_stays_as_it_is;
CREATE TRIGGER entry_stays_as_it_is BEFORE UPDATE ON entry
WHEN NOT EXISTS (SELECT 1 FROM pseudonymising)
    OR (new.time, new.place, new.tenant, new.deed, new.correlation, new.app, new.address,
        new.operation, new.status, new.rows, new.latency_us)
    IS NOT (old.time, old.place, old.tenant, old.deed, old.correlation, old.app, old.address,
        old.operation, old.status, old.rows, old.latency_us)
BEGIN
    SELECT RAISE(ABORT, 'entries of the audit are never changed'); END;
