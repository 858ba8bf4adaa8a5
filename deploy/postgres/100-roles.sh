#!/bin/sh
# Runs once, when the database is new: the roles that log in, with their passwords. `khettara db migrate` gives them their rights.
set -eu
secrets=${SECRETS:-/run/secrets}

role() {
    psql -v ON_ERROR_STOP=1 -v role="$1" --no-psqlrc -q --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\set password \`cat "$secrets/$2"\`
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', :'password') \gexec
SQL
}

role khettara_ingest db_ingest
role khettara_analytics db_centre
role khettara_command db_centre
role khettara_read db_read
