SELECT count(*) AS value FROM v_notice WHERE state = 'failed' AND due_at > now() - INTERVAL '1 hour'
