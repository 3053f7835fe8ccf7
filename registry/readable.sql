SELECT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN pg_catalog.quote_ident(c.relname)
  ELSE pg_catalog.format('%I.%I', n.nspname, c.relname) END,
       pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relname = ANY ($1::name[])
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND (pg_catalog.pg_table_is_visible(c.oid) AND $2::name[] = '{}' OR n.nspname = ANY ($2::name[]))
  AND ($3::text[] IS NULL OR n.nspname = ANY ($3))
  AND ($4::text[] IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY ($4))
  AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
  AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
GROUP BY c.oid, n.nspname, c.relname
ORDER BY n.nspname, c.relname
LIMIT 10
