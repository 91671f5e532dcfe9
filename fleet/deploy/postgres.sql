-- Once, as PostgreSQL's superuser. The archive makes its own tables and partitions.
-- On the same machine peer authentication lets in the system users of these names, without a password. Otherwise set
-- passwords by \password, never on a command line.
create role penutup_archive login;
create role penutup_reader login;
create database penutup owner penutup_archive;
\connect penutup
revoke all on schema public from public;
grant usage, create on schema public to penutup_archive;
grant usage on schema public to penutup_reader;
alter default privileges for role penutup_archive in schema public grant select on tables to penutup_reader;
