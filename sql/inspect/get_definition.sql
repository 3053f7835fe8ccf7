/*---
title: Get a definition
description: >
  The SQL that makes a view, function, procedure, trigger, index or constraint: every one of that name, at most 50.
  Use it to read the logic behind a name that describe_table, list_functions or search_objects gave.
params:
  - name: name
    type: string
    required: true
    min_length: 1
    description: Name as it is, without arguments; schema.name works too.
  - name: kind
    type: string
    enum: [view, function, trigger, index, constraint]
    description: Omit for any.
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: table_name
    type: string
    description: Table of the trigger, index or constraint.
access: read
trust: owner
omit_null: true
limits: {rows: 50}
not_found:
  message: There is no view, function, trigger, index or constraint "{name}" here. Names are exact, without arguments; describe_table shows tables, list_enums enums.
  suggest: |
    SELECT o.name
    FROM (
      SELECT c.relname::text, c.relnamespace, CASE WHEN c.relkind IN ('v', 'm') THEN c.oid ELSE i.indrelid END
      FROM pg_catalog.pg_class AS c
      LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
      WHERE c.relkind IN ('v', 'm', 'i', 'I') AND NOT c.relispartition
      UNION ALL
      SELECT p.proname, p.pronamespace, NULL FROM pg_catalog.pg_proc AS p
      UNION ALL
      SELECT g.tgname, t.relnamespace, t.oid
      FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
      UNION ALL
      -- Not the names that PostgreSQL makes: of NOT NULL (since version 18), and of clones of keys for partitions.
      SELECT k.conname, k.connamespace, k.conrelid
      FROM pg_catalog.pg_constraint AS k WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conrelid <> 0 AND k.conparentid = 0
    ) AS o (name, namespace, relation)
    JOIN pg_catalog.pg_namespace AS n ON n.oid = o.namespace
    LEFT JOIN pg_catalog.pg_class AS t ON t.oid = o.relation
    WHERE n.nspname !~ '^(pg_|information_schema$)'
      AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
      AND (@caller_tables IS NULL
           OR CASE WHEN t.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, t.relname) = ANY (@caller_tables) END)
    ORDER BY pg_catalog.abs(pg_catalog.length(o.name) - pg_catalog.length(@name)), o.name
    LIMIT 5000
tests:
  - args: {name: shop.order_totals}
    expect: {rows: 1, contains: [{kind: view, schema: shop, name: order_totals}]}
  - args: {name: '"shop"."order_totals"'}
    expect: {rows: 1, contains: [{kind: view, schema: shop, name: order_totals}]}
  - args: {name: order_total}
    expect: {error: not_found}
---*/
WITH form (name) AS (
  SELECT @name
  UNION
  SELECT pg_catalog.replace(@name, '"', '')
), wanted AS (
  -- The name as it is, then split at each of its dots. As text, so that nothing is cut at 63 bytes.
  SELECT @schema AS schema, f.name
  FROM form AS f
  UNION
  SELECT pg_catalog.left(f.name, dot - 1), pg_catalog.substr(f.name, dot + 1)
  FROM form AS f
  CROSS JOIN LATERAL pg_catalog.generate_series(2, pg_catalog.length(f.name) - 1) AS dot
  WHERE pg_catalog.substr(f.name, dot, 1) = '.'
    AND (@schema IS NULL OR @schema = pg_catalog.left(f.name, dot - 1))
), object AS (
  -- classid and objid are what pg_depend knows the definition by; relation is the table or view that it belongs to.
  SELECT 'view' AS kind, c.relnamespace AS namespace, c.oid AS relation, c.relname AS name,
         'pg_catalog.pg_rewrite'::pg_catalog.regclass AS classid, r.oid AS objid
  FROM wanted AS w
  JOIN pg_catalog.pg_class AS c ON c.relname = w.name AND c.relkind IN ('v', 'm')
  JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
  UNION
  SELECT 'function', p.pronamespace, NULL, p.proname, 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
  FROM wanted AS w
  JOIN pg_catalog.pg_proc AS p ON p.proname = w.name
  UNION
  SELECT 'trigger', c.relnamespace, c.oid, g.tgname, 'pg_catalog.pg_trigger'::pg_catalog.regclass, g.oid
  FROM wanted AS w
  JOIN pg_catalog.pg_trigger AS g ON g.tgname = w.name AND NOT g.tgisinternal
  JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
  UNION
  SELECT 'index', x.relnamespace, i.indrelid, x.relname, 'pg_catalog.pg_class'::pg_catalog.regclass, x.oid
  FROM wanted AS w
  JOIN pg_catalog.pg_class AS x ON x.relname = w.name AND x.relkind IN ('i', 'I')
  JOIN pg_catalog.pg_index AS i ON i.indexrelid = x.oid
  UNION
  SELECT 'constraint', k.connamespace, k.conrelid, k.conname, 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid
  FROM wanted AS w
  JOIN pg_catalog.pg_constraint AS k ON k.conname = w.name AND k.conrelid <> 0
), visible AS (
  SELECT o.*, n.nspname, c.relname, c.relkind
  FROM object AS o
  JOIN pg_catalog.pg_namespace AS n ON n.oid = o.namespace
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = o.relation
  WHERE EXISTS (SELECT FROM wanted AS w
                WHERE w.name = o.name
                  AND CASE WHEN w.schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE w.schema = n.nspname END)
    AND n.nspname !~ '^pg_(toast_)?temp_'
    AND (@kind IS NULL OR o.kind = @kind)
    AND (@table_name IS NULL OR c.relname = @table_name)
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL
         OR CASE WHEN c.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables) END)
)
SELECT v.kind,
       v.nspname AS schema,
       CASE WHEN v.kind IN ('trigger', 'index', 'constraint') THEN v.relname END AS table_name,
       v.name,
       CASE WHEN a.withheld THEN NULL
            WHEN v.kind = 'view' THEN pg_catalog.format(E'CREATE %s %I.%I AS\n%s',
              CASE v.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, v.nspname, v.name, pg_catalog.pg_get_viewdef(v.relation))
            WHEN v.kind = 'function' AND p.prokind = 'a' THEN (
              SELECT pg_catalog.format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s%s%s)', v.nspname, v.name,
                       pg_catalog.pg_get_function_arguments(p.oid), g.aggtransfn, pg_catalog.format_type(g.aggtranstype, NULL),
                       CASE WHEN g.aggfinalfn <> 0 THEN pg_catalog.format(', FINALFUNC = %s', g.aggfinalfn) END,
                       CASE WHEN g.agginitval IS NOT NULL THEN pg_catalog.format(', INITCOND = %L', g.agginitval) END)
              FROM pg_catalog.pg_aggregate AS g WHERE g.aggfnoid = p.oid)
            WHEN v.kind = 'function' THEN pg_catalog.pg_get_functiondef(v.objid)
            WHEN v.kind = 'trigger' THEN pg_catalog.pg_get_triggerdef(v.objid)
            WHEN v.kind = 'index' THEN pg_catalog.pg_get_indexdef(v.objid)
            ELSE pg_catalog.format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', v.nspname, v.relname, v.name,
                                   pg_catalog.pg_get_constraintdef(v.objid)) END AS definition,
       CASE WHEN a.withheld THEN 'The definition names, or may name, what your role does not see.' END AS withheld,
       CASE WHEN @notes IS NULL OR v.kind NOT IN ('view', 'function') THEN d.description
            ELSE nullif(pg_catalog.concat_ws(' | ', d.description,
                   @notes ->> pg_catalog.concat(v.nspname, '.', v.name, CASE v.kind WHEN 'function' THEN '()' END)), '') END AS comment
