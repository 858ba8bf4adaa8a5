SELECT count(*) AS value FROM v_command WHERE state = 'pending' AND expires_at < now() - INTERVAL '10 minutes'
