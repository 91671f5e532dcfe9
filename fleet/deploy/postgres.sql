-- Once, as PostgreSQL's superuser: psql -f postgres.sql. The archive makes its own table and partitions.
-- Set the passwords by \password, never on a command line; the programs read them from a file of mode 0600
-- (database.password_file) or from PGPASSWORD.
create role penutup_archive login;
create role penutup_reader login;
create database penutup owner penutup_archive;
\connect penutup
revoke all on schema public from public;
grant usage, create on schema public to penutup_archive;
grant usage on schema public to penutup_reader;
alter default privileges for role penutup_archive in schema public grant select on tables to penutup_reader;
