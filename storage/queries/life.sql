-- name: there
-- Whether the rollups are there, and whether they are continuous aggregates.
SELECT to_regclass('public.retention') IS NOT NULL, EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');

-- name: newest
-- Time of the newest reading that came with a receipt.
SELECT max(newest) FROM ledger;

-- name: sizes
-- Parts, bytes with indexes and start of the oldest part, by class.
SELECT c.name, count(p.part), coalesce(sum(pg_total_relation_size(p.part::regclass)), 0)::int8, min(p.starts)
FROM unnest(%(classes)s::text[]) WITH ORDINALITY AS c (name, place)
LEFT JOIN LATERAL retention_parts(c.name) p ON true
GROUP BY c.name, c.place ORDER BY c.place;

-- name: sizes_timescale
-- The same, compressed chunks as they are.
SELECT c.name, count(p.part),
       hypertable_size(CASE WHEN c.name = 'reading' THEN 'reading'::regclass
                            ELSE format('%%I.%%I', a.materialization_hypertable_schema, a.materialization_hypertable_name)::regclass END),
       min(p.starts)
FROM unnest(%(classes)s::text[]) WITH ORDINALITY AS c (name, place)
LEFT JOIN timescaledb_information.continuous_aggregates a ON a.view_name = 'reading_' || c.name
LEFT JOIN LATERAL retention_parts(c.name) p ON true
GROUP BY c.name, c.place, a.materialization_hypertable_schema, a.materialization_hypertable_name ORDER BY c.place;

-- name: lag_timescale
-- Spans of readings written since their aggregates were, and whole hours from the end of what is aggregated to the newest reading.
SELECT (SELECT count(*) FROM _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log), NULL::timestamptz,
       greatest(coalesce(rollup_floor('1 hour', n.newest)
                - to_timestamp(nullif(_timescaledb_functions.cagg_watermark(a.mat_hypertable_id), -210866803200000000) / 1000000.0), '0'), '0')
FROM _timescaledb_catalog.continuous_agg a
CROSS JOIN (
    SELECT max(l.time) AS newest
    FROM point p CROSS JOIN LATERAL (SELECT r.time FROM reading r WHERE r.point_id = p.point_id ORDER BY r.time DESC LIMIT 1) l
) n
WHERE a.user_view_name = 'reading_hour';

-- name: jobs
-- Policies, and how they fare.
SELECT j.application_name::text, coalesce(a.view_name, j.hypertable_name)::text, j.schedule_interval,
       CASE WHEN isfinite(s.last_successful_finish) THEN s.last_successful_finish END,
       CASE WHEN isfinite(s.next_start) THEN s.next_start END
FROM timescaledb_information.jobs j
LEFT JOIN timescaledb_information.job_stats s USING (job_id)
LEFT JOIN timescaledb_information.continuous_aggregates a ON a.materialization_hypertable_name = j.hypertable_name
WHERE j.job_id >= 1000 ORDER BY j.job_id;
