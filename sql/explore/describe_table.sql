/*---
title: Describe a table
description: >
  All about tables or views that the map leaves open: columns with defaults, enum labels and values, keys, foreign keys both ways, checks,
  indexes, triggers, row security, privileges. Where a key has a period, its last columns join by &&.
params:
  - name: table_name
    type: string
    names: table
    required: true
    description: 'Table or view, or up to 20 with commas: orders, shop.items.'
  - name: schema
    type: string
    names: schema
    description: Omit for the search path.
use: [foreign_key, missing_name, column_statistic]
access: read
result: object
trust: owner
omit_null: true
tests:
  - args: {table_name: orders}
    expect: {contains: {schema: shop, columns: [{name: id}, {name: status}]}}
  - name: several
    args: {table_name: 'shop.orders, custmers, billing.payments'}
    expect: {contains: {tables: [{table_name: orders}, {table_name: custmers, error: 'There is no table or view of this name here. Did you mean customers?'}]}}
  - name: a misspelt name
    args: {table_name: custmers}
    expect: {error: not_found}
---*/
WITH RECURSIVE type_chain AS (
  -- From a column's type through domains and arrays down to the type below: an enum, a row, or where a domain ends.
  SELECT a.attrelid, a.attnum, 0 AS depth, y.typtype = 'd' AS in_domain, y.oid, y.typtype, y.typbasetype, y.typtypmod, y.typnotnull,
         y.typelem, y.typcategory, y.typrelid
  FROM targets AS t
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid AND (y.typtype IN ('c', 'd', 'e') OR y.typcategory = 'A')
  UNION ALL
  SELECT c.attrelid, c.attnum, c.depth + 1, c.in_domain AND y.typtype = 'd', y.oid, y.typtype, y.typbasetype, y.typtypmod, y.typnotnull,
         y.typelem, y.typcategory, y.typrelid
  FROM type_chain AS c
  JOIN pg_catalog.pg_type AS y ON y.oid = CASE WHEN c.typtype = 'd' THEN c.typbasetype ELSE c.typelem END
  WHERE c.typtype = 'd' OR c.typcategory = 'A'
), special_type AS (
  SELECT c.attrelid, c.attnum,
         pg_catalog.bool_or(c.typnotnull) FILTER (WHERE c.in_domain) AS not_null,
         (pg_catalog.array_agg(pg_catalog.format_type(c.typbasetype, c.typtypmod) ORDER BY c.depth DESC)
            FILTER (WHERE c.in_domain))[1] AS base_type,
         pg_catalog.array_agg(c.oid) FILTER (WHERE c.typtype = 'd') AS domains,
         pg_catalog.max(c.oid) FILTER (WHERE c.typtype = 'e') AS enum,
         pg_catalog.max(c.typrelid) FILTER (WHERE c.typtype = 'c') AS fields
  FROM type_chain AS c
  GROUP BY c.attrelid, c.attnum
), index AS MATERIALIZED (
  SELECT i.indrelid, x.relname AS name, i.indexrelid, i.indisprimary, i.indisvalid,
         -- A key WITHOUT OVERLAPS (PostgreSQL 18): the last column is a period, which overlaps no other of the same key.
         CASE WHEN i.indisunique AND i.indisexclusion THEN true END AS without_overlaps,
         -- PostgreSQL 15: not two NULLs.
         CASE WHEN (pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean THEN true END AS nulls_not_distinct,
         CASE WHEN k.condeferred THEN 'initially deferred' WHEN k.condeferrable THEN 'initially immediate' END AS deferrable,
         -- A partial index, or one on an expression, promises nothing about the columns of every row.
         i.indisunique AND i.indisvalid AND i.indpred IS NULL AND 0 <> ALL (i.indkey) AS is_key,
         (SELECT pg_catalog.array_agg(a.attname::text ORDER BY p.place)
          FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS p (attnum, place)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = p.attnum
          WHERE p.place <= i.indnkeyatts) AS columns
  FROM targets AS t
  JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
  LEFT JOIN LATERAL (
    SELECT k.condeferrable, k.condeferred
    FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = t.oid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') LIMIT 1
  ) AS k ON true
), described AS MATERIALIZED (
SELECT t.schema,
       t.table_name,
       CASE t.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                      WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' END AS kind,
       nullif(pg_catalog.concat_ws(' | ',
         (SELECT d.description FROM pg_catalog.pg_description AS d
          WHERE d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0),
         @notes ->> pg_catalog.concat(t.schema, '.', t.table_name)), '') AS comment,
       -- What this login may read, and which rows of it. A caller's own queries may run with another role, which is not known here.
       CASE WHEN NOT e.is_readable AND @caller_role IS NULL THEN false END AS readable,
       CASE WHEN @caller_role IS NULL THEN (
         SELECT CASE WHEN pg_catalog.count(*) FILTER (WHERE p.is_held) < 4 THEN
                  coalesce(pg_catalog.string_agg(p.name || CASE WHEN p.is_held THEN '' ELSE ' (some columns)' END, ', ' ORDER BY p.place) FILTER (WHERE p.is_partly), 'none') END
         FROM (
           SELECT p.name, p.place, pg_catalog.has_table_privilege(t.oid, p.name) AS is_held,
                  pg_catalog.has_table_privilege(t.oid, p.name) OR p.name <> 'DELETE' AND pg_catalog.has_any_column_privilege(t.oid, nullif(p.name, 'DELETE')) AS is_partly
           FROM (VALUES ('SELECT', 1), ('INSERT', 2), ('UPDATE', 3), ('DELETE', 4)) AS p (name, place)
         ) AS p) END AS privileges,
       CASE WHEN t.relrowsecurity OR l.has_policies THEN (
         SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
           'enabled', CASE WHEN NOT t.relrowsecurity THEN false END,
           'forced', CASE WHEN c.relforcerowsecurity THEN true END,
           'binds_this_login', CASE WHEN @caller_role IS NULL AND t.relrowsecurity THEN pg_catalog.row_security_active(t.oid) END,
           'policies',
           coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
             'name', q.polname,
             'command', CASE q.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
             'restrictive', CASE WHEN NOT q.polpermissive THEN true END,
             'roles', CASE WHEN q.polroles <> '{0}' THEN (
               SELECT pg_catalog.array_agg(CASE WHEN r.oid = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r.oid) END) FROM pg_catalog.unnest(q.polroles) AS r (oid)) END,
             -- An expression may name what a role does not see.
             'using', CASE WHEN @caller_role IS NULL THEN pg_catalog.pg_get_expr(q.polqual, q.polrelid) END,
             'with_check', CASE WHEN @caller_role IS NULL THEN pg_catalog.pg_get_expr(q.polwithcheck, q.polrelid) END) ORDER BY q.polname), '[]')))
         FROM pg_catalog.pg_policy AS q WHERE q.polrelid = t.oid) END AS row_security,
       CASE WHEN NOT t.relrowsecurity AND l.has_policies THEN 'The policies are not in force: row security is not enabled.'
            WHEN NOT t.relrowsecurity THEN NULL
            WHEN @caller_role IS NOT NULL THEN 'Which rows a query sees depends on the role that it runs with.'
            WHEN NOT pg_catalog.row_security_active(t.oid) THEN (
              SELECT pg_catalog.format('Row security does not hold for this login, %s, which %s: queries see all rows.', u.rolname,
                CASE WHEN u.rolsuper THEN 'is a superuser' WHEN u.rolbypassrls THEN 'has BYPASSRLS' ELSE 'owns the table' END)
              FROM pg_catalog.pg_roles AS u WHERE u.rolname = current_user)
            WHEN NOT l.has_policies THEN pg_catalog.format('Row security holds for this login, %s, and there is no policy: queries see no row.', current_user)
            ELSE pg_catalog.format('Row security holds for this login, %s: queries see only the rows that the policies allow, and statistics are hidden.', current_user)
       END AS row_security_note,
       CASE WHEN NOT e.is_elsewhere THEN e.row_estimate END AS row_estimate,
       CASE WHEN e.is_elsewhere THEN 'The rows are on other nodes.'
            WHEN e.unknown > 0 AND e.row_estimate IS NOT NULL
            THEN pg_catalog.format('%s of %s parts were never analysed, and are not counted.', e.unknown, e.parts) END AS estimate_note,
       coalesce((
         SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
           'name', a.attname,
           'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
           'nullable', NOT (a.attnotnull AND n.status IS NULL OR coalesce(s.not_null, false)),
           'not_null', n.status,
           'readable', CASE WHEN e.is_readable AND @caller_role IS NULL AND NOT pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT') THEN false END,
           'default', CASE WHEN a.attgenerated <> '' OR a.attidentity <> '' THEN NULL
                           WHEN v.adbin IS NOT NULL THEN pg_catalog.pg_get_expr(v.adbin, v.adrelid)
                           WHEN y.typtype = 'd' THEN y.typdefault END,
           'generated', CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
           'expression', CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(v.adbin, v.adrelid) END,
           'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
           'collation', CASE WHEN a.attcollation <> y.typcollation THEN (
             SELECT o.collname FROM pg_catalog.pg_collation AS o WHERE o.oid = a.attcollation) END,
           'base_type', s.base_type,
           'checks', CASE WHEN s.domains IS NOT NULL THEN (
             SELECT pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(k.oid) ORDER BY k.conname)
             FROM pg_catalog.pg_constraint AS k WHERE k.contypid = ANY (s.domains) AND k.contype = 'c') END,
           'enum', CASE WHEN s.enum IS NOT NULL THEN (
             SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
             FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = s.enum) END,
           'fields', CASE WHEN s.fields <> 0 THEN (
             SELECT pg_catalog.json_object_agg(f.attname, pg_catalog.format_type(f.atttypid, f.atttypmod) ORDER BY f.attnum)
             FROM pg_catalog.pg_attribute AS f WHERE f.attrelid = s.fields AND f.attnum > 0 AND NOT f.attisdropped) END,
           'comment', CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(t.schema, '.', t.table_name, '.', a.attname)), '') END,
           'source', b.source,
           'values', m.values,
           'distinct', m.distinct_values,
           'range', m.range,
           'null_percent', m.null_percent,
           'average_bytes', m.average_bytes) ORDER BY a.attnum))
         FROM pg_catalog.pg_attribute AS a
         JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
         LEFT JOIN special_type AS s ON s.attrelid = a.attrelid AND s.attnum = a.attnum
         LEFT JOIN pg_catalog.pg_attrdef AS v ON v.adrelid = a.attrelid AND v.adnum = a.attnum
         LEFT JOIN pg_catalog.pg_description AS d
           ON d.objoid = a.attrelid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = a.attnum
         LEFT JOIN LATERAL (
           -- On PostgreSQL 18 there may be NULLs in spite of it.
           SELECT 'not validated' AS status
           FROM pg_catalog.pg_constraint AS k
           WHERE k.conrelid = t.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum AND NOT k.convalidated
           LIMIT 1
         ) AS n ON true
         LEFT JOIN LATERAL (
           -- The comments of the columns of this name that a view reads, and the notes on them.
           SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I: %s', r.schema, r.table_name, l.text), '; ') AS source
           FROM pg_catalog.pg_rewrite AS w
           JOIN pg_catalog.pg_depend AS u ON u.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND u.objid = w.oid
             AND u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND u.refobjsubid > 0
           JOIN pg_catalog.pg_attribute AS o ON o.attrelid = u.refobjid AND o.attnum = u.refobjsubid AND o.attname = a.attname
           JOIN relation AS r ON r.oid = u.refobjid AND r.oid <> t.oid
           LEFT JOIN pg_catalog.pg_description AS h
             ON h.objoid = u.refobjid AND h.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND h.objsubid = u.refobjsubid
           CROSS JOIN LATERAL (SELECT pg_catalog.concat_ws(' | ', h.description, @notes ->> pg_catalog.concat(r.schema, '.', r.table_name, '.', o.attname)) AS text) AS l
           WHERE l.text <> '' AND t.relkind IN ('v', 'm') AND d.description IS NULL AND w.ev_class = t.oid AND w.rulename = '_RETURN'
         ) AS b ON true
         LEFT JOIN LATERAL (
           -- What the last ANALYZE saw: the values of columns with few, the range of numbers and dates. A small table is read as fast.
           SELECT CASE WHEN y.typtype <> 'e' AND y.typcategory IN ('S', 'N', 'D') AND i.values_seen <= 20 AND pg_catalog.length(i.seen::text) <= 400 THEN i.seen END AS values,
                  CASE WHEN i.values_seen > 20 AND z.n_distinct > -1 THEN i.values_seen END AS distinct_values,
                  CASE WHEN i.values_seen > 20 THEN (
                    SELECT ARRAY[(pg_catalog.array_agg(u.value ORDER BY u.number, u.day, u.local, u.instant))[1],
                                 (pg_catalog.array_agg(u.value ORDER BY u.number DESC, u.day DESC, u.local DESC, u.instant DESC))[1]]
                    FROM (
                      SELECT u.value, CASE WHEN a.atttypid IN (20, 21, 23, 700, 701, 1700) THEN u.value::float8 END AS number,
                             CASE a.atttypid WHEN 1082 THEN u.value::date END AS day, CASE a.atttypid WHEN 1114 THEN u.value::timestamp END AS local,
                             CASE a.atttypid WHEN 1184 THEN u.value::timestamptz END AS instant
                      FROM pg_catalog.unnest(z.common || z.bounds) AS u (value)
                      -- Numbers, dates and timestamps.
                      WHERE a.atttypid IN (20, 21, 23, 700, 701, 1700, 1082, 1114, 1184)
                    ) AS u
                    HAVING pg_catalog.count(*) > 0) END AS range,
                  CASE WHEN z.null_frac >= 0.01 THEN pg_catalog.round((100 * z.null_frac)::numeric) END AS null_percent,
                  CASE WHEN z.avg_width >= 200 THEN z.avg_width END AS average_bytes
           FROM column_statistic AS z
           CROSS JOIN LATERAL (
             -- Values that are seen once are not among the common ones, but bounds. A number below zero is a share of the rows.
             SELECT CASE WHEN z.n_distinct < 0 THEN pg_catalog.round((-z.n_distinct * e.row_estimate)::numeric)::bigint ELSE nullif(z.n_distinct, 0)::bigint END AS values_seen,
                    CASE WHEN pg_catalog.cardinality(z.common) <= 20 OR z.common IS NULL THEN
                      z.common || ARRAY(SELECT b.value FROM pg_catalog.unnest(z.bounds) AS b (value) WHERE b.value <> ALL (coalesce(z.common, '{}')) LIMIT 21) END AS seen
           ) AS i
           WHERE e.row_estimate >= 50 AND z.schema = t.schema AND z.table_name = t.table_name AND z.column_name = a.attname
             AND z.inherited = (t.relkind = 'p' OR t.relhassubclass)
             AND NOT EXISTS (SELECT FROM foreign_key AS k WHERE k.target = t.oid AND k.direction <> 'incoming' AND k.columns = ARRAY[a.attname::text])
         ) AS m ON true
         WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
       ), '[]') AS columns,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object('name', i.name, 'columns', i.columns, 'without_overlaps', i.without_overlaps, 'deferrable', i.deferrable))
        FROM index AS i WHERE i.indrelid = t.oid AND i.indisprimary) AS primary_key,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(
          pg_catalog.json_build_object('name', i.name, 'columns', i.columns, 'without_overlaps', i.without_overlaps,
                                       'nulls_not_distinct', i.nulls_not_distinct, 'deferrable', i.deferrable) ORDER BY i.name))
        FROM index AS i WHERE i.indrelid = t.oid AND i.is_key AND NOT i.indisprimary) AS unique_keys,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)) ORDER BY k.conname)
        FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = t.oid AND k.contype = 'c') AS checks,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)) ORDER BY k.conname)
        FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = t.oid AND k.contype = 'x') AS exclusions,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.name, 'columns', k.columns, 'referenced_schema', k.referenced_schema, 'referenced_table', k.referenced_table,
          'referenced_columns', k.referenced_columns, 'on_delete', k.on_delete, 'on_delete_columns', k.on_delete_columns, 'on_update', k.on_update,
          'match', k.match, 'deferrable', k.deferrable, 'period', k.period, 'status', k.status) ORDER BY k.name))
        FROM foreign_key AS k WHERE k.target = t.oid AND k.direction <> 'incoming') AS foreign_keys,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.name, 'schema', k.schema, 'table_name', k.table_name, 'columns', k.columns,
          'referenced_columns', k.referenced_columns, 'on_delete', k.on_delete, 'on_delete_columns', k.on_delete_columns, 'on_update', k.on_update,
          'match', k.match, 'deferrable', k.deferrable, 'period', k.period, 'status', k.status)
          ORDER BY k.schema, k.table_name, k.name))
        FROM foreign_key AS k WHERE k.target = t.oid AND k.direction = 'incoming') AS referenced_by,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', i.name, 'definition', pg_catalog.pg_get_indexdef(i.indexrelid),
          'valid', CASE WHEN NOT i.indisvalid THEN false END) ORDER BY i.name))
        FROM index AS i WHERE i.indrelid = t.oid) AS indexes,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', g.tgname,
          'when', pg_catalog.concat_ws(' ',
            CASE WHEN g.tgtype & 64 > 0 THEN 'INSTEAD OF' WHEN g.tgtype & 2 > 0 THEN 'BEFORE' ELSE 'AFTER' END,
            pg_catalog.concat_ws(' OR ', CASE WHEN g.tgtype & 4 > 0 THEN 'INSERT' END,
              CASE WHEN g.tgtype & 16 > 0 THEN 'UPDATE' || coalesce((
                SELECT ' OF ' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
                FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.oid AND a.attnum = ANY (g.tgattr)), '') END,
              CASE WHEN g.tgtype & 8 > 0 THEN 'DELETE' END, CASE WHEN g.tgtype & 32 > 0 THEN 'TRUNCATE' END),
            CASE WHEN g.tgtype & 1 > 0 THEN 'FOR EACH ROW' ELSE 'FOR EACH STATEMENT' END),
          'condition', CASE WHEN g.tgqual IS NOT NULL AND @caller_role IS NULL THEN
            pg_catalog.substring(pg_catalog.pg_get_triggerdef(g.oid), ' WHEN \((.*)\) EXECUTE ') END,
          'function', CASE WHEN @caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas) THEN pg_catalog.format('%I.%I', n.nspname, p.proname) END,
          'deferrable', CASE WHEN g.tginitdeferred THEN 'initially deferred' WHEN g.tgdeferrable THEN 'initially immediate' END,
          'enabled', CASE g.tgenabled WHEN 'D' THEN 'never' WHEN 'R' THEN 'on replicas' WHEN 'A' THEN 'always' END) ORDER BY g.tgname))
        FROM pg_catalog.pg_trigger AS g
        JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
        WHERE g.tgrelid = t.oid AND NOT g.tgisinternal) AS triggers,
       -- The text of a rule or view may name what a role does not see.
       (SELECT pg_catalog.string_agg(CASE WHEN @caller_role IS NULL THEN pg_catalog.pg_get_ruledef(w.oid) ELSE w.rulename::text END
                                     || CASE w.ev_enabled WHEN 'D' THEN ' -- disabled' WHEN 'R' THEN ' -- on replicas only' ELSE '' END, E'\n' ORDER BY w.rulename)
        FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class = t.oid AND w.rulename <> '_RETURN') AS rules,
       CASE WHEN t.relkind IN ('v', 'm') AND @caller_role IS NULL AND @caller_schemas IS NULL AND @caller_tables IS NULL THEN (
         SELECT CASE WHEN pg_catalog.length(d.text) > 2000
                     THEN pg_catalog.format('%s... (%s characters more: get_definition)', pg_catalog.left(d.text, 2000), pg_catalog.length(d.text) - 2000)
                     ELSE d.text END
         FROM pg_catalog.pg_get_viewdef(t.oid, true) AS d (text)) END AS definition,
       CASE WHEN t.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(t.oid) END AS partition_key,
       CASE WHEN t.relkind = 'p' THEN (
         SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = t.oid) END AS partition_count,
       CASE WHEN t.relpartbound IS NOT NULL THEN (
         SELECT pg_catalog.json_build_object('schema', r.schema, 'table_name', r.table_name,
                                             'bound', pg_catalog.pg_get_expr(t.relpartbound, t.oid))
         FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhparent WHERE i.inhrelid = t.oid) END AS parent,
       CASE WHEN t.relpartbound IS NULL THEN (
         SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', r.schema, 'table_name', r.table_name) ORDER BY i.inhseqno)
         FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhparent WHERE i.inhrelid = t.oid) END AS inherits,
       CASE WHEN t.relkind <> 'p' THEN (
         SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', h.schema, 'table_name', h.table_name) ORDER BY h.schema, h.table_name)
         FROM (SELECT r.schema, r.table_name FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhrelid
               WHERE i.inhparent = t.oid ORDER BY r.schema, r.table_name LIMIT 10) AS h) END AS inherited_by,
       -- Where those are some of many.
       CASE WHEN t.relkind <> 'p' THEN (
         SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhrelid
         WHERE i.inhparent = t.oid HAVING pg_catalog.count(*) > 10) END AS child_count,
       nullif(pg_catalog.concat_ws(', ', CASE WHEN c.relpersistence = 'u' THEN 'unlogged' END, pg_catalog.array_to_string(c.reloptions, ', ')), '') AS options,
       -- It says which row of a subscriber is meant. Without one, changes fail once the table is published.
       CASE WHEN t.relkind IN ('r', 'p') THEN
         CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full'
                             WHEN 'd' THEN CASE WHEN NOT EXISTS (SELECT FROM index AS i WHERE i.indrelid = t.oid AND i.indisprimary)
                                                 AND EXISTS (SELECT FROM pg_catalog.pg_publication) THEN 'missing: no primary key' END END END AS replica_identity
