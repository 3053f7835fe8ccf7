/*---
title: Names
description: The names of a kind that a word may have meant, the nearest first; or those that start with it, for completion.
params:
  - {name: kind, type: string, enum: [schema, table, column, function, type, label], required: true}
  - {name: word, type: string, default: ""}
  - {name: schema, type: string, description: Omit where the word has none.}
  - {name: tables, type: "string[]", description: "Those that a column may be of; the type that a label is of. Omit for the tables of the schema."}
  - {name: schemas, type: "string[]", description: "Those that tables may be in, beside the search path."}
  - {name: count, type: integer, default: 0, description: The number of arguments of a function.}
  - {name: apart, type: boolean, default: false, description: "The schema is given beside the word: names in it are written without it, others with theirs."}
  - {name: completing, type: boolean, default: false}
use: [relation]
trust: owner
limits: {rows: 200}
---*/
WITH visible AS NOT MATERIALIZED (
  SELECT r.oid, r.table_name AS name, r.relkind, r.schema, r.schema = ANY (pg_catalog.current_schemas(true)) AS on_path,
         pg_catalog.pg_table_is_visible(r.oid) AS is_bare
  FROM relation AS r
), candidate AS NOT MATERIALIZED (
  -- Each branch but the one of the kind is left out when the statement is run. is_known: the word is the name of this one.
  SELECT n.nspname::text AS name, NULL AS schema, pg_catalog.quote_ident(n.nspname) AS written, NULL AS signature,
         n.nspname = @word AS is_known, true AS is_bare, (n.nspname ~ '^(pg_|information_schema$)')::int AS place
  FROM pg_catalog.pg_namespace AS n
  WHERE @kind = 'schema'
    AND n.nspname !~ '^pg_(toast_)?temp_'
    AND (n.nspname <> 'pg_toast' OR @word = 'pg_toast')
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
  UNION ALL
  SELECT t.name, t.schema, CASE WHEN CASE WHEN @apart THEN t.schema = @schema ELSE t.is_bare END THEN pg_catalog.quote_ident(t.name) ELSE pg_catalog.format('%I.%I', t.schema, t.name) END, NULL,
         t.name = @word AND CASE WHEN @schema IS NULL THEN t.on_path ELSE t.schema = @schema END
           OR @schema IS NULL AND pg_catalog.concat(t.schema, '.', t.name) = @word,
         t.is_bare, CASE WHEN t.schema = @schema THEN 0 WHEN t.on_path THEN 1 ELSE 2 END
  FROM visible AS t
  WHERE @kind = 'table'
    -- What a role of whole schemas may not query.
    AND (t.relkind <> 'f' OR @caller_schemas IS NULL OR @caller_tables IS NOT NULL OR @completing OR t.name = @word)
    AND CASE WHEN @completing THEN CASE WHEN @schema IS NULL THEN t.on_path AND t.schema <> 'pg_catalog' ELSE t.schema = @schema END
             ELSE t.schema !~ '^(pg_|information_schema$)' OR t.schema = @schema OR t.schema = 'pg_catalog' AND @word ^@ 'pg_' END
  UNION ALL
  SELECT a.attname, NULL, pg_catalog.quote_ident(a.attname), NULL, a.attname = @word, true, 0
  FROM visible AS t
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE @kind = 'column'
    AND (t.name = ANY (@tables) OR @tables IS NULL AND t.schema !~ '^(pg_|information_schema$)')
    AND (t.is_bare OR t.schema = ANY (@schemas))
  UNION ALL
  -- 2279 is trigger and 2281 internal: nobody calls such a function by its name.
  SELECT p.proname, n.nspname, w.written,
         CASE WHEN s.is_same THEN pg_catalog.format('%s(%s)', w.written, pg_catalog.oidvectortypes(p.proargtypes)) END, s.is_same,
         v.is_bare, pg_catalog.abs(p.pronargs - @count)::int
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  CROSS JOIN LATERAL (SELECT pg_catalog.pg_function_is_visible(p.oid) AS is_bare OFFSET 0) AS v
  CROSS JOIN LATERAL (SELECT CASE WHEN CASE WHEN @apart THEN n.nspname = @schema ELSE v.is_bare END THEN pg_catalog.quote_ident(p.proname)
                                  ELSE pg_catalog.format('%I.%I', n.nspname, p.proname) END AS written) AS w
  CROSS JOIN LATERAL (SELECT p.proname = @word AND CASE WHEN @schema IS NULL THEN v.is_bare ELSE n.nspname = @schema END AS is_same) AS s
  WHERE @kind = 'function'
    AND (n.nspname = 'pg_catalog' AND NOT @completing
         OR n.nspname !~ '^(pg_|information_schema$)' AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas)))
    AND p.prorettype NOT IN (2279, 2281)
    AND 2281 <> ALL (p.proargtypes)
    AND (NOT @completing OR CASE WHEN @schema IS NULL THEN v.is_bare ELSE n.nspname = @schema END)
  UNION ALL
  -- A type has its own name, such as int4, and the one of SQL, such as integer.
  SELECT v.name, n.nspname, v.written, NULL, false, pg_catalog.pg_type_is_visible(t.oid), (n.nspname <> @schema)::int
  FROM pg_catalog.pg_type AS t
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
  CROSS JOIN LATERAL (
    SELECT t.typname::text, CASE WHEN n.nspname = 'pg_catalog' THEN t.typname::text ELSE pg_catalog.format_type(t.oid, NULL) END
    UNION
    SELECT pg_catalog.format_type(t.oid, NULL), pg_catalog.format_type(t.oid, NULL) WHERE n.nspname = 'pg_catalog'
  ) AS v (name, written)
  WHERE @kind = 'type'
    AND t.typtype <> 'p'
    AND t.typcategory NOT IN ('A', 'Z')
    AND (t.typtype <> 'c' OR c.relkind = 'c')
    AND (n.nspname = 'pg_catalog' OR n.nspname !~ '^(pg_|information_schema$)' AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas)))
  UNION ALL
  SELECT e.enumlabel, NULL, e.enumlabel, NULL, false, true, (pg_catalog.row_number() OVER (ORDER BY e.enumsortorder))::int
  FROM pg_catalog.pg_enum AS e
  JOIN pg_catalog.pg_type AS t ON t.oid = e.enumtypid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
  WHERE @kind = 'label'
    AND t.oid = pg_catalog.to_regtype(@tables[1])
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
)
SELECT CASE WHEN c.schema IS NULL OR @completing OR @schema IS NULL AND c.is_bare THEN c.name ELSE pg_catalog.concat(c.schema, '.', c.name) END AS name,
       c.written, c.signature, c.is_known
