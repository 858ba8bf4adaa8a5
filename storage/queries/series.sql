-- name: point_ids
-- Numbers of some points.
SELECT point_id, key FROM point WHERE key = ANY (%(keys)s);

-- name: point_scales
-- Numbers of some points, and what makes their whole numbers values.
SELECT point_id, key, numerator::float8, denominator::float8 FROM point WHERE key = ANY (%(keys)s);

-- name: copy_series
-- Readings of some points in a span as whole numbers of each one's resolution, a row a point, in order of time; NaN where there is
-- no value. A row of its own for each reading costs four times as much: in the protocol, not in the tables.
COPY (
    SELECT point_id, array_agg(time ORDER BY time), array_agg(coalesce(value::float8, 'NaN') ORDER BY time),
           array_agg(quality ORDER BY time)
    FROM reading
    WHERE point_id = ANY (%(ids)s::int4[]) AND time >= %(start)s AND time < %(end)s
    GROUP BY point_id
) TO STDOUT (FORMAT BINARY);

-- name: copy_means
-- Means of the good values of some points over buckets counted from 1970, by point and time.
COPY (
    SELECT r.point_id, date_bin(make_interval(secs => %(step_s)s), r.time, '1970-01-01 00:00:00+00') AS bucket,
           avg(r.value::float8 * p.numerator / p.denominator), 0::int2
    FROM reading r JOIN point p USING (point_id)
    WHERE r.point_id = ANY (%(ids)s::int4[]) AND r.time >= %(start)s AND r.time < %(end)s
      AND r.quality IN (0, 3) AND r.value IS NOT NULL
    GROUP BY r.point_id, bucket
    ORDER BY r.point_id, bucket
) TO STDOUT (FORMAT BINARY);

-- name: latest
-- The newest reading of each of some points.
SELECT p.key, r.time, r.value::float8 * p.numerator / p.denominator, r.quality
FROM point p
CROSS JOIN LATERAL (SELECT time, value, quality FROM reading WHERE reading.point_id = p.point_id ORDER BY time DESC LIMIT 1) r
WHERE p.key = ANY (%(keys)s);