FROM visible AS v
LEFT JOIN pg_catalog.pg_proc AS p ON v.kind = 'function' AND p.oid = v.objid
LEFT JOIN pg_catalog.pg_description AS d
  ON d.objoid = CASE WHEN v.kind = 'view' THEN v.relation ELSE v.objid END
  AND d.classoid = CASE WHEN v.kind = 'view' THEN 'pg_catalog.pg_class'::pg_catalog.regclass ELSE v.classid END
  AND d.objsubid = 0
CROSS JOIN LATERAL (
  -- The body of a function is text that may name anything. Of all else pg_depend knows what it refers to.
  SELECT CASE WHEN @caller_schemas IS NULL AND @caller_tables IS NULL THEN false
              WHEN v.kind = 'function' THEN true
              ELSE EXISTS (
                SELECT FROM pg_catalog.pg_depend AS u
                CROSS JOIN LATERAL pg_catalog.pg_identify_object(u.refclassid, u.refobjid, 0) AS i
                LEFT JOIN pg_catalog.pg_class AS c ON u.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = u.refobjid
                WHERE u.classid = v.classid
                  AND u.objid = v.objid
                  AND i.schema <> 'pg_catalog'
                  AND (i.schema <> ALL (@caller_schemas)
                       OR CASE WHEN c.relkind IN ('r', 'p', 'v', 'm', 'f')
                               THEN pg_catalog.format('%I.%I', i.schema, c.relname) <> ALL (@caller_tables) END))
         END AS withheld
) AS a
ORDER BY v.kind, v.nspname, v.relname, v.name, pg_catalog.pg_get_function_identity_arguments(p.oid)
LIMIT 50