FROM candidate AS c
CROSS JOIN LATERAL (
  SELECT pg_catalog.lower(c.name) AS candidate,
         pg_catalog.lower(CASE WHEN @completing THEN @word ELSE pg_catalog.regexp_replace(@word, '^.*\.(?=.)', '') END) AS word,
         coalesce(@schema, pg_catalog.substring(@word, '^(.*)\..')) AS schema OFFSET 0
) AS w
-- What the server would not take for near is left out, as far as that is cheap to see. Nearest first by a lower bound of
-- the edit distance, so that the cut keeps the best.
WHERE CASE WHEN @completing THEN pg_catalog.starts_with(w.candidate, w.word)
           ELSE c.is_known
                OR pg_catalog.abs(pg_catalog.length(w.candidate) - pg_catalog.length(w.word)) <= greatest(1, (pg_catalog.length(w.word) + 1) / 3)
                OR pg_catalog.strpos(w.candidate, w.word) > 0 OR pg_catalog.strpos(w.word, w.candidate) > 0
                OR @kind = 'table' AND w.candidate = pg_catalog.lower(w.schema) END -- table.column
ORDER BY c.is_known AND NOT @completing DESC,
         CASE WHEN NOT @completing THEN
           greatest(pg_catalog.length(pg_catalog.translate(w.candidate, w.word, '')),
                    pg_catalog.length(pg_catalog.translate(w.word, w.candidate, '')),
                    pg_catalog.abs(pg_catalog.length(w.candidate) - pg_catalog.length(w.word))) END,
         CASE WHEN @kind <> 'table' OR NOT @completing THEN c.place END,
         pg_catalog.length(pg_catalog.translate(c.schema, w.schema, '')) + pg_catalog.length(pg_catalog.translate(w.schema, c.schema, '')),
         c.schema, c.name, c.signature
LIMIT 200
