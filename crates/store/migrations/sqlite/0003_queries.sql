-- What questions about machines and changes of them need. First an index for each property that the vendor's documentation lets
-- clients filter by (defender-api.md §5.1). Names, ids and times have theirs already.

CREATE INDEX machine_by_platform ON machine (tenant, os_platform COLLATE NOCASE);
CREATE INDEX machine_by_version ON machine (tenant, version COLLATE NOCASE);
CREATE INDEX machine_by_last_ip_address ON machine (tenant, last_ip_address COLLATE NOCASE);
CREATE INDEX machine_by_device_value ON machine (tenant, device_value COLLATE NOCASE)
    WHERE device_value <> 'Normal';
CREATE INDEX machine_by_risk_score ON machine (tenant, coalesce(risk_score, 'None') COLLATE NOCASE);
CREATE INDEX machine_by_exposure_level
    ON machine (tenant, coalesce(exposure_level, 'None') COLLATE NOCASE);
CREATE INDEX machine_by_onboarding_status
    ON machine (tenant, coalesce(onboarding_status, 'Onboarded') COLLATE NOCASE);

-- The tags of machine.tags, one row each, for questions by tag. Triggers keep it.
CREATE TABLE machine_tag (
    tenant   INTEGER NOT NULL,
    tag      TEXT NOT NULL COLLATE NOCASE,
    machine  INTEGER NOT NULL,
    PRIMARY KEY (tenant, tag, machine)
) STRICT, WITHOUT ROWID;

CREATE INDEX machine_tag_by_machine ON machine_tag (machine);

INSERT OR IGNORE INTO machine_tag
SELECT machine.tenant, tag.value, machine.number
FROM machine CROSS JOIN json_each(machine.tags) AS tag
WHERE machine.tags IS NOT NULL;

CREATE TRIGGER machine_insert_tags AFTER INSERT ON machine WHEN new.tags IS NOT NULL BEGIN
    INSERT OR IGNORE INTO machine_tag
    SELECT new.tenant, tag.value, new.number FROM json_each(new.tags) AS tag;
END;
CREATE TRIGGER machine_update_tags AFTER UPDATE OF tags ON machine BEGIN
    DELETE FROM machine_tag WHERE machine = old.number;
    INSERT OR IGNORE INTO machine_tag
    SELECT new.tenant, tag.value, new.number
    FROM json_each(coalesce(new.tags, '[]')) AS tag;
END;
CREATE TRIGGER machine_delete_tags AFTER DELETE ON machine WHEN old.tags IS NOT NULL BEGIN
    DELETE FROM machine_tag WHERE machine = old.number;
END;

-- What people and apps changed about machines; machine is the machine's id.
CREATE TABLE machine_change (
    tenant    INTEGER NOT NULL,
    machine   BLOB NOT NULL,
    time      INTEGER NOT NULL,
    app       BLOB,
    person    TEXT,
    property  TEXT NOT NULL, -- by its name on the wire
    before    TEXT NOT NULL, -- JSON
    after     TEXT NOT NULL  -- JSON
) STRICT;

CREATE INDEX machine_change_by_machine ON machine_change (tenant, machine, time);
