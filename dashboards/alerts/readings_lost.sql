SELECT count(*) AS value FROM v_gap WHERE received_at > now() - INTERVAL '1 hour'
