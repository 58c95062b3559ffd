-- Machines that report by themselves (osquery's TLS API), and the secrets with which they enroll. Of
-- secrets and keys the hashes alone are kept; they are random, so that a plain hash tells nothing.
CREATE TABLE enroll_secret (
    tenant   INTEGER NOT NULL,
    name     TEXT NOT NULL,
    sha256   BLOB NOT NULL UNIQUE,
    created  INTEGER NOT NULL,
    revoked  INTEGER
) STRICT;

-- A name may be used again once its secret was revoked.
CREATE UNIQUE INDEX enroll_secret_in_force ON enroll_secret (tenant, name) WHERE revoked IS NULL;

CREATE TABLE node (
    id               BLOB PRIMARY KEY,
    tenant           INTEGER NOT NULL,
    key_sha256       BLOB NOT NULL UNIQUE,
    host_identifier  TEXT NOT NULL,
    -- NULL where the board has no UUID of its own.
    hardware         BLOB,
    host_name        TEXT NOT NULL,
    platform         TEXT NOT NULL,
    version          TEXT NOT NULL,
    address          TEXT,
    secret           TEXT NOT NULL,
    enrolled         INTEGER NOT NULL,
    last_seen        INTEGER NOT NULL,
    -- Since when it is asked who is logged on; NULL when it is not.
    asked            INTEGER,
    revoked          INTEGER
) STRICT, WITHOUT ROWID;

-- One place for each machine.
CREATE UNIQUE INDEX node_by_hardware ON node (tenant, hardware) WHERE hardware IS NOT NULL;
CREATE UNIQUE INDEX node_by_identifier ON node (tenant, host_identifier) WHERE hardware IS NULL;
