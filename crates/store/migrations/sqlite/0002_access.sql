-- Tenants, people, roles and device groups. A tenant's directory is one JSON document, which is read
-- and replaced as a whole (docs/adr/0009-directory.md); device_group repeats what SQL needs of it.

ALTER TABLE tenant ADD COLUMN name TEXT NOT NULL DEFAULT 'default';
ALTER TABLE tenant ADD COLUMN name_key TEXT NOT NULL DEFAULT 'default'; -- folded
ALTER TABLE tenant ADD COLUMN directory TEXT;                           -- JSON; NULL for a new one
ALTER TABLE tenant ADD COLUMN directory_generation INTEGER NOT NULL DEFAULT 0;
-- Up to which machine number the rules of directory_generation were applied; NULL when all are.
ALTER TABLE tenant ADD COLUMN regrouped_to INTEGER;

CREATE UNIQUE INDEX tenant_by_name ON tenant (name_key);

CREATE TABLE tenant_domain (
    domain  TEXT PRIMARY KEY, -- folded
    tenant  INTEGER NOT NULL REFERENCES tenant
) STRICT, WITHOUT ROWID;

-- The name of a group is here and not with its machines, so that a rename shows at once.
CREATE TABLE device_group (
    tenant  INTEGER NOT NULL REFERENCES tenant,
    id      INTEGER NOT NULL,
    name    TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

ALTER TABLE machine DROP COLUMN rbac_group_name;

-- With the group, a list of a scope passes over what is outside without reading its row.
DROP INDEX machine_by_last_seen;
CREATE INDEX machine_by_last_seen ON machine (tenant, last_seen DESC, id, rbac_group_id);
CREATE INDEX machine_by_group ON machine (tenant, rbac_group_id);

-- An app's secret becomes one of its credentials.
CREATE TABLE app_2 (
    client_id      BLOB PRIMARY KEY,
    tenant         INTEGER NOT NULL REFERENCES tenant,
    name           TEXT NOT NULL,
    permissions    TEXT NOT NULL, -- separated by blanks
    credentials    TEXT NOT NULL, -- JSON
    is_public      INTEGER NOT NULL,
    redirect_uris  TEXT NOT NULL, -- JSON
    consented      INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    revoked        INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO app_2
SELECT client_id, tenant, name, permissions,
       json_array(json_object('id', lower(hex(client_id)), 'secret', lower(hex(secret_sha256)),
           'created', created)),
       0, '[]', 0, created, revoked
FROM app;

DROP TABLE app;
ALTER TABLE app_2 RENAME TO app;

ALTER TABLE signing_key ADD COLUMN verifies_until INTEGER;

CREATE TABLE operator (
    id                 BLOB PRIMARY KEY,
    tenant             INTEGER NOT NULL REFERENCES tenant,
    user_name          TEXT NOT NULL, -- folded
    display_name       TEXT NOT NULL,
    password           TEXT NOT NULL, -- PHC
    totp               BLOB,
    is_administrator   INTEGER NOT NULL,
    created            INTEGER NOT NULL,
    disabled           INTEGER,
    tokens_valid_from  INTEGER NOT NULL,
    failures           INTEGER NOT NULL,
    locked_until       INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX operator_by_name ON operator (tenant, user_name);

CREATE TABLE ticket (
    tenant    INTEGER NOT NULL REFERENCES tenant,
    kind      INTEGER NOT NULL, -- inventory::access::ticket::TicketKind
    key       BLOB NOT NULL,    -- SHA-256
    expires   INTEGER NOT NULL,
    operator  BLOB,
    app       BLOB,
    family    BLOB,
    data      TEXT NOT NULL,    -- JSON
    PRIMARY KEY (tenant, kind, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX ticket_by_expiry ON ticket (expires);
CREATE INDEX ticket_by_operator ON ticket (tenant, operator) WHERE operator IS NOT NULL;
CREATE INDEX ticket_by_app ON ticket (tenant, app) WHERE app IS NOT NULL;
CREATE INDEX ticket_by_family ON ticket (tenant, family) WHERE family IS NOT NULL;

-- Counts the changes after which a token could mean something else (Store::access_version).
-- Telemetry, the progress of regrouping, failed sign-ins and tickets that only grant are none.
CREATE TABLE access_version (
    number   INTEGER PRIMARY KEY CHECK (number = 1),
    version  INTEGER NOT NULL
) STRICT;

INSERT INTO access_version VALUES (1, 0);

CREATE TRIGGER tenant_insert_counts AFTER INSERT ON tenant BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER tenant_update_counts AFTER UPDATE OF id, name, directory ON tenant BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER tenant_delete_counts AFTER DELETE ON tenant BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER tenant_domain_insert_counts AFTER INSERT ON tenant_domain BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER tenant_domain_update_counts AFTER UPDATE ON tenant_domain BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER tenant_domain_delete_counts AFTER DELETE ON tenant_domain BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER app_insert_counts AFTER INSERT ON app BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER app_update_counts AFTER UPDATE ON app BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER app_delete_counts AFTER DELETE ON app BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER signing_key_insert_counts AFTER INSERT ON signing_key BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER signing_key_update_counts AFTER UPDATE ON signing_key BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER signing_key_delete_counts AFTER DELETE ON signing_key BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER operator_insert_counts AFTER INSERT ON operator BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER operator_update_counts AFTER UPDATE OF user_name, display_name, password, totp,
    is_administrator, created, disabled, tokens_valid_from ON operator BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER operator_delete_counts AFTER DELETE ON operator BEGIN
    UPDATE access_version SET version = version + 1; END;
-- 7 is TicketKind::RevokedToken.
CREATE TRIGGER ticket_insert_counts AFTER INSERT ON ticket WHEN new.kind = 7 BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER ticket_update_counts AFTER UPDATE ON ticket WHEN new.kind = 7 BEGIN
    UPDATE access_version SET version = version + 1; END;
CREATE TRIGGER ticket_delete_counts AFTER DELETE ON ticket WHEN old.kind = 7 BEGIN
    UPDATE access_version SET version = version + 1; END;
