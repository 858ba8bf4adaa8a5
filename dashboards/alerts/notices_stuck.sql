SELECT count(*) AS value FROM v_notice WHERE state IN ('waiting', 'sending') AND due_at < now() - INTERVAL '15 minutes'
