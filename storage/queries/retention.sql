-- name: set
-- New limits [days], NULL for ever.
SELECT set_retention(%s, %s, %s, %s);

-- name: read
-- The limits, and since when there are readings; NULL if none were dropped.
SELECT raw_days, quarter_hour_days, hour_days, day_days, nullif(raw_from, '-infinity') FROM retention;

-- name: apply
-- What is older, and what became of it.
SELECT class, part, starts, ends, bytes, became FROM apply_retention(%(at)s, %(dry_run)s);
