-- What ANALYZE saw in the columns that the login may read: no row for a caller with a role, or under row security.
column_statistic AS NOT MATERIALIZED (
  SELECT s.schemaname AS schema, s.tablename AS table_name, s.attname AS column_name, s.inherited, s.null_frac, s.n_distinct, s.avg_width, v.*
  FROM pg_catalog.pg_stats AS s
  CROSS JOIN LATERAL (
    SELECT s.most_common_vals::text::text[] AS common, s.most_common_freqs AS shares, s.histogram_bounds::text::text[] AS bounds
  ) AS v
  WHERE @caller_role IS NULL AND @caller_schemas IS NULL AND @caller_tables IS NULL
)
