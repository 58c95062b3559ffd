-- Who sends telemetry while it happens, and what became of it. Written in the transaction of the telemetry
-- itself, so that it counts what is kept. Names are bounded by who writes them.
CREATE TABLE sender (
    tenant      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    -- The time of the youngest logon; NULL before there is one.
    newest      INTEGER,
    received    INTEGER NOT NULL,
    accepted    INTEGER NOT NULL,
    duplicates  INTEGER NOT NULL,
    noise       INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name)
) STRICT, WITHOUT ROWID;
