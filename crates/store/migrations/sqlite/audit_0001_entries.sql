-- The audit, in a file of its own beside the inventory: an entry must not end the answers that are
-- remembered until the inventory changes. Times are ticks of 100 ns since 1970 (UTC). The key is the
-- order in which entries are read and forgotten; entries come nearly in it, so there is no other.

CREATE TABLE entry (
    time         INTEGER NOT NULL,
    place        INTEGER NOT NULL, -- among the entries of one tick
    tenant       INTEGER,
    deed         INTEGER NOT NULL, -- inventory::access::audit::Deed
    correlation  BLOB NOT NULL,
    app          BLOB,
    person       TEXT,
    address      BLOB,             -- 4 or 16 bytes
    operation    TEXT NOT NULL,
    detail       TEXT NOT NULL,
    status       INTEGER NOT NULL,
    rows         INTEGER,
    latency_us   INTEGER NOT NULL,
    PRIMARY KEY (time, place)
) STRICT, WITHOUT ROWID;

-- Entries from before this moment may be forgotten; there is a row only while that is done.
CREATE TABLE forgetting (
    number  INTEGER PRIMARY KEY CHECK (number = 1),
    before  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER entry_stays_as_it_is BEFORE UPDATE ON entry BEGIN
    SELECT RAISE(ABORT, 'entries of the audit are never changed'); END;
CREATE TRIGGER entry_stays BEFORE DELETE ON entry
WHEN old.time >= coalesce((SELECT before FROM forgetting), old.time) BEGIN
    SELECT RAISE(ABORT, 'entries of the audit are removed by its retention alone'); END;
