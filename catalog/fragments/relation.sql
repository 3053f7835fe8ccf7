-- Tables and views that the caller may see.
relation AS NOT MATERIALIZED (
  SELECT c.oid, n.nspname AS schema, c.relname AS table_name, c.relkind, c.relnamespace, c.relispartition, c.relrowsecurity,
         c.relpartbound, c.relnatts, c.reltuples, c.relhassubclass, c.relhastriggers
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
)
