-- What happened to sessions after their logons (docs/adr/0016-sessions.md). A machine is known here by its
-- id: what bounds sessions makes no machine and no account, and may come before the logon.

CREATE TABLE session_host (
    number  INTEGER PRIMARY KEY,
    tenant  INTEGER NOT NULL REFERENCES tenant,
    id      BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX session_host_by_id ON session_host (tenant, id);

CREATE TABLE session_event (
    host      INTEGER NOT NULL,
    session   INTEGER NOT NULL, -- as in event
    second    INTEGER NOT NULL, -- since 1970
    change    INTEGER NOT NULL, -- inventory::session::SessionChange
    fraction  INTEGER NOT NULL, -- of the second, in ticks
    PRIMARY KEY (host, session, second, change)
) STRICT, WITHOUT ROWID;
