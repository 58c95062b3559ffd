-- When each fact of a machine was reported: a JSON array with a time (ticks) or null for each of
-- the columns that reports fill, in the order of read/facts.rs. Of what is there already the last
-- report is the latest that could have told it.
ALTER TABLE machine ADD COLUMN facts_at TEXT;
ALTER TABLE machine_record ADD COLUMN facts_at TEXT;

UPDATE machine SET facts_at = json_array(
    iif(os_platform IS NULL, NULL, last_report),
    iif(os_processor IS NULL, NULL, last_report),
    iif(version IS NULL, NULL, last_report),
    iif(last_ip_address IS NULL, NULL, last_report),
    iif(last_external_ip_address IS NULL, NULL, last_report),
    iif(agent_version IS NULL, NULL, last_report),
    iif(os_build IS NULL, NULL, last_report),
    iif(risk_score IS NULL, NULL, last_report),
    iif(exposure_level IS NULL, NULL, last_report),
    iif(is_aad_joined IS NULL, NULL, last_report),
    iif(aad_device_id IS NULL, NULL, last_report),
    iif(onboarding_status IS NULL, NULL, last_report),
    iif(os_architecture IS NULL, NULL, last_report),
    iif(managed_by IS NULL, NULL, last_report),
    iif(managed_by_status IS NULL, NULL, last_report),
    iif(ip_addresses IS NULL, NULL, last_report),
    iif(vm_metadata IS NULL, NULL, last_report)
) WHERE last_report IS NOT NULL;
