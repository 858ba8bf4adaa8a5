SELECT coalesce(extract(epoch FROM now() - min(starts) FILTER (WHERE isfinite(starts))), 0) AS value FROM v_rollup_mark
