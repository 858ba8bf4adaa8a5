-- name: user
-- One user with the password hash.
SELECT name, role, zones, language, password_hash FROM app_user WHERE name = %(name)s;

-- name: save_user
-- Inserts or updates by name.
INSERT INTO app_user (name, role, zones, language, password_hash)
VALUES (%(name)s, %(role)s, %(zones)s, %(language)s, %(password_hash)s)
ON CONFLICT (name) DO UPDATE SET
    role = excluded.role, zones = excluded.zones, language = excluded.language, password_hash = excluded.password_hash;
