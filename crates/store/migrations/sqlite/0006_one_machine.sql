-- Who is who among machines (docs/adr/0017-one-machine.md). What telemetry tells under one id is a record.
-- machine holds what is shown; where several records are one machine, machine_record holds each of them
-- as it is by itself, and a record that is not shown is there alone. Numbers are of records: event and
-- machine_address name the record, relation and relation_day the record as which the machine is shown.

CREATE TABLE machine_record (
    number                    INTEGER PRIMARY KEY,
    machine                   INTEGER NOT NULL, -- the record that the machine is shown as
    is_merged                 INTEGER NOT NULL, -- by a person: shown beside the machine
    tenant                    INTEGER NOT NULL REFERENCES tenant,
    id                        BLOB NOT NULL,
    name                      TEXT NOT NULL,
    name_at                   INTEGER NOT NULL,
    name_key                  TEXT NOT NULL,
    host_key                  TEXT NOT NULL,
    first_seen                INTEGER NOT NULL,
    last_seen                 INTEGER NOT NULL,
    first_report              INTEGER,
    last_report               INTEGER,
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
    ip_addresses              TEXT,
    vm_metadata               TEXT,
    device_value              TEXT NOT NULL,
    tags                      TEXT
) STRICT;

CREATE UNIQUE INDEX machine_record_by_id ON machine_record (tenant, id);
CREATE INDEX machine_record_by_machine ON machine_record (machine);
CREATE INDEX machine_record_by_name ON machine_record (tenant, name_key);
CREATE INDEX machine_record_by_host ON machine_record (tenant, host_key);
CREATE INDEX machine_record_by_last_seen ON machine_record (tenant, last_seen);

-- What telemetry told of a record that is its own. The full name of a record that is known by its name
-- is in its id, and not here.
CREATE TABLE machine_identifier (
    tenant      INTEGER NOT NULL,
    kind        INTEGER NOT NULL, -- inventory::identity::IdentifierKind
    value       BLOB NOT NULL,    -- the bytes of a UUID, or a folded name
    machine     INTEGER NOT NULL, -- the record
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, value, machine)
) STRICT, WITHOUT ROWID;

CREATE INDEX machine_identifier_by_machine ON machine_identifier (machine);

-- What people decided of records, by their ids: it holds when a record is forgotten and comes again.
CREATE TABLE machine_decision (
    tenant       INTEGER NOT NULL,
    machine      BLOB NOT NULL,
    is_apart     INTEGER NOT NULL,
    merged_into  BLOB,
    PRIMARY KEY (tenant, machine)
) STRICT, WITHOUT ROWID;

CREATE INDEX machine_decision_by_target ON machine_decision (tenant, merged_into)
    WHERE merged_into IS NOT NULL;

-- Records that are to be looked at: whether they are one machine with others.
CREATE TABLE machine_unsettled (
    machine  INTEGER PRIMARY KEY,
    tenant   INTEGER NOT NULL
) STRICT;

INSERT INTO machine_identifier
SELECT tenant, 3, aad_device_id, number, first_seen, last_seen FROM machine
WHERE aad_device_id IS NOT NULL;

INSERT INTO machine_identifier
SELECT tenant, 5, CAST(full_name(name) AS BLOB), number, first_seen, last_seen FROM machine
WHERE full_name(name) IS NOT NULL AND id <> id_of_name(name);

INSERT INTO machine_unsettled SELECT DISTINCT machine, tenant FROM machine_identifier;
