/*---
title: Find relationships of a table
description: >
  How tables join: declared foreign keys (explicit), and columns whose name and type point at another table's key without a constraint
  (implied, with confidence and reason). The last columns of a key with a period join by &&.
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
use: [foreign_key, missing_name, column_statistic, irregular_noun]
access: read
result: object
trust: owner
omit_null: true
tests:
  - name: a column without a constraint
    args: {table_name: returns}
    expect:
      contains:
        explicit: [{name: returns_order_id_line_no_fkey, direction: outgoing}]
        implied: [{columns: [order_id], referenced_table: orders, confidence: strong}]
  - name: several
    args: {table_name: 'returns, custmers'}
    expect: {contains: {implied: [{columns: [order_id], referenced_table: orders}], not_found: 'custmers: There is no table or view of this name here. Did you mean customers?'}}
  - args: {table_name: nowhere.at_all}
    expect: {error: not_found}
---*/
WITH near AS MATERIALIZED (
  -- Where undeclared relationships are looked for: the table's schema and, unless the database is large, the others too,
  -- for no index finds a column by its name. Views repeat the columns of their tables, and partitions those of their
  -- parent: they count only when asked for.
  SELECT r.oid, r.schema, r.table_name, r.oid IN (SELECT t.oid FROM targets AS t) AS is_target,
         -- Without what stands between words; and CustomerOrder as customer_order.
         pg_catalog.lower(pg_catalog.translate(r.table_name::text COLLATE pg_catalog."default", '_ .-', '')) AS plain,
         pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog.regexp_replace(r.table_name::text COLLATE pg_catalog."default", '([[:lower:][:digit:]])([[:upper:]])', '\1_\2', 'g'), '[^[:alnum:]]+', '_', 'g')) AS snake
  FROM (
    SELECT ARRAY(
      SELECT t.oid FROM targets AS t
      UNION
      SELECT d.objid
      FROM targets AS t
      JOIN pg_catalog.pg_depend AS d ON d.refobjid = t.relnamespace
      WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      UNION
      (SELECT c.oid
       FROM pg_catalog.pg_class AS c
       WHERE (SELECT pg_catalog.count(*)
              FROM (SELECT FROM pg_catalog.pg_class AS l WHERE l.relkind IN ('r', 'p', 'f') LIMIT 2001) AS l) <= 2000
         AND c.relkind IN ('r', 'p', 'f')
         AND c.relnamespace NOT IN ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace)
       LIMIT 2000)) AS oids
    OFFSET 0
  ) AS m
  -- The planner takes this for a thousand rows. Of statistics it would expect a few, and compare each column with each key.
  CROSS JOIN LATERAL pg_catalog.generate_series(1, pg_catalog.cardinality(m.oids)) AS i
  -- LIMIT and OFFSET 0, here and below, change no result: they keep the planner at index look-ups.
  CROSS JOIN LATERAL (SELECT r.* FROM relation AS r WHERE r.oid = m.oids[i] LIMIT 1) AS r
  WHERE r.oid IN (SELECT t.oid FROM targets AS t) OR (r.relkind IN ('r', 'p', 'f') AND NOT r.relispartition)
), hint AS MATERIALIZED (
  -- What the name of a column that points at a table must hold: the table's singular, or the whole name of a key.
  SELECT t.oid AS target, pg_catalog.regexp_replace(t.plain, '(ies|es|s|y)$', '') AS stem,
         ARRAY(SELECT pg_catalog.regexp_replace(t.plain, i.plural || '$', i.singular) FROM irregular_noun AS i WHERE pg_catalog.right(t.plain, pg_catalog.length(i.plural)) = i.plural) AS singular,
         ARRAY(SELECT pg_catalog.lower(pg_catalog.translate(a.attname::text COLLATE pg_catalog."default", '_ .-', ''))
               FROM pg_catalog.pg_index AS i
               JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
               WHERE i.indrelid = t.oid AND i.indisunique AND i.indnkeyatts = 1) AS keys
  FROM near AS t
  WHERE t.is_target
), tail AS MATERIALIZED (
  -- What it must hold in a table whose name begins like the target's: topic_id of forum_posts for forum_topics.
  SELECT t.oid AS target, pg_catalog.array_to_string(w.word[:n], '') AS head,
         -- Of an irregular plural what it has in common with the singular.
         CASE WHEN EXISTS (SELECT FROM irregular_noun AS i WHERE pg_catalog.right(w.word[pg_catalog.cardinality(w.word)], pg_catalog.length(i.plural)) = i.plural)
              THEN pg_catalog.left(pg_catalog.array_to_string(w.word[n + 1:], ''), -pg_catalog.length(w.word[pg_catalog.cardinality(w.word)])) || pg_catalog.left(w.word[pg_catalog.cardinality(w.word)], 1)
              ELSE pg_catalog.regexp_replace(pg_catalog.array_to_string(w.word[n + 1:], ''), '(ies|es|s|y)$', '') END AS stem
  FROM near AS t
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_to_array(t.snake, '_') AS word
  ) AS w
  CROSS JOIN LATERAL pg_catalog.generate_series(1, least(pg_catalog.cardinality(w.word), 6) - 1) AS n
  WHERE t.is_target
), people AS MATERIALIZED (
  -- The table of those who create, own and approve, where a schema has one.
  SELECT DISTINCT ON (n.schema) n.schema, n.oid, n.is_target,
         '^[a-z]*(creator|updater|author|owner|editor|approver|uploader|inviter|sender|recipient|reviewer|granter|grantor|revoker|assignee|reporter|requester|requestor|moderator|voter|subscriber|follower|purchaser|redeemer|submitter|resolver|poster|initiator|modifier|deleter|banner|admin|administrator|buyer|seller|bidder|winner|translator)(id)?$|(ed|en|nt|id)by(id)?$' AS roles
  FROM near AS n
  CROSS JOIN LATERAL (
    SELECT pg_catalog.array_position(ARRAY['users', 'user', 'appusers', 'appuser', 'authuser', 'people', 'persons', 'person', 'members', 'member',
      'employees', 'employee', 'staff', 'editors', 'editor', 'accounts', 'account'], n.plain) AS place
  ) AS p
  WHERE p.place IS NOT NULL
  ORDER BY n.schema, p.place
), referencing AS MATERIALIZED (
  -- The columns that may point somewhere: the table's own, and those of others that may point at it.
  SELECT n.oid AS relid, n.schema, n.table_name, n.plain AS plain_table, a.attnum, a.attname, a.atttypid, a.plain
  FROM near AS n
  CROSS JOIN LATERAL (
    SELECT a.attnum, a.attname, a.atttypid, w.plain
    FROM pg_catalog.pg_attribute AS a
    CROSS JOIN LATERAL (
      SELECT pg_catalog.lower(pg_catalog.translate(a.attname::text COLLATE pg_catalog."default", '_ .-', '')) AS plain OFFSET 0
    ) AS w
    WHERE a.attrelid = n.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND (EXISTS (SELECT FROM hint AS h WHERE n.oid = h.target OR pg_catalog.strpos(w.plain, h.stem) > 0 OR w.plain = ANY (h.keys)
                     OR EXISTS (SELECT FROM pg_catalog.unnest(h.singular) AS i WHERE pg_catalog.strpos(w.plain, i) > 0)
                     -- entity0 and entity1 of a table whose name holds the target's.
                     OR w.plain ~ '[a-z][012]$' AND pg_catalog.strpos(n.plain, h.stem) > 0)
        OR EXISTS (SELECT FROM tail AS t WHERE pg_catalog.strpos(w.plain, t.stem) > 0 AND (pg_catalog.starts_with(n.plain, t.head) OR w.plain ~ 'id$' AND pg_catalog.length(t.stem) >= 3))
        OR EXISTS (SELECT FROM people AS p WHERE p.is_target AND p.schema = n.schema AND w.plain ~ p.roles))
    OFFSET 0
  ) AS a
  -- A declared key says where the column points.
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                    WHERE k.conrelid = n.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum] OFFSET 0)
), part AS MATERIALIZED (
  -- Every way to read a name as [prefix] table key: billing_customer_id is billing + customer + id.
  SELECT DISTINCT s.attname, s.plain, p.prefix, p.noun, p.key
  FROM (SELECT DISTINCT r.attname, r.plain FROM referencing AS r) AS s
  CROSS JOIN LATERAL (
    -- CustomerID and "Customer Id" are customer_id.
    SELECT pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.regexp_replace(
             s.attname::text COLLATE pg_catalog."default", '([[:lower:][:digit:]])([[:upper:]])', '\1_\2', 'g'),
             '([[:upper:]])([[:upper:]][[:lower:]])', '\1_\2', 'g'), '[^[:alnum:]]+', '_', 'g')) AS snake
  ) AS n
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_to_array(n.snake, '_') AS word
    UNION
    SELECT pg_catalog.string_to_array(pg_catalog.regexp_replace(n.snake, '([^_])id$', '\1_id'), '_')
    UNION
    -- contact1_id, contact_1_id and contact_id_1.
    SELECT pg_catalog.string_to_array(pg_catalog.regexp_replace(n.snake, '_?[0-9]{1,2}(_id)$|(_id)_?[0-9]{1,2}$', '\1\2'), '_') WHERE n.snake ~ '[0-9]'
  ) AS w
  CROSS JOIN LATERAL (
    SELECT pg_catalog.array_to_string(w.word[:first - 1], '_') AS prefix,
           pg_catalog.array_to_string(w.word[first:last], '_') AS noun,
           pg_catalog.array_to_string(w.word[last + 1:], '') AS key
    FROM pg_catalog.generate_series(1, pg_catalog.cardinality(w.word)) AS first,
         -- A key's name has one word or two, or is left out.
         pg_catalog.generate_series(greatest(first, pg_catalog.cardinality(w.word) - 2), pg_catalog.cardinality(w.word)) AS last
    LIMIT 120
  ) AS p
), form AS MATERIALIZED (
  -- The table names that a noun may stand for.
  SELECT DISTINCT p.noun, f.name, pg_catalog.replace(f.name, '_', '') AS plain
  FROM part AS p
  CROSS JOIN LATERAL (
    VALUES (p.noun), (p.noun || 's'), (p.noun || 'es'), (pg_catalog.regexp_replace(p.noun, 'y$', 'ies')), (pg_catalog.regexp_replace(p.noun, 's$', ''))
    UNION ALL
    SELECT pg_catalog.left(p.noun, -pg_catalog.length(i.singular)) || i.plural
    FROM irregular_noun AS i
    WHERE pg_catalog.right(p.noun, pg_catalog.length(i.singular)) = i.singular
  ) AS f (name)
), referenced AS MATERIALIZED (
  -- The single-column keys that may be pointed at.
  SELECT n.oid AS relid, n.schema, n.table_name, n.snake, a.attnum, a.attname, a.atttypid, pg_catalog.bool_or(i.indisprimary) AS is_primary,
         n.plain AS plain_table,
         pg_catalog.lower(pg_catalog.translate(a.attname::text COLLATE pg_catalog."default", '_ .-', '')) AS plain
  FROM (
    SELECT n.oid, n.schema, n.table_name, n.plain, n.snake FROM near AS n
    UNION
    -- In a large database another schema's table is found by its exact name, if the own schema has none of that name.
    SELECT r.oid, r.schema, r.table_name, pg_catalog.lower(pg_catalog.translate(r.table_name::text COLLATE pg_catalog."default", '_ .-', '')), pg_catalog.lower(r.table_name::text)
    FROM relation AS r
    WHERE r.table_name = ANY (ARRAY(SELECT f.name FROM form AS f))
      AND r.relkind IN ('r', 'p') AND NOT r.relispartition
      AND NOT EXISTS (SELECT FROM near AS n WHERE n.table_name = r.table_name)
  ) AS n
  CROSS JOIN LATERAL (
    SELECT i.indkey[0] AS attnum, i.indisprimary
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = n.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indkey[0] > 0
    OFFSET 0
  ) AS i
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = n.oid AND a.attnum = i.attnum
  GROUP BY n.oid, n.schema, n.table_name, n.plain, n.snake, a.attnum, a.attname, a.atttypid
), link AS MATERIALIZED (
  -- By the table's name. The key may hold that name itself, customers (customer_id), and _id may mean any primary key.
  SELECT p.attname, k.relid, k.attnum, p.prefix, pg_catalog.length(p.noun) AS noun_length,
         -- user_email and access_token are copies more often than keys.
         CASE WHEN NOT k.is_primary AND p.key IN ('email', 'emailaddress', 'phone', 'token', 'hash', 'url', 'path', 'title', 'name', 'slug') THEN 1 ELSE 0 END
         + CASE WHEN p.key = '' OR k.plain IN (p.key, pg_catalog.replace(p.noun, '_', '') || p.key, k.plain_table || p.key) THEN 0 ELSE 1 END AS doubt,
         p.key = '' AND k.plain NOT IN (pg_catalog.replace(p.noun, '_', ''), k.plain_table) AS is_short
  FROM part AS p
  JOIN form AS f ON f.noun = p.noun
  JOIN referenced AS k ON k.plain_table = f.plain
  WHERE k.plain IN (p.key, pg_catalog.replace(p.noun, '_', '') || p.key, k.plain_table || p.key)
     OR (p.key IN ('id', '') AND k.is_primary AND p.noun <> 'id')
  UNION ALL
  -- By the name of the key alone, unless every table has such a column, or it is a key where it stands.
  SELECT r.attname, k.relid, k.attnum, NULL, 0, 1, false
  FROM (SELECT DISTINCT r.attname, r.plain FROM referencing AS r) AS r
  JOIN referenced AS k ON k.plain = r.plain
  WHERE r.plain <> ALL (ARRAY['id', 'uid', 'uuid', 'guid', 'pk', 'key', 'code', 'name', 'title', 'label', 'slug', 'type', 'kind',
    'status', 'state', 'number', 'no', 'nr', 'num', 'position', 'rank', 'level', 'value', 'text', 'description', 'comment', 'date',
    'day', 'month', 'year', 'time', 'email', 'phone', 'username', 'login', 'password', 'token', 'hash', 'path', 'url', 'version',
    'createdat', 'updatedat'])
  UNION ALL
  -- Run together: laststorageplaceid ends in the key of storageplace.
  SELECT r.attname, k.relid, k.attnum, pg_catalog.left(r.plain, -pg_catalog.length(k.plain)), pg_catalog.length(k.plain_table), 0, false
  FROM (SELECT DISTINCT r.attname, r.plain FROM referencing AS r WHERE r.attname::text ~ '^[a-z]{9,}id$') AS r
  JOIN referenced AS k ON k.plain = k.plain_table || 'id' AND pg_catalog.length(k.plain_table) >= 6 AND pg_catalog.right(r.plain, pg_catalog.length(k.plain)) = k.plain AND r.plain <> k.plain
), own AS MATERIALIZED (
  -- The names of tables that columns are of.
  SELECT n.oid AS relid, n.snake, pg_catalog.string_to_array(n.snake, '_') AS word
  FROM near AS n
  WHERE n.oid IN (SELECT r.relid FROM referencing AS r)
), split AS MATERIALIZED (
  -- Those of tables that may be pointed at, in two.
  SELECT k.relid, k.schema, pg_catalog.array_to_string(k.word[:n], '_') AS head, pg_catalog.array_to_string(k.word[n + 1:], '') AS tail
  FROM (
    SELECT DISTINCT k.relid, k.schema, pg_catalog.string_to_array(k.snake, '_') AS word
    FROM referenced AS k
  ) AS k
  CROSS JOIN LATERAL pg_catalog.generate_series(1, least(pg_catalog.cardinality(k.word), 6) - 1) AS n
), named AS MATERIALIZED (
  -- A column that names a table without what that one's name begins with.
  SELECT p.attname, p.prefix, p.noun, p.key, s.relid, s.schema, s.head, pg_catalog.length(s.head || s.tail) AS noun_length
  FROM part AS p
  JOIN form AS f ON f.noun = p.noun
  JOIN split AS s ON s.tail = f.plain
  WHERE p.noun <> 'id'
), paired AS MATERIALIZED (
  -- A column of two, such as entity0 and entity1, with every way to read the name of its table as two.
  SELECT r.relid, r.schema, r.attnum, CASE WHEN o.is_first THEN s.one ELSE s.other END AS one, CASE WHEN o.is_first THEN s.other ELSE s.one END AS other
  FROM referencing AS r
  JOIN own AS w ON w.relid = r.relid
  CROSS JOIN LATERAL (
    SELECT pg_catalog.array_to_string(w.word[first:middle], '') AS one, pg_catalog.array_to_string(w.word[middle + 1:], '') AS other
    FROM pg_catalog.generate_series(1, least(pg_catalog.cardinality(w.word), 6)) AS first,
         pg_catalog.generate_series(first, least(pg_catalog.cardinality(w.word), 12) - 1) AS middle
  ) AS s
  CROSS JOIN LATERAL (
    SELECT pg_catalog.right(r.plain, 1) = '0' OR pg_catalog.right(r.plain, 1) = '1' AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_attribute AS a
             WHERE a.attrelid = r.relid AND a.attname = pg_catalog.regexp_replace(r.attname::text, '1$', '0') AND NOT a.attisdropped) AS is_first
    OFFSET 0
  ) AS o
  WHERE r.plain ~ '[a-z][012]$'
    AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = r.relid AND a.atttypid = r.atttypid AND NOT a.attisdropped AND a.attnum <> r.attnum
                  AND pg_catalog.lower(a.attname::text) ~ '[012]$' AND pg_catalog.regexp_replace(a.attname::text, '[012]$', '') = pg_catalog.regexp_replace(r.attname::text, '[012]$', ''))
), beside AS MATERIALIZED (
  -- By the name of the own table: the column leaves out what both tables begin with, and no other column names that table whole.
  SELECT r.relid, r.attnum, k.relid AS referenced_relid, k.attnum AS referenced_attnum, n.noun_length, 'begins' AS way,
         CASE WHEN k.plain IN (n.key, pg_catalog.replace(n.noun, '_', '') || n.key, k.plain_table || n.key) OR n.key = '' THEN 0 ELSE 1 END + (n.prefix <> '')::integer AS doubt
  FROM named AS n
  JOIN referencing AS r ON r.attname = n.attname AND r.schema = n.schema AND r.relid <> n.relid
  JOIN own AS o ON o.relid = r.relid AND (o.snake = n.head OR pg_catalog.starts_with(o.snake, n.head || '_'))
  JOIN referenced AS k ON k.relid = n.relid
  WHERE (k.plain IN (n.key, pg_catalog.replace(n.noun, '_', '') || n.key, k.plain_table || n.key) OR (n.key IN ('id', '') AND k.is_primary))
    AND (n.prefix = '' OR n.key = 'id')
    AND NOT EXISTS (
      SELECT FROM referencing AS o JOIN link AS l ON l.attname = o.attname
      WHERE o.relid = r.relid AND o.attnum <> r.attnum AND l.relid = n.relid AND l.prefix = '')
  UNION ALL
  -- user_id of any table is of auth_user, where no other table ends so.
  SELECT r.relid, r.attnum, k.relid, k.attnum, pg_catalog.length(n.noun), 'ends', 2
  FROM named AS n
  JOIN referencing AS r ON r.attname = n.attname AND r.schema = n.schema AND r.relid <> n.relid
  JOIN referenced AS k ON k.relid = n.relid AND k.is_primary
  WHERE n.prefix = '' AND n.key = 'id' AND pg_catalog.length(n.noun) >= 4 AND n.head !~ '_'
  UNION ALL
  -- entity0 and entity1 of l_artist_work are the artist and the work.
  SELECT p.relid, p.attnum, k.relid, k.attnum, 0, 'pair', 1
  FROM paired AS p
  JOIN referenced AS k ON k.plain_table = p.one AND k.schema = p.schema AND k.is_primary
  WHERE EXISTS (SELECT FROM referenced AS z WHERE z.plain_table = p.other AND z.schema = p.schema)
  UNION ALL
  -- The roles of people.
  SELECT r.relid, r.attnum, k.relid, k.attnum, 0, 'people', 1
  FROM referencing AS r
  JOIN people AS p ON p.schema = r.schema AND r.plain ~ p.roles
  JOIN referenced AS k ON k.relid = p.oid AND k.is_primary
  -- owner_type says in which table owner_id is.
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS y
                    WHERE y.attrelid = r.relid AND y.attname = pg_catalog.regexp_replace(r.attname::text, 'id$', 'type') AND y.attname <> r.attname AND NOT y.attisdropped)
), family AS MATERIALIZED (
  -- Types that compare with each other: integers of all widths, strings, a domain and the type below it. A domain, however
  -- deep, has the output function of its base type; what shares one function among many types goes by the type itself.
  SELECT u.atttypid AS type,
         CASE WHEN y.typoutput IN ('pg_catalog.int2out'::pg_catalog.regproc, 'pg_catalog.int4out'::pg_catalog.regproc,
                                   'pg_catalog.int8out'::pg_catalog.regproc) THEN 'integer'
              WHEN y.typoutput IN ('pg_catalog.textout'::pg_catalog.regproc, 'pg_catalog.varcharout'::pg_catalog.regproc,
                                   'pg_catalog.bpcharout'::pg_catalog.regproc) THEN 'text'
              WHEN y.typcategory IN ('A', 'C', 'E', 'P', 'R') THEN coalesce(nullif(y.typbasetype, 0), y.oid)::text
              ELSE y.typoutput::oid::text END AS family
  FROM (SELECT r.atttypid FROM referencing AS r UNION SELECT k.atttypid FROM referenced AS k) AS u
  CROSS JOIN LATERAL (SELECT y.* FROM pg_catalog.pg_type AS y WHERE y.oid = u.atttypid LIMIT 1) AS y
), candidate AS MATERIALIZED (
  SELECT DISTINCT ON (c.relid, c.attnum, c.referenced_relid, c.referenced_column) c.*
  FROM (
    SELECT r.relid, r.schema, r.table_name, r.attnum, r.attname,
           k.relid AS referenced_relid, k.schema AS referenced_schema, k.table_name AS referenced_table, k.attname AS referenced_column,
           k.is_primary, l.prefix, l.noun_length, l.doubt = 0 AND NOT l.is_short AS names_key, '' AS way, rf.family = 'integer' AS is_number,
           l.doubt + coalesce(l.prefix <> '', false)::integer + (NOT k.is_primary)::integer + (k.schema <> r.schema)::integer
             -- valid and paid end in id, too.
             + CASE WHEN l.noun_length < 5 AND r.attname::text ~ '[a-z0-9]id$' THEN 2 ELSE 0 END AS doubt
    FROM link AS l
    JOIN referencing AS r ON r.attname = l.attname
    JOIN referenced AS k ON k.relid = l.relid AND k.attnum = l.attnum
    JOIN family AS rf ON rf.type = r.atttypid
    JOIN family AS kf ON kf.type = k.atttypid AND kf.family = rf.family
    WHERE (k.relid, k.attnum) <> (r.relid, r.attnum)
      -- EmailAddressID is the key of EmailAddress, and no address.
      AND NOT (l.prefix <> '' AND r.plain = r.plain_table || 'id')
      AND (l.prefix IS NOT NULL AND NOT l.is_short OR (r.relid, r.attnum) NOT IN (SELECT own.relid, own.attnum FROM referenced AS own))
      -- The table's name alone, in the singular: a number or uuid, and no word that tables and measures share. comments is how many.
      AND (NOT l.is_short OR (r.plain !~ '[^su]s$' OR r.plain ~ '(series|species|news)$') AND (rf.family = 'integer' OR r.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype)
        AND r.plain <> ALL (ARRAY['type', 'kind', 'status', 'state', 'number', 'position', 'rank', 'level', 'value', 'date', 'day', 'month', 'year', 'time',
          'version', 'count', 'size', 'length', 'score', 'rating', 'votes', 'quantity', 'amount', 'price', 'total', 'duration', 'weight', 'age']))
    UNION ALL
    SELECT r.relid, r.schema, r.table_name, r.attnum, r.attname, k.relid, k.schema, k.table_name, k.attname, k.is_primary, '-', b.noun_length, false, b.way, rf.family = 'integer',
           b.doubt + (NOT k.is_primary)::integer
    FROM beside AS b
    JOIN referencing AS r ON r.relid = b.relid AND r.attnum = b.attnum
    JOIN referenced AS k ON k.relid = b.referenced_relid AND k.attnum = b.referenced_attnum
    JOIN family AS rf ON rf.type = r.atttypid
    JOIN family AS kf ON kf.type = k.atttypid AND kf.family = rf.family
    UNION ALL
    -- Names for another row of the own table.
    SELECT r.relid, r.schema, r.table_name, r.attnum, r.attname, k.relid, k.schema, k.table_name, k.attname, k.is_primary, '-', 100, false, 'own', rf.family = 'integer', 1
    FROM referencing AS r
    JOIN referenced AS k ON k.relid = r.relid AND k.attnum <> r.attnum AND k.is_primary
    JOIN family AS rf ON rf.type = r.atttypid
    JOIN family AS kf ON kf.type = k.atttypid AND kf.family = rf.family
    WHERE r.plain ~ '^(parent|parent[a-z]*id|reportsto|reportstoid|manager|managerid|supervisor|supervisorid|prev[a-z]*id|previous[a-z]*|replaces|replacedby|supersedes|supersededby|rootid|ancestorid|originalid)$'
  ) AS c
  ORDER BY c.relid, c.attnum, c.referenced_relid, c.referenced_column, c.doubt
), best AS (
  -- For each column what its name fits best. A name that fits many tables equally says nothing.
  SELECT c.*, pg_catalog.count(*) OVER (PARTITION BY c.relid, c.attnum) AS ties
  FROM (
    SELECT c.*, pg_catalog.rank() OVER (PARTITION BY c.relid, c.attnum ORDER BY c.doubt, c.noun_length DESC, c.referenced_schema <> c.schema) AS place
    FROM candidate AS c
  ) AS c
  WHERE c.place = 1
), implied AS (
  SELECT DISTINCT ON (b.relid, b.attnum, b.referenced_relid, b.referenced_column)
         b.*, CASE b.doubt + (b.ties > 1)::integer WHEN 0 THEN 'strong' WHEN 1 THEN 'likely' ELSE 'possible' END AS confidence,
         CASE WHEN b.relid = b.referenced_relid THEN 'self' WHEN b.relid = t.oid THEN 'outgoing' ELSE 'incoming' END AS direction,
         CASE WHEN b.is_primary THEN 'primary' ELSE 'unique' END AS kind
  FROM targets AS t
  JOIN best AS b ON t.oid IN (b.relid, b.referenced_relid)
  WHERE b.ties <= 3
    -- In its own table such a name is the table's own key, or its number in some other system.
    AND (b.relid <> b.referenced_relid OR b.prefix <> '')
    -- A partition or child has its parent's columns.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = b.relid AND i.inhparent = b.referenced_relid OFFSET 0)
    AND b.referenced_relid IS DISTINCT FROM pg_catalog.pg_partition_root(b.relid)::oid
    -- Nor is a column of a declared key of several columns to the same table.
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                    WHERE k.conrelid = b.relid AND k.contype = 'f' AND k.confrelid = b.referenced_relid AND b.attnum = ANY (k.conkey) OFFSET 0)
    -- Nor is a column whose values are all beyond those of the key, or more than the key has, as far as ANALYZE has seen both.
    AND NOT EXISTS (
      SELECT
      FROM column_statistic AS c
      JOIN column_statistic AS k ON k.schema = b.referenced_schema AND k.table_name = b.referenced_table AND k.column_name = b.referenced_column
      CROSS JOIN LATERAL (
        SELECT pg_catalog.min(v::numeric) FILTER (WHERE b.is_number) AS least, pg_catalog.max(v::numeric) FILTER (WHERE b.is_number) AS most,
               pg_catalog.min(pg_catalog.rtrim(v) COLLATE "C") AS first, pg_catalog.max(pg_catalog.rtrim(v) COLLATE "C") AS last
        FROM pg_catalog.unnest(c.common || c.bounds) AS v
      ) AS x
      CROSS JOIN LATERAL (
        SELECT pg_catalog.min(v::numeric) FILTER (WHERE b.is_number) AS least, pg_catalog.max(v::numeric) FILTER (WHERE b.is_number) AS most,
               pg_catalog.min(pg_catalog.rtrim(v) COLLATE "C") AS first, pg_catalog.max(pg_catalog.rtrim(v) COLLATE "C") AS last
        FROM pg_catalog.unnest(k.common || k.bounds) AS v
      ) AS y
      CROSS JOIN LATERAL (
        -- A negative n_distinct is a share of the rows.
        SELECT c.n_distinct * CASE WHEN c.n_distinct < 0 THEN -pg_catalog.max(l.reltuples) FILTER (WHERE l.oid = b.relid) ELSE 1 END AS own,
               k.n_distinct * CASE WHEN k.n_distinct < 0 THEN -pg_catalog.max(l.reltuples) FILTER (WHERE l.oid = b.referenced_relid) ELSE 1 END AS keys
        FROM pg_catalog.pg_class AS l WHERE l.oid IN (b.relid, b.referenced_relid)
      ) AS d
      WHERE c.schema = b.schema AND c.table_name = b.table_name AND c.column_name = b.attname
        AND (CASE WHEN b.is_number THEN x.least > y.most OR x.most < y.least ELSE x.first > y.last OR x.last < y.first END
             -- Keys of deleted rows stay in logs and histories.
             OR d.own > 2 * d.keys + 10)
      OFFSET 0)
  ORDER BY b.relid, b.attnum, b.referenced_relid, b.referenced_column, b.relid = t.oid DESC
), wide_key AS MATERIALIZED (
  -- The primary keys of several columns.
  SELECT n.oid AS relid, n.schema, n.table_name, i.indnkeyatts AS parts, u.place, a.attname, a.atttypid,
         -- Its first column has the name of the table: other such keys are made of the keys of others.
         pg_catalog.strpos(pg_catalog.lower(pg_catalog.translate((pg_catalog.first_value(a.attname) OVER (PARTITION BY n.oid ORDER BY u.place))::text COLLATE pg_catalog."default", '_ .-', '')),
           pg_catalog.regexp_replace(n.plain,
             '(ies|es|s|y)$', '')) > 0 AS is_named
  FROM near AS n
  JOIN pg_catalog.pg_index AS i ON i.indrelid = n.oid AND i.indisprimary AND i.indnkeyatts BETWEEN 2 AND 5
  CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = n.oid AND a.attnum = u.attnum
  WHERE u.place <= i.indnkeyatts
), wide AS MATERIALIZED (
  -- A table that has all columns of such a key, and a key of its own that is another.
  SELECT n.oid AS relid, n.schema, n.table_name, k.relid AS referenced_relid, k.schema AS referenced_schema, k.table_name AS referenced_table,
         pg_catalog.array_agg(k.attname::text ORDER BY k.place) AS columns, pg_catalog.count(*) OVER (PARTITION BY n.oid, pg_catalog.array_agg(k.attname::text ORDER BY k.attname)) AS ties
  FROM wide_key AS k
  JOIN near AS n ON n.oid <> k.relid AND k.is_named AND (n.oid IN (SELECT t.oid FROM targets AS t) OR k.relid IN (SELECT t.oid FROM targets AS t))
  CROSS JOIN LATERAL (
    SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = n.oid AND a.attname = k.attname AND a.atttypid = k.atttypid AND NOT a.attisdropped OFFSET 0
  ) AS a
  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS f WHERE f.conrelid = n.oid AND f.contype = 'f' AND f.confrelid = k.relid OFFSET 0)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = n.oid AND h.inhparent = k.relid OFFSET 0)
  GROUP BY n.oid, n.schema, n.table_name, k.relid, k.schema, k.table_name, k.parts
  HAVING pg_catalog.count(*) = k.parts
     AND pg_catalog.array_agg(k.attname ORDER BY k.attname) IS DISTINCT FROM (SELECT pg_catalog.array_agg(o.attname ORDER BY o.attname) FROM wide_key AS o WHERE o.relid = n.oid)
), shared AS MATERIALIZED (
  -- A table beside another one, which has its key: artist_meta.id is artist.id. Nothing gives it a value of its own.
  SELECT DISTINCT ON (n.oid) n.oid AS relid, n.schema, n.table_name, a.attname, o.oid AS referenced_relid, o.table_name AS referenced_table
  FROM near AS n
  JOIN near AS o ON o.schema = n.schema AND o.oid <> n.oid AND (n.is_target OR o.is_target)
    AND (pg_catalog.starts_with(n.snake, o.snake || '_') OR pg_catalog.starts_with(n.snake, pg_catalog.regexp_replace(o.snake, 's$', '') || '_'))
  CROSS JOIN LATERAL (
    SELECT a.attname, a.atttypid
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = n.oid AND a.attnum = i.indkey[0] AND NOT a.atthasdef AND a.attidentity = ''
    WHERE i.indrelid = n.oid AND i.indisprimary AND i.indnkeyatts = 1 AND a.atttypid IN ('int4'::pg_catalog.regtype, 'int8'::pg_catalog.regtype, 'uuid'::pg_catalog.regtype)
    OFFSET 0
  ) AS a
  CROSS JOIN LATERAL (
    SELECT k.atthasdef OR k.attidentity <> '' AS is_given
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_attribute AS k ON k.attrelid = o.oid AND k.attnum = i.indkey[0] AND k.attname = a.attname AND k.atttypid = a.atttypid
    WHERE i.indrelid = o.oid AND i.indisprimary AND i.indnkeyatts = 1
    OFFSET 0
  ) AS k
  WHERE k.is_given
    -- release_group_meta is beside release_group, not beside release.
    AND NOT EXISTS (SELECT FROM near AS z WHERE z.schema = n.schema AND z.oid NOT IN (n.oid, o.oid) AND pg_catalog.length(z.snake) > pg_catalog.length(o.snake)
                      AND pg_catalog.starts_with(n.snake, z.snake || '_') OFFSET 0)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS f WHERE f.conrelid = n.oid AND f.contype = 'f' AND f.confrelid = o.oid OFFSET 0)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS h WHERE h.inhrelid = n.oid OFFSET 0)
  ORDER BY n.oid, pg_catalog.length(o.snake) DESC
), told AS (
  -- All that is implied, as it is told.
  SELECT i.direction, i.schema, i.table_name, ARRAY[i.attname::text] AS columns, i.referenced_schema, i.referenced_table,
         ARRAY[i.referenced_column::text] AS referenced_columns, i.confidence,
         CASE WHEN i.way = 'own'
              THEN pg_catalog.format('%s is a name for another row of %s', i.attname, i.table_name)
              WHEN i.way = 'begins'
              THEN pg_catalog.format('%s names %s, without what the names of both tables begin with', i.attname, i.referenced_table)
              WHEN i.way = 'ends'
              THEN pg_catalog.format('%s names %s, without what its name begins with', i.attname, i.referenced_table)
              WHEN i.way = 'pair'
              THEN pg_catalog.format('%s is one of a pair, and the name of the table names %s', i.attname, i.referenced_table)
              WHEN i.way = 'people'
              THEN pg_catalog.format('%s is a role of a person, and %s has people', i.attname, i.referenced_table)
              WHEN i.prefix IS NULL
              THEN pg_catalog.format('%s has the name of the %s key of %s', i.attname, i.kind, i.referenced_table)
              WHEN i.names_key
              THEN pg_catalog.format('%s names %s and its %s key %s', i.attname, i.referenced_table, i.kind, i.referenced_column)
              ELSE pg_catalog.format('%s names %s, whose primary key is %s', i.attname, i.referenced_table, i.referenced_column) END
         || CASE WHEN i.prefix <> '' AND i.way = '' THEN pg_catalog.format(', with the prefix %s', i.prefix) ELSE '' END
         || CASE WHEN i.referenced_schema <> i.schema THEN pg_catalog.format(', in schema %s', i.referenced_schema) ELSE '' END
         || CASE WHEN i.ties > 1 THEN pg_catalog.format(', as it does %s other(s)', i.ties - 1) ELSE '' END
         || '; the types fit.' AS reason
  FROM implied AS i
  UNION ALL
  SELECT CASE WHEN w.relid = t.oid THEN 'outgoing' ELSE 'incoming' END, w.schema, w.table_name, w.columns, w.referenced_schema, w.referenced_table, w.columns, 'likely',
         pg_catalog.format('%s has all columns of the primary key of %s; the types fit.', w.table_name, w.referenced_table)
  FROM wide AS w
  JOIN LATERAL (SELECT t.oid FROM targets AS t WHERE t.oid IN (w.relid, w.referenced_relid) ORDER BY t.oid <> w.relid LIMIT 1) AS t ON true
  WHERE w.ties = 1
  UNION ALL
  SELECT CASE WHEN s.relid = t.oid THEN 'outgoing' ELSE 'incoming' END, s.schema, s.table_name, ARRAY[s.attname::text], s.schema, s.referenced_table, ARRAY[s.attname::text], 'likely',
         pg_catalog.format('%s has the primary key of %s and the begin of its name, and nothing gives it values of its own; the types fit.', s.table_name, s.referenced_table)
  FROM shared AS s
  JOIN LATERAL (SELECT t.oid FROM targets AS t WHERE t.oid IN (s.relid, s.referenced_relid) ORDER BY t.oid <> s.relid LIMIT 1) AS t ON true
  WHERE NOT EXISTS (SELECT FROM implied AS i WHERE i.relid = s.relid AND i.attname = s.attname)
  UNION ALL
  -- Of a pair such as item_type and item_id the first one says in which table the second one is.
  SELECT 'outgoing', r.schema, r.table_name, ARRAY[r.attname::text, y.attname::text], NULL, NULL, NULL, 'likely',
         pg_catalog.format('%s is the key of a row in the table that %s names.', r.attname, y.attname)
  FROM targets AS t
  JOIN referencing AS r ON r.relid = t.oid
  JOIN pg_catalog.pg_attribute AS y ON y.attrelid = r.relid AND NOT y.attisdropped
    AND pg_catalog.lower(pg_catalog.translate(y.attname::text COLLATE pg_catalog."default", '_ .-', '')) = pg_catalog.regexp_replace(r.plain, 'id$', 'type')
    AND y.atttypid IN ('pg_catalog.text'::pg_catalog.regtype, 'pg_catalog.varchar'::pg_catalog.regtype)
  WHERE r.plain ~ 'id$'
    AND NOT EXISTS (SELECT FROM candidate AS c WHERE c.relid = r.relid AND c.attnum = r.attnum)
)
SELECT coalesce((
         SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
           'name', k.name, 'direction', k.direction, 'schema', k.schema, 'table_name', k.table_name, 'columns', k.columns,
           'referenced_schema', k.referenced_schema, 'referenced_table', k.referenced_table,
           'referenced_columns', k.referenced_columns, 'period', k.period, 'status', k.status))
           ORDER BY pg_catalog.array_position(ARRAY['outgoing', 'self', 'incoming'], k.direction), k.schema, k.table_name, k.name)
         FROM (SELECT DISTINCT ON (k.oid) k.* FROM foreign_key AS k ORDER BY k.oid, k.direction DESC) AS k), '[]') AS explicit,
       coalesce((
         SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
           'direction', i.direction, 'schema', i.schema, 'table_name', i.table_name, 'columns', i.columns,
           'referenced_schema', i.referenced_schema, 'referenced_table', i.referenced_table,
           'referenced_columns', i.referenced_columns, 'confidence', i.confidence, 'reason', i.reason))
           ORDER BY pg_catalog.array_position(ARRAY['strong', 'likely', 'possible'], i.confidence),
                    pg_catalog.array_position(ARRAY['outgoing', 'self', 'incoming'], i.direction),
                    i.schema, i.table_name, i.columns, i.referenced_schema, i.referenced_table, i.referenced_columns)
         FROM told AS i), '[]') AS implied,
       (SELECT pg_catalog.string_agg(m.table_name || ': ' || m.error, E'\n' ORDER BY m.place) FROM missing_name AS m) AS not_found
WHERE EXISTS (SELECT FROM targets) OR EXISTS (SELECT FROM missing_name)
