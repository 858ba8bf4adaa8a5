SELECT count(*) AS value FROM v_dead_letter WHERE at > now() - INTERVAL '1 hour' AND replayed_at IS NULL
