SELECT coalesce(extract(epoch FROM now() - max(written_at)), 0) AS value FROM v_gateway
