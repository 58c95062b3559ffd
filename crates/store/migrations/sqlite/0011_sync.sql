-- What is read of other servers of the API (footfall sync): how far, of which machines the users are still
-- to be asked, and which calls were made, so that limits hold over a new start.

-- A tenant of another server, as one of ours reads it.
CREATE TABLE sync_source (
    number     INTEGER PRIMARY KEY,
    tenant     INTEGER NOT NULL REFERENCES tenant,
    origin     TEXT NOT NULL, -- https://HOST
    directory  TEXT NOT NULL, -- the tenant there, by id or domain, folded
    mark       INTEGER,       -- up to when machines were seen of which all is known; NULL for none
    listed     INTEGER,       -- when a walk over all machines was begun last, by the source's clock
    UNIQUE (tenant, origin, directory)
) STRICT;

-- The walk over a source's machines that is under way.
CREATE TABLE sync_walk (
    source     INTEGER PRIMARY KEY REFERENCES sync_source,
    since      INTEGER,          -- machines that were seen from then on; NULL for all
    again      INTEGER NOT NULL, -- whether the users of all of them are asked again
    begun      INTEGER,          -- by the source's clock
    last_seen  INTEGER,          -- the newest of what was seen before that
    rows       INTEGER NOT NULL, -- that were read
    next       TEXT              -- the link to the next page, where the source gave one
) STRICT;

-- A source's machines. One whose users were asked when it was seen last is done.
CREATE TABLE sync_machine (
    source     INTEGER NOT NULL REFERENCES sync_source,
    id         BLOB NOT NULL,
    last_seen  INTEGER NOT NULL,
    asked      INTEGER,          -- the last_seen at which its users were asked; NULL for never
    failures   INTEGER NOT NULL, -- since then
    PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sync_machine_due ON sync_machine (source, failures, last_seen DESC, id)
    WHERE asked IS NOT last_seen;

-- Calls of the last hour. The vendor counts them for each API and app.
CREATE TABLE sync_call (
    number  INTEGER PRIMARY KEY,
    source  INTEGER NOT NULL REFERENCES sync_source,
    app     BLOB NOT NULL,
    api     TEXT NOT NULL,
    time    INTEGER NOT NULL
) STRICT;

CREATE INDEX sync_call_by_time ON sync_call (source, app, api, time);
