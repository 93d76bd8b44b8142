-- How the embedded server is set up, as its superuser, before it is started. Every statement but the
-- first can be run again: what an older Outgrow made is brought over by the same ones.

-- name: make_database
CREATE DATABASE outgrow;

-- name: make_role
-- As whom everybody works. It owns the database `outgrow`, and may do nothing else.
DO $do$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'outgrow') THEN
        CREATE ROLE outgrow;
    END IF;
    ALTER ROLE outgrow LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
END
$do$;

-- name: own_databases
-- All that people made in the cluster, too.
DO $do$
DECLARE
    command text;
BEGIN
    FOR command IN
        SELECT format('ALTER DATABASE %I OWNER TO outgrow', datname) FROM pg_database
        WHERE NOT datistemplate AND datname <> 'postgres'
    LOOP
        EXECUTE command;
    END LOOP;
END
$do$;

-- name: databases
-- In hexadecimal: single-user mode prints them between quotes, which a name may hold.
SELECT encode(convert_to(datname, 'UTF8'), 'hex') AS name FROM pg_database
WHERE NOT datistemplate AND datallowconn ORDER BY datname;

-- name: own_everything
-- What `owner.hand_over` is to hand over, and to whom.
SELECT set_config('outgrow.schemas', '*', false), set_config('outgrow.owner', 'outgrow', false);
