-- What a finding says beyond its flow: cause, ranked places, cost, what lowers its confidence.

SET LOCAL ROLE khettara_migrate;

ALTER TABLE finding
    ADD COLUMN cause        text  NOT NULL DEFAULT 'leak',
    ADD COLUMN places       jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN money_a_day  float8,
    ADD COLUMN co2_kg_a_day float8,
    ADD COLUMN notes        text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN finding.places IS 'Most probable pipes first: [{"pipe": ..., "probability": ...}]; empty is somewhere in the zone.';
COMMENT ON COLUMN finding.money_a_day IS 'Cost of the lost water a day, in the money of the site''s [factors].';

CREATE OR REPLACE VIEW v_finding AS
SELECT key AS finding, kind, zone, detector, since, found_at, flow_m3h, flow_error_m3h, confidence, open, evidence,
       cause, places, money_a_day, co2_kg_a_day, notes
FROM finding;
