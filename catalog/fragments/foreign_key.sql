-- The foreign keys of the targets, both ways.
-- needs: targets
foreign_key AS MATERIALIZED (
  -- Both ways, each constraint once. Incoming ones through pg_depend, for pg_constraint has no index on confrelid.
  SELECT t.oid AS target, k.oid, k.conname AS name,
         CASE WHEN k.conrelid = k.confrelid THEN 'self' WHEN k.conrelid = t.oid THEN 'outgoing' ELSE 'incoming' END AS direction,
         f.schema, f.table_name, own.columns,
         r.schema AS referenced_schema, r.table_name AS referenced_table, own.referenced_columns,
         CASE k.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                            WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END AS on_delete,
         CASE k.confupdtype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                            WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END AS on_update,
         -- SET NULL and SET DEFAULT may be of some of the columns (PostgreSQL 15).
         (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
          FROM pg_catalog.jsonb_array_elements_text(CASE WHEN v.row ->> 'confdelsetcols' <> '' THEN v.row -> 'confdelsetcols' END) AS s (attnum)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = s.attnum::int) AS on_delete_columns,
         CASE WHEN k.confmatchtype = 'f' THEN 'FULL' END AS match,
         CASE WHEN k.condeferred THEN 'initially deferred' WHEN k.condeferrable THEN 'initially immediate' END AS deferrable,
         -- Columns of PostgreSQL 18: the last pair overlaps instead of being equal; nobody enforces the key.
         CASE WHEN (v.row ->> 'conperiod')::boolean THEN true END AS period,
         CASE WHEN NOT (v.row ->> 'conenforced')::boolean THEN 'not enforced' WHEN NOT k.convalidated THEN 'not validated' END AS status
  FROM targets AS t
  CROSS JOIN LATERAL (
    SELECT o.oid FROM pg_catalog.pg_constraint AS o WHERE o.conrelid = t.oid AND o.contype = 'f'
    UNION
    SELECT d.objid
    FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = t.oid
      AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
  ) AS found
  JOIN pg_catalog.pg_constraint AS k ON k.oid = found.oid
  CROSS JOIN LATERAL (SELECT pg_catalog.to_jsonb(k) AS row OFFSET 0) AS v
  JOIN relation AS f ON f.oid = k.conrelid
  JOIN relation AS r ON r.oid = k.confrelid
  CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attname::text ORDER BY p.place) AS columns,
           pg_catalog.array_agg(b.attname::text ORDER BY p.place) AS referenced_columns
    FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY AS p (attnum, referenced, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p.attnum
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = p.referenced
  ) AS own
  WHERE k.contype = 'f'
    -- PostgreSQL clones a key of or to a partitioned table for the partitions: hide the clone where its original shows.
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_constraint AS original
      WHERE original.oid = k.conparentid
        AND CASE t.oid WHEN k.conrelid THEN original.conrelid = t.oid ELSE original.confrelid = t.oid END)
)