FROM targets AS t
CROSS JOIN LATERAL (SELECT c.* FROM pg_catalog.pg_class AS c WHERE c.oid = t.oid OFFSET 0) AS c
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_catalog.pg_policy AS q WHERE q.polrelid = t.oid) AS has_policies) AS l
CROSS JOIN LATERAL (
  -- With the rows of partitions and children, which a query of the table reads, too. -1 is "never analysed".
  WITH RECURSIVE part AS (
    SELECT t.oid
    UNION
    SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits AS i ON i.inhparent = part.oid
  )
  SELECT pg_catalog.sum(p.reltuples::bigint) FILTER (WHERE p.reltuples >= 0)::bigint AS row_estimate,
         pg_catalog.count(*) FILTER (WHERE p.reltuples < 0) AS unknown,
         pg_catalog.count(*) AS parts,
         pg_catalog.has_any_column_privilege(t.oid, 'SELECT') AS is_readable,
         -- Citus keeps the rows of a table that has this trigger on other nodes.
         EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                 WHERE g.tgrelid = t.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere
  FROM part
  CROSS JOIN LATERAL (SELECT p.* FROM pg_catalog.pg_class AS p WHERE p.oid = part.oid OFFSET 0) AS p
  WHERE p.relkind NOT IN ('p', 'v')
) AS e
)
-- One table is the answer itself; several are a list, in the order of the names.
SELECT d.schema, d.table_name, d.kind, d.comment, d.readable, d.privileges, d.row_security, d.row_security_note, d.row_estimate, d.estimate_note, d.columns, d.primary_key,
       d.unique_keys, d.checks, d.exclusions, d.foreign_keys, d.referenced_by, d.indexes, d.triggers, d.rules, d.definition, d.partition_key, d.partition_count,
       d.parent, d.inherits, d.inherited_by, d.child_count, d.options, d.replica_identity, s.tables
FROM (
  SELECT CASE WHEN EXISTS (SELECT FROM wanted_name AS w WHERE w.is_one_of_many) THEN (
    SELECT pg_catalog.json_agg(l.one ORDER BY l.place)
    FROM (
      SELECT t.place, pg_catalog.json_strip_nulls(pg_catalog.to_json(d)) AS one
      FROM described AS d JOIN targets AS t ON t.schema = d.schema AND t.table_name = d.table_name
      UNION ALL
      SELECT m.place, pg_catalog.json_build_object('table_name', m.table_name, 'error', m.error) FROM missing_name AS m
    ) AS l) END AS tables
) AS s
LEFT JOIN described AS d ON s.tables IS NULL
WHERE s.tables IS NOT NULL OR d.schema IS NOT NULL
