-- Points in time are ticks of 100 ns since 1970 (UTC); days are days since 1970; a time of day is
-- ticks since midnight. Names, domains and keys are folded (inventory::fold). GUIDs and machine
-- ids are blobs. The arithmetic of bytes and reads is in docs/adr/0003-schema-and-scale.md; why a
-- tenant is a column is in docs/adr/0005-tenants.md.

CREATE TABLE tenant (
    number  INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE
) STRICT;

CREATE TABLE app (
    client_id      BLOB PRIMARY KEY,
    tenant         INTEGER NOT NULL REFERENCES tenant,
    name           TEXT NOT NULL,
    permissions    TEXT NOT NULL, -- separated by blanks
    secret_sha256  BLOB NOT NULL,
    created        INTEGER NOT NULL,
    revoked        INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    tenant   INTEGER NOT NULL REFERENCES tenant,
    kid      TEXT NOT NULL,
    pkcs8    BLOB NOT NULL,
    created  INTEGER NOT NULL,
    PRIMARY KEY (tenant, kid)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate_authority (
    number           INTEGER PRIMARY KEY CHECK (number = 1),
    certificate_pem  TEXT NOT NULL,
    pkcs8            BLOB NOT NULL
) STRICT;

CREATE TABLE machine (
    number                    INTEGER PRIMARY KEY,
    tenant                    INTEGER NOT NULL REFERENCES tenant,
    id                        BLOB NOT NULL,
    name                      TEXT NOT NULL,    -- as reported at name_at
    name_at                   INTEGER NOT NULL,
    name_key                  TEXT NOT NULL,    -- the whole name, folded
    host_key                  TEXT NOT NULL,    -- its first label, folded
    first_seen                INTEGER NOT NULL, -- over logons and reports
    last_seen                 INTEGER NOT NULL,
    first_report              INTEGER,          -- over reports alone
    last_report               INTEGER,
    merged_into               BLOB,
    is_potential_duplication  INTEGER NOT NULL DEFAULT 0,
    exclusion                 TEXT,
    os_platform               TEXT,
    os_processor              TEXT,
    version                   TEXT,
    last_ip_address           TEXT,
    last_external_ip_address  TEXT,
    agent_version             TEXT,
    os_build                  INTEGER,
    os_architecture           TEXT,
    is_aad_joined             INTEGER,
    aad_device_id             BLOB,
    risk_score                TEXT,
    exposure_level            TEXT,
    onboarding_status         TEXT,
    managed_by                TEXT,
    managed_by_status         TEXT,
    ip_addresses              TEXT,             -- JSON
    vm_metadata               TEXT,             -- JSON
    device_value              TEXT NOT NULL DEFAULT 'Normal',
    rbac_group_id             INTEGER NOT NULL DEFAULT 0,
    rbac_group_name           TEXT,
    tags                      TEXT              -- JSON
) STRICT;

CREATE UNIQUE INDEX machine_by_id ON machine (tenant, id);
CREATE INDEX machine_by_name ON machine (tenant, name_key);
CREATE INDEX machine_by_host ON machine (tenant, host_key);
CREATE INDEX machine_by_aad_device_id ON machine (tenant, aad_device_id)
    WHERE aad_device_id IS NOT NULL;
CREATE INDEX machine_by_last_seen ON machine (tenant, last_seen DESC, id);

CREATE TABLE account (
    number     INTEGER PRIMARY KEY,
    tenant     INTEGER NOT NULL REFERENCES tenant,
    name       TEXT NOT NULL,
    authority  TEXT NOT NULL, -- inventory::account::Account::authority
    sid        TEXT,
    upn        TEXT,
    object_id  BLOB
) STRICT;

CREATE UNIQUE INDEX account_by_name ON account (tenant, name, authority);

-- The domains under which an account was seen: one SID comes with the NetBIOS and the DNS form.
CREATE TABLE account_domain (
    account  INTEGER NOT NULL REFERENCES account,
    domain   TEXT NOT NULL,
    PRIMARY KEY (account, domain)
) STRICT, WITHOUT ROWID;

CREATE TABLE relation (
    account      INTEGER NOT NULL,
    machine      INTEGER NOT NULL,
    first_seen   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    logon_types  INTEGER NOT NULL, -- bit n for Windows' number n
    logon_count  INTEGER NOT NULL,
    PRIMARY KEY (account, machine)
) STRICT, WITHOUT ROWID;

CREATE INDEX relation_by_machine ON relation (machine);

-- The same per UTC day and logon type, so that any span of days and set of types is exact.
CREATE TABLE relation_day (
    account      INTEGER NOT NULL,
    machine      INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    logon_type   INTEGER NOT NULL,
    first_tick   INTEGER NOT NULL,
    last_tick    INTEGER NOT NULL,
    logon_count  INTEGER NOT NULL,
    PRIMARY KEY (account, machine, day, logon_type)
) STRICT, WITHOUT ROWID;

-- Every logon once: what makes a second sight of it a duplicate. Days come first so that live
-- telemetry writes at the end of the table and retention cuts at its start.
CREATE TABLE event (
    day         INTEGER NOT NULL,
    account     INTEGER NOT NULL,
    machine     INTEGER NOT NULL,
    second      INTEGER NOT NULL, -- of the day
    session     INTEGER NOT NULL,
    record      INTEGER NOT NULL, -- 0 when the source does not tell it
    fraction    INTEGER NOT NULL, -- of the second, in ticks
    logon_type  INTEGER NOT NULL,
    remote      INTEGER,
    source      INTEGER NOT NULL,
    PRIMARY KEY (day, account, machine, second, session, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE remote (
    number   INTEGER PRIMARY KEY,
    address  TEXT NOT NULL, -- empty when unknown
    name     TEXT NOT NULL  -- empty when unknown
) STRICT;

CREATE UNIQUE INDEX remote_by_text ON remote (address, name);
