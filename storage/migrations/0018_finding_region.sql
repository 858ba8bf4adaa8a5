-- The pipes among which a finding's leak lies, where pressures tell more than its zone.

SET LOCAL ROLE khettara_migrate;

ALTER TABLE finding ADD COLUMN region jsonb;
COMMENT ON COLUMN finding.region IS
    '{"probability": ..., "radius_m": ..., "pipes": [...]}: the leak lies there with that probability; null where only the zone is known.';

CREATE OR REPLACE VIEW v_finding AS
SELECT key AS finding, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence,
       cause, places, money_a_day, co2_kg_a_day, notes, region
FROM finding;
