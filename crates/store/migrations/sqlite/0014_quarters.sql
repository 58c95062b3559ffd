-- Events of a day lie by quarters of an hour, so that what is told in the order of time is written
-- side by side, whoever logged on (docs/adr/0003-schema-and-scale.md).

-- The quarters of a day: `quarter IN quarters` finds an account's events of a whole day.
CREATE TABLE quarters (
    number  INTEGER PRIMARY KEY
) STRICT;

INSERT INTO quarters
    WITH RECURSIVE numbers (number) AS (
        SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number < 95)
    SELECT number FROM numbers;

CREATE TABLE event_2 (
    day         INTEGER NOT NULL,
    quarter     INTEGER NOT NULL, -- of the day: second / 900
    account     INTEGER NOT NULL,
    machine     INTEGER NOT NULL,
    second      INTEGER NOT NULL, -- of the day
    session     INTEGER NOT NULL,
    record      INTEGER NOT NULL, -- 0 when the source does not tell it
    fraction    INTEGER NOT NULL, -- of the second, in ticks
    logon_type  INTEGER NOT NULL,
    remote      INTEGER,
    source      INTEGER NOT NULL,
    PRIMARY KEY (day, quarter, account, machine, second, session, record)
) STRICT, WITHOUT ROWID;

INSERT INTO event_2
    SELECT day, second / 900, account, machine, second, session, record, fraction, logon_type,
        remote, source
    FROM event
    ORDER BY day, second / 900, account, machine, second, session, record;
DROP TABLE event;
ALTER TABLE event_2 RENAME TO event;
