/*---
title: Describe the database
description: >
  The map, call it first: all schemas and tables with comments, rows, columns, types, keys, enum labels and common values, as one text.
  ... marks what is cut; describe_table has it all.
params:
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: name_pattern
    type: string
    description: 'ILIKE pattern, for tables.'
  - name: max_chars
    type: integer
    default: 16000
    minimum: 1000
    maximum: 200000
use: [relation, column_statistic]
access: read
trust: owner
result: text
tests:
  - expect: {contains: 'orders ~2000: One row per order'}
  - args: {schema: shp}
    expect: {error: not_found}
---*/
WITH namespace AS MATERIALIZED (
  SELECT n.oid, n.nspname AS schema,
         pg_catalog.regexp_replace(CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> n.nspname::text), '') END, '\s+', ' ', 'g') AS comment
  FROM pg_catalog.pg_namespace AS n
  LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = n.oid AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objsubid = 0
  WHERE CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$|_?timescaledb_)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
), member AS (
  -- pg_class has no index by schema. pg_depend has one, and holds every relation but those that initdb makes.
  SELECT d.objid AS oid
  FROM namespace AS n
  JOIN pg_catalog.pg_depend AS d ON d.refobjid = n.oid
  WHERE @schema <> 'pg_catalog'
    AND d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  UNION ALL
  SELECT c.oid
  FROM pg_catalog.pg_class AS c
  WHERE (@schema IS NULL OR @schema = 'pg_catalog')
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    -- Folding beyond ASCII is slow, and needed only for a pattern that holds such letters.
    AND (@name_pattern IS NULL OR pg_catalog.octet_length(@name_pattern) > pg_catalog.length(@name_pattern) OR c.relname ILIKE @name_pattern)
), found AS MATERIALIZED (
  -- place is the order in which they get room: in each schema those with a comment first, and narrow ones before wide ones.
  SELECT r.*, l.comment,
         pg_catalog.row_number() OVER (PARTITION BY r.schema ORDER BY l.comment IS NULL, r.relnatts, r.table_name) AS place
  FROM member AS m
  CROSS JOIN LATERAL (SELECT r.* FROM relation AS r WHERE r.oid = m.oid OFFSET 0) AS r
  LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
  CROSS JOIN LATERAL (SELECT CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(r.schema, '.', r.table_name)), '') END AS comment) AS l
  WHERE r.relnamespace IN (SELECT n.oid FROM namespace AS n)
    AND (@name_pattern IS NULL OR r.table_name::text COLLATE pg_catalog."default" ILIKE @name_pattern)
    -- A partition or child is folded into its parent. What an extension made is shown when its schema is asked for.
    AND r.oid NOT IN (SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN relation AS p ON p.oid = i.inhparent)
    AND (@schema IS NOT NULL OR r.oid NOT IN (
      SELECT e.objid FROM pg_catalog.pg_depend AS e
      WHERE e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.deptype = 'e'))
), shown_schema AS MATERIALIZED (
  SELECT s.*
  FROM (
    SELECT s.*, pg_catalog.sum(pg_catalog.length(s.line) + 80) OVER (ORDER BY s.on_path DESC, s.schema) AS chars,
           pg_catalog.count(*) OVER () AS of
    FROM (
      SELECT f.schema, f.schema = ANY (pg_catalog.current_schemas(false)) AS on_path,
             pg_catalog.format(E'\nSCHEMA %I, %s %s', f.schema, f.tables, CASE f.tables WHEN 1 THEN 'table' ELSE 'tables' END)
               || coalesce(': ' || CASE WHEN pg_catalog.length(n.comment) > 200
                                        THEN pg_catalog.left(n.comment, 200) || '...+' || pg_catalog.length(n.comment) - 200 || ' (list_schemas)'
                                        ELSE n.comment END, '') AS line
      FROM (
        SELECT f.schema, pg_catalog.sum(f.tables) AS tables
        FROM (
          SELECT f.schema, pg_catalog.count(*) AS tables FROM found AS f GROUP BY f.schema
          UNION ALL
          SELECT n.schema, 0 FROM namespace AS n WHERE @name_pattern IS NULL AND (n.schema <> 'public' OR @schema IS NOT NULL)
        ) AS f
        GROUP BY f.schema
      ) AS f
      JOIN namespace AS n ON n.schema = f.schema
    ) AS s
  ) AS s
  WHERE s.chars <= @max_chars / 2 OR s.chars - pg_catalog.length(s.line) <= 80
), candidate AS MATERIALIZED (
  -- Those that may have room for more than the name.
  SELECT f.* FROM found AS f JOIN shown_schema AS s ON s.schema = f.schema ORDER BY f.place, f.schema LIMIT @max_chars / 40
), described AS MATERIALIZED (
  SELECT c.oid, c.schema, c.table_name, c.place, t.texts
  FROM candidate AS c
  CROSS JOIN LATERAL (
    -- The columns of unique keys, and the keys of several columns or with a period (PostgreSQL 18).
    SELECT pg_catalog.array_agg(i.indkey[0]) FILTER (WHERE i.indisprimary AND NOT k.is_wide) AS primary_key,
           pg_catalog.array_agg(i.indkey[0]) FILTER (WHERE NOT i.indisprimary AND NOT k.is_wide) AS uniques,
           pg_catalog.string_agg(
             CASE WHEN i.indisprimary THEN 'PK (' ELSE 'UNIQUE (' END || k.list || CASE WHEN i.indisexclusion THEN ' WITHOUT OVERLAPS)' ELSE ')' END,
             ', ' ORDER BY NOT i.indisprimary, i.indexrelid) FILTER (WHERE k.is_wide) AS keys
    FROM pg_catalog.pg_index AS i
    CROSS JOIN LATERAL (
      SELECT i.indnkeyatts > 1 OR i.indisexclusion AS is_wide, pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY p.place) AS list
      FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS p (attnum, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = p.attnum
      WHERE p.place <= i.indnkeyatts
    ) AS k
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND 0 <> ALL (i.indkey)
  ) AS k
  CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_object_agg(f.attnum, f.text) FILTER (WHERE f.attnum IS NOT NULL) AS columns,
           pg_catalog.string_agg(f.text, ', ') FILTER (WHERE f.attnum IS NULL) AS keys
    FROM (
      SELECT CASE WHEN NOT v.is_wide THEN k.conkey[1] END AS attnum,
             pg_catalog.string_agg(
               CASE WHEN v.is_wide THEN pg_catalog.format('FK (%s)', own.list) ELSE '' END
               || ' -> ' || CASE WHEN r.schema = c.schema THEN '' ELSE pg_catalog.quote_ident(r.schema) || '.' END || pg_catalog.quote_ident(r.table_name)
               || CASE WHEN v.is_wide THEN pg_catalog.format('(%s)', own.referenced) ELSE '.' || own.referenced END
               || CASE k.confdeltype WHEN 'r' THEN ' RESTRICT' WHEN 'c' THEN ' CASCADE' WHEN 'n' THEN ' SET NULL' WHEN 'd' THEN ' SET DEFAULT' ELSE '' END
               || CASE WHEN NOT v.is_enforced THEN ' NOT ENFORCED' WHEN NOT k.convalidated THEN ' NOT VALID' ELSE '' END,
               ',' ORDER BY k.conname) AS text
      FROM pg_catalog.pg_constraint AS k
      JOIN relation AS r ON r.oid = k.confrelid
      CROSS JOIN LATERAL (
        -- Columns of PostgreSQL 18.
        SELECT coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true) AS is_enforced,
               coalesce((pg_catalog.to_jsonb(k) ->> 'conperiod')::boolean, false) AS has_period, pg_catalog.cardinality(k.conkey) > 1 AS is_wide
        OFFSET 0
      ) AS v
      CROSS JOIN LATERAL (
        SELECT pg_catalog.string_agg(p.period || pg_catalog.quote_ident(a.attname), ', ' ORDER BY p.place) AS list,
               pg_catalog.string_agg(p.period || pg_catalog.quote_ident(b.attname), ', ' ORDER BY p.place) AS referenced
        FROM (SELECT p.*, CASE WHEN v.has_period AND p.place = pg_catalog.cardinality(k.conkey) THEN 'PERIOD ' ELSE '' END AS period
              FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY AS p (attnum, referenced, place)) AS p
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p.attnum
        JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = p.referenced
      ) AS own
      -- PostgreSQL clones a key that refers to a partitioned table for its partitions.
      WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conparentid = 0
      GROUP BY 1, CASE WHEN v.is_wide THEN k.oid END
    ) AS f
  ) AS g
  CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_object_agg(v.column_name, ' ~{' || v.seen || '}') AS columns
    FROM (
      SELECT s.column_name,
             nullif(pg_catalog.concat_ws(', ',
               CASE WHEN s.n_distinct BETWEEN 1 AND 12 AND x.all_chars <= 120 AND (y.typcategory = 'S' OR a.atttypid IN (20, 21, 23)) THEN x.all_common
                    WHEN x.digits >= 0.5 AND y.typcategory = 'S' THEN x.forms
                    WHEN s.avg_width >= 200 THEN s.avg_width || ' bytes' END,
               CASE WHEN s.null_frac >= 0.9 OR s.null_frac >= 0.05 AND s.n_distinct BETWEEN 1 AND 12 THEN pg_catalog.round((100 * s.null_frac)::numeric) || '% null' END), '') AS seen
      FROM column_statistic AS s
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.column_name
      JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
      CROSS JOIN LATERAL (
        SELECT pg_catalog.string_agg(CASE WHEN u.value ~ '^[^\s|]+( [^\s|]+)*$' THEN u.value ELSE pg_catalog.quote_literal(u.value) END, '|' ORDER BY u.place) AS all_common,
               pg_catalog.sum(pg_catalog.length(u.value)) AS all_chars, NULL::numeric AS digits, NULL AS forms
        FROM pg_catalog.unnest(s.common) WITH ORDINALITY AS u (value, place)
        WHERE s.n_distinct BETWEEN 1 AND 12
        HAVING s.n_distinct BETWEEN 1 AND 12
        UNION ALL
        -- A text of numbers or dates: the forms of its values, with 9 for a digit.
        SELECT NULL, NULL, pg_catalog.sum(u.count) FILTER (WHERE u.form ~ '9') / pg_catalog.sum(u.count),
               pg_catalog.string_agg(pg_catalog.quote_literal(u.form), '|' ORDER BY u.count DESC, u.form) FILTER (WHERE u.place <= 4)
        FROM (
          SELECT u.form, pg_catalog.count(*) AS count, pg_catalog.row_number() OVER (ORDER BY pg_catalog.count(*) DESC, u.form) AS place
          FROM (SELECT CASE WHEN u.value ~ '^\s*[^[:alnum:][:space:]]*\s*[0-9][0-9\s.,:/()T+-]*\s*[^[:alnum:][:space:]]?\s*$' THEN pg_catalog.regexp_replace(u.value, '[0-9]', '9', 'g')
                            WHEN u.is_common AND pg_catalog.length(u.value) <= 12 THEN u.value ELSE '...' END AS form
                FROM (SELECT c.value, true AS is_common FROM pg_catalog.unnest(s.common) AS c (value)
                      UNION ALL SELECT b.value, false FROM pg_catalog.unnest(s.bounds) AS b (value) LIMIT 100) AS u
                WHERE s.n_distinct NOT BETWEEN 1 AND 12 AND s.avg_width < 30) AS u
          GROUP BY u.form
        ) AS u
        HAVING s.n_distinct NOT BETWEEN 1 AND 12
      ) AS x
      WHERE s.schema = c.schema AND s.table_name = c.table_name AND s.inherited = (c.relkind = 'p' OR c.relhassubclass)
    ) AS v
    WHERE v.seen IS NOT NULL
  ) AS s
  CROSS JOIN LATERAL (
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END || pg_catalog.quote_ident(c.table_name)
             || coalesce(' ~' || e.parts[1], '')
             || coalesce(' [' || nullif(pg_catalog.concat_ws(', ',
                  CASE WHEN c.relkind = 'p' THEN 'partitioned by ' || pg_catalog.pg_get_partkeydef(c.oid) END,
                  CASE e.parts[2] - (c.relkind <> 'p')::int WHEN 0 THEN NULL WHEN 1 THEN '1 part' ELSE e.parts[2] - (c.relkind <> 'p')::int || ' parts' END,
                  CASE WHEN c.relrowsecurity THEN 'row security' END,
                  CASE WHEN NOT o.is_readable AND NOT o.is_partly THEN 'no SELECT' END), '') || ']', '') AS name,
           pg_catalog.regexp_replace(c.comment, '\s+', ' ', 'g') AS comment, o.is_partly
    FROM (
      SELECT o.is_readable, NOT o.is_readable AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS is_partly
      FROM (SELECT @caller_role IS NOT NULL OR pg_catalog.has_table_privilege(c.oid, 'SELECT') AS is_readable OFFSET 0) AS o
      OFFSET 0
    ) AS o
    CROSS JOIN LATERAL (
      -- With the rows of partitions and children. Citus keeps the rows of a table that has this trigger on other nodes.
      SELECT CASE WHEN c.relkind = 'p' OR c.relhassubclass THEN (
                    WITH RECURSIVE part AS (
                      SELECT c.oid
                      UNION
                      SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits AS i ON i.inhparent = part.oid
                    )
                    SELECT ARRAY[pg_catalog.sum(p.reltuples::bigint) FILTER (WHERE p.reltuples >= 0), pg_catalog.count(*)]::bigint[]
                    FROM part
                    CROSS JOIN LATERAL (SELECT p.* FROM pg_catalog.pg_class AS p WHERE p.oid = part.oid OFFSET 0) AS p
                    WHERE p.relkind <> 'p')
                  WHEN c.relkind <> 'v' AND c.reltuples >= 0 AND NOT (c.relhastriggers AND EXISTS (
                    SELECT FROM pg_catalog.pg_trigger AS g
                    WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')))
                  THEN ARRAY[c.reltuples::bigint, 1] END AS parts
      OFFSET 0
    ) AS e
  ) AS h
  CROSS JOIN LATERAL (
    -- The table with less and more of its comments: the line alone, then with its columns.
    SELECT ARRAY[pg_catalog.quote_ident(c.table_name),
                 h.name || pg_catalog.format(' [%s columns...]', pg_catalog.max(l.count)) || pg_catalog.max(l.comment) FILTER (WHERE l.chars = 0)]
           || pg_catalog.array_agg(h.name || l.comment || E'\n  ' || pg_catalog.concat_ws(', ', l.columns, k.keys, g.keys) ORDER BY l.chars) AS texts
    FROM (
      SELECT l.chars, pg_catalog.count(a.attnum) AS count,
             coalesce(': ' || CASE WHEN pg_catalog.length(h.comment) > l.chars + 100
                                   THEN pg_catalog.left(h.comment, l.chars + 100) || '...+' || pg_catalog.length(h.comment) - l.chars - 100 ELSE h.comment END, '') AS comment,
             pg_catalog.string_agg(a.text || CASE WHEN l.chars > 100 THEN coalesce(a.seen, '') ELSE '' END
               || CASE WHEN l.chars = 0 AND a.comment IS NOT NULL THEN ' (...)'
                       WHEN pg_catalog.length(a.comment) > l.chars THEN pg_catalog.format(' (%s...+%s)', pg_catalog.left(a.comment, l.chars), pg_catalog.length(a.comment) - l.chars)
                       ELSE coalesce(' (' || a.comment || ')', '') END, ', ' ORDER BY a.attnum) AS columns
      FROM (
        SELECT a.attnum, pg_catalog.regexp_replace(CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(c.schema, '.', c.table_name, '.', a.attname)), '') END,
                                                   '\s+', ' ', 'g') AS comment,
               CASE WHEN y.typtype <> 'e' AND y.typname <> 'bool' AND NOT coalesce(g.columns ? a.attnum::text, false) THEN s.columns ->> a.attname::text END AS seen,
               pg_catalog.quote_ident(a.attname) || ' '
                 || CASE WHEN y.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace THEN t.type
                         ELSE pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(t.type,
                           'timestamp with time zone', 'timestamptz'), ' without time zone', ''), 'character varying', 'varchar'),
                           'integer', 'int'), 'double precision', 'float8'), 'boolean', 'bool') END
                 || CASE WHEN y.typtype = 'e' THEN (
                      SELECT CASE WHEN pg_catalog.length(e.labels) > 200 THEN pg_catalog.format('{%s...+%s}', pg_catalog.left(e.labels, 200), pg_catalog.length(e.labels) - 200)
                                  ELSE '{' || e.labels || '}' END
                      FROM (SELECT pg_catalog.string_agg(e.enumlabel, '|' ORDER BY e.enumsortorder) AS labels
                            FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = y.oid) AS e)
                    ELSE '' END
                 || CASE WHEN a.attnum = ANY (k.primary_key) THEN ' PK'
                         ELSE CASE WHEN a.attnotnull AND NOT EXISTS (
                                     -- On PostgreSQL 18 there may be NULLs in spite of it.
                                     SELECT FROM pg_catalog.pg_constraint AS n
                                     WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND n.conkey[1] = a.attnum AND NOT n.convalidated OFFSET 0)
                                   THEN '!' ELSE '' END
                           || CASE WHEN a.attnum = ANY (k.uniques) THEN ' UNIQUE' ELSE '' END END
                 || CASE WHEN a.attgenerated <> '' THEN ' GENERATED' ELSE '' END
                 || coalesce(g.columns ->> a.attnum::text, '')
                 || CASE WHEN h.is_partly AND NOT pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') THEN ' (no SELECT)' ELSE '' END AS text
        FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
        CROSS JOIN LATERAL (SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type) AS t
        LEFT JOIN pg_catalog.pg_description AS d
          ON d.objoid = a.attrelid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        OFFSET 0
      ) AS a
      RIGHT JOIN (VALUES (0), (80), (250), (1500)) AS l (chars) ON true
      GROUP BY l.chars
    ) AS l
  ) AS t
), sized AS MATERIALIZED (
  SELECT d.schema, d.table_name, d.place, d.texts FROM described AS d
  UNION ALL
  SELECT f.schema, f.table_name, f.place, ARRAY[pg_catalog.quote_ident(f.table_name)]
  FROM found AS f
  WHERE f.schema IN (SELECT s.schema FROM shown_schema AS s) AND f.oid NOT IN (SELECT d.oid FROM described AS d)
), room AS MATERIALIZED (
  -- How much of every table fits, and what is left then. 0 is nothing, 1 the name.
  SELECT coalesce(pg_catalog.max(l.level) FILTER (WHERE l.chars <= r.chars), 0) AS level,
         r.chars - coalesce(pg_catalog.max(l.chars) FILTER (WHERE l.chars <= r.chars), 0) AS chars
  FROM (SELECT @max_chars - 500 - pg_catalog.sum(pg_catalog.length(s.line) + 80) AS chars FROM shown_schema AS s) AS r
  CROSS JOIN (
    SELECT l.level, pg_catalog.sum(pg_catalog.length(s.texts[least(l.level, pg_catalog.cardinality(s.texts))]) + 2) AS chars
    FROM sized AS s CROSS JOIN pg_catalog.generate_series(1, 6) AS l (level)
    GROUP BY l.level
  ) AS l
  GROUP BY r.chars
), fitted AS MATERIALIZED (
  -- What is left goes to the first tables, one step more each.
  SELECT s.schema, s.table_name, s.texts[f.level] AS text, f.level
  FROM (
    SELECT s.*, r.level, pg_catalog.sum(pg_catalog.length(s.texts[next.level]) - coalesce(pg_catalog.length(s.texts[r.level]), -2))
                           OVER (ORDER BY s.place, s.schema) <= r.chars AS has_more, next.level AS next
    FROM sized AS s
    CROSS JOIN room AS r
    CROSS JOIN LATERAL (SELECT least(r.level + 1, pg_catalog.cardinality(s.texts)) AS level) AS next
  ) AS s
  CROSS JOIN LATERAL (SELECT CASE WHEN s.has_more THEN s.next ELSE least(s.level, pg_catalog.cardinality(s.texts)) END AS level) AS f
)
SELECT pg_catalog.string_agg(l.line, E'\n' ORDER BY l.part, l.off_path, l.schema, l.kind, l.table_name COLLATE pg_catalog."C") AS text
FROM (
  SELECT 0 AS part, false AS off_path, '' AS schema, 0 AS kind, '' AS table_name,
         pg_catalog.format('A table: name ~rows: comment, then its columns. ! is NOT NULL, PK the primary key, -> a foreign key with its ON DELETE, '
           '{a|b} the labels of an enum, ~{...} common values and the share of nulls by the last ANALYZE (9 is any digit), (...) a comment. '
           '... cuts, +N characters: describe_table {"table_name": "schema.table, ..."} shows all. Database %I, PostgreSQL %s, times in %s.',
           pg_catalog.current_database(), pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1), pg_catalog.current_setting('TimeZone')) AS line
  WHERE @schema IS NULL OR EXISTS (SELECT FROM namespace)
  UNION ALL
  SELECT 1, NOT s.on_path, s.schema, 0, '', s.line FROM shown_schema AS s
  UNION ALL
  SELECT 1, NOT s.on_path, f.schema, 1, f.table_name, f.text
  FROM fitted AS f JOIN shown_schema AS s ON s.schema = f.schema WHERE f.level > 1
  UNION ALL
  SELECT 1, NOT s.on_path, f.schema, 2, '',
         pg_catalog.concat_ws(', ', 'Without columns here: ' || pg_catalog.string_agg(f.text, ', ' ORDER BY f.table_name) FILTER (WHERE f.level = 1),
           nullif(pg_catalog.count(*) FILTER (WHERE f.level = 0), 0) || ' more tables: '
             || CASE WHEN @schema IS NULL THEN pg_catalog.format('describe_database {"schema": %s}', pg_catalog.to_json(f.schema))
                     ELSE pg_catalog.format('list_tables {"schema": %s}', pg_catalog.to_json(f.schema)) END)
  FROM fitted AS f JOIN shown_schema AS s ON s.schema = f.schema WHERE f.level < 2
  GROUP BY s.on_path, f.schema
  UNION ALL
  SELECT 2, true, '', 0, '', E'\nThere is no such table or view; search_objects looks at names and comments of columns, too.'
  WHERE NOT EXISTS (SELECT FROM found) AND (@schema IS NULL OR EXISTS (SELECT FROM namespace))
  UNION ALL
  SELECT 2, true, '', 0, '', pg_catalog.format(E'\n%s more schemas: list_schemas', pg_catalog.max(s.of) - pg_catalog.count(*))
  FROM shown_schema AS s HAVING pg_catalog.max(s.of) > pg_catalog.count(*)
) AS l
HAVING pg_catalog.count(*) > 0
