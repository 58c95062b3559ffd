-- Lists are walked along this index in the order of time. What clients filter by and many machines have in
-- common is in it too, so that rows are read of those machines alone that are meant; other values are found
-- by their own indexes (0003_queries.sql). An entry moves with each machine that is seen, whatever else
-- is in it.
DROP INDEX machine_by_last_seen;
CREATE INDEX machine_by_last_seen ON machine (
    tenant, last_seen DESC, id, rbac_group_id, os_platform, version, risk_score, exposure_level,
    onboarding_status, device_value
);
