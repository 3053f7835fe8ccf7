-- The names of several that name no table, with the nearest that there are.
-- needs: targets
missing_name AS MATERIALIZED (
  SELECT w.name AS table_name, w.place,
         CASE WHEN w.place > 20 THEN 'At most 20 names are taken in one call.'
              ELSE 'There is no table or view of this name here.' || coalesce(' Did you mean ' || n.names || '?', '') END AS error
  FROM wanted_name AS w
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(n.written, ', ' ORDER BY n.distance, n.written) AS names
    FROM (
      -- A lower bound of the edit distance, and those that have the least.
      SELECT n.*, pg_catalog.min(n.distance) OVER () AS least FROM (SELECT CASE WHEN pg_catalog.pg_table_is_visible(r.oid) THEN pg_catalog.quote_ident(r.table_name) ELSE pg_catalog.format('%I.%I', r.schema, r.table_name) END AS written,
             greatest(pg_catalog.length(pg_catalog.translate(p.name, p.wanted, '')), pg_catalog.length(pg_catalog.translate(p.wanted, p.name, '')),
                      pg_catalog.abs(pg_catalog.length(p.name) - pg_catalog.length(p.wanted))) AS distance, p.wanted
      FROM relation AS r
      CROSS JOIN LATERAL (SELECT pg_catalog.lower(r.table_name::text) AS name, pg_catalog.lower(pg_catalog.btrim(pg_catalog.regexp_replace(w.name, '^.*\.(?=.)', ''), '"')) AS wanted) AS p
      WHERE w.place <= 20 AND r.schema !~ '^(pg_|information_schema$)' AND NOT r.relispartition
      ORDER BY distance, r.relnamespace, r.table_name
      LIMIT 3) AS n
    ) AS n
    WHERE n.distance = n.least AND n.distance <= (pg_catalog.length(n.wanted) + 1) / 3
  ) AS n
  WHERE w.is_one_of_many AND w.place NOT IN (SELECT pg_catalog.unnest(t.places) FROM targets AS t)
)
