-- When which machine reported which address of its own. Reports at most half an hour apart are one span,
-- which tells as much as they do to whoever asks about a quarter of an hour around a moment.

CREATE TABLE machine_address (
    tenant      INTEGER NOT NULL,
    address     TEXT NOT NULL,
    machine     INTEGER NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    PRIMARY KEY (tenant, address, machine, first_seen)
) STRICT, WITHOUT ROWID;

-- What older versions kept: the addresses of the last report.
INSERT OR IGNORE INTO machine_address
SELECT tenant, last_ip_address, number, last_report, last_report FROM machine
WHERE last_report IS NOT NULL AND last_ip_address IS NOT NULL
UNION
SELECT machine.tenant, json_extract(address.value, '$.ip'), number, last_report, last_report
FROM machine CROSS JOIN json_each(machine.ip_addresses) AS address
WHERE last_report IS NOT NULL AND machine.ip_addresses IS NOT NULL;

-- Addresses that every machine has tell nothing.
DELETE FROM machine_address WHERE address = '::1' OR address LIKE '127.%';
