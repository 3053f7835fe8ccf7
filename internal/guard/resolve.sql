-- What the names of statements stand for, what runs because of that, and what those objects use, as PostgreSQL itself has
-- recorded it: one JSON object.
--
-- $1 are the statements, a JSON array of objects:
--   relations, functions, operators, types   the names, each with its schema, which is empty where it is not written
--   functions[].own                          whether PostgreSQL's own functions of the name are wanted
--   functions[].notation                     0 for a call, 1 for field notation, or the version from which on it is no call
--   values                                   OIDs of types of values that come from elsewhere, such as arguments
--   path                                     the search path, as an array; null is the one of the session
--   columns, every                           the columns of relations that the statement can mean as values, by their names, or whether that is every one
--   rows, arrays                             whether it can make a row or array of a column; whether it holds an array otherwise
--   anywhere                                 whether a function that no schema of the path has is looked for in all
--   recorded                                 whether PostgreSQL has recorded which functions and operators of users these are
-- $2 is read-only mode, $3 a regular expression for names of settings that are secret; null leaves "secrets" out.
--
-- What has an OID below 16384 is PostgreSQL's own. What has the arguments of one of those is never meant where pg_catalog comes first.
--
-- OFFSET 0 makes the planner go from the names to the catalogues by their indexes; x = x + 0 makes it expect few rows, for which it
-- makes small hash tables.
WITH RECURSIVE session AS MATERIALIZED (
  SELECT pg_catalog.current_schemas(true) AS path,
    (SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.oid = pg_catalog.pg_my_temp_schema()) AS temporary
), question AS MATERIALIZED (
  SELECT q.ord, q.relations, q.functions, q.operators, q.types, q.recorded, q.anywhere, q.every, q.rows, q.arrays,
    ARRAY(SELECT c::name FROM pg_catalog.json_array_elements_text(q.columns) AS c) AS columns,
    ARRAY(SELECT v::oid FROM pg_catalog.json_array_elements_text(q.values) AS v) AS values, q.path IS NOT NULL AS set_path,
    CASE WHEN q.path IS NULL THEN s.path ELSE (
      SELECT CASE WHEN '{pg_catalog}' <@ p.names THEN '{}' ELSE '{pg_catalog}' END::name[] || p.names
      FROM (
        SELECT CASE WHEN q.path::pg_catalog.jsonb ? 'pg_temp' THEN '{}' ELSE pg_catalog.array_remove(ARRAY[s.temporary], NULL) END ||
          ARRAY(SELECT CASE n WHEN 'pg_temp' THEN s.temporary WHEN '$user' THEN current_user ELSE n::name END
            FROM pg_catalog.json_array_elements_text(q.path) WITH ORDINALITY AS n (n, i) ORDER BY n.i) AS names) AS p) END AS path
  FROM ROWS FROM (pg_catalog.json_to_recordset($1::json) AS (relations json, functions json, operators json, types json, "values" json, path json, recorded bool, columns json, every bool, rows bool,
      arrays bool, anywhere bool)) WITH ORDINALITY AS q (relations, functions, operators, types, values, path, recorded, columns, every, rows, arrays, anywhere, ord)
  CROSS JOIN session AS s
  WHERE q.ord = q.ord + 0
), with_foreign (oid) AS (
  SELECT f.ftrelid FROM pg_catalog.pg_foreign_table AS f WHERE f.ftrelid::int8 = f.ftrelid::int8 + 0
  UNION
  SELECT h.inhparent FROM with_foreign AS f JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = f.oid WHERE h.inhparent::int8 = h.inhparent::int8 + 0
), answer AS MATERIALIZED (
  SELECT q.ord, a.*
  FROM question AS q
  CROSS JOIN LATERAL (
    WITH RECURSIVE fn AS MATERIALIZED (
      SELECT i.* FROM ROWS FROM (pg_catalog.json_to_recordset(q.functions) AS (schema text, name name, own bool, notation int))
        WITH ORDINALITY AS i (schema, name, own, notation, ord) WHERE i.ord = i.ord + 0
    ), op AS MATERIALIZED (
      SELECT i.* FROM ROWS FROM (pg_catalog.json_to_recordset(q.operators) AS (schema text, name name)) WITH ORDINALITY AS i (schema, name, ord) WHERE i.ord = i.ord + 0
    ), rel AS (
      SELECT i.ord, (
          -- Whoever runs a function may not be allowed to use the first schema of its path: then PostgreSQL takes the next one.
          SELECT CASE WHEN q.set_path AND pg_catalog.count(*) OVER () > 1 THEN NULL ELSE c.oid END
          FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
          WHERE c.relname = i.name AND CASE i.schema WHEN '' THEN n.nspname = ANY (q.path) ELSE n.nspname = i.schema END
          ORDER BY pg_catalog.array_position(q.path, n.nspname) LIMIT 1) AS oid
      FROM ROWS FROM (pg_catalog.json_to_recordset(q.relations) AS (schema text, name name)) WITH ORDINALITY AS i (schema, name, ord)
      WHERE i.ord = i.ord + 0

    -- The types that are named, a name of a function included: date(x) is a cast.
    ), named AS MATERIALIZED (
      SELECT i.what, i.ord, t.*
      FROM (
        SELECT 'type', i.* FROM ROWS FROM (pg_catalog.json_to_recordset(q.types) AS (schema text, name name)) WITH ORDINALITY AS i (schema, name, ord) WHERE i.ord = i.ord + 0
        UNION ALL
        SELECT 'conversion', schema, name, ord FROM fn) AS i (what, schema, name, ord)
      CROSS JOIN LATERAL (
        SELECT t.oid, coalesce(elem.oid, t.oid) AS base
        FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
        LEFT JOIN pg_catalog.pg_type AS elem ON elem.oid = t.typelem AND t.typcategory = 'A'
        WHERE t.typname = i.name AND CASE i.schema WHEN '' THEN n.nspname = ANY (q.path) ELSE n.nspname = i.schema END OFFSET 0) AS t
    ), columns AS MATERIALIZED (
      SELECT a.atttypid AS oid, pg_catalog.bool_or(q.every OR a.attname = ANY (q.columns)) AS operand
      FROM rel CROSS JOIN LATERAL (SELECT a.attname, a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = rel.oid AND a.attnum <> 0 OFFSET 0) AS a
      GROUP BY a.atttypid

    -- An overload is an operator outside PostgreSQL's own, or a function of one argument beside some of its own.
    --
    -- It is apart if it can't be meant unless a value of a type of its own occurs, which no literal is. That is so if for
    -- all that its operands could be without one (literals and parameters, whose type is unknown, and what PostgreSQL's types are
    -- cast to by themselves) PostgreSQL takes one of its own or none. See "Operator Type Resolution" in its manual, oper() and
    -- func_select_candidate() in its source:
    --
    --   - All is unknown: it drops an overload, or finds none, where one of its own has a type of another category in the place
    --     of one that is no string, or the preferred type of the same category in the place of one that is not preferred; and
    --     it finds two where one of its own is as good in all places.
    --   - One is known: an operator of its own with that type on both sides comes first. Beside an operand of PostgreSQL's own
    --     the same is said of the other one as where all is unknown, among the operators with that operand.
    --   - All are known: where no operand is exactly the overload's, one of its own with an operand that is comes first.
    --
    -- Whatever else an operand may be (a domain, an array, a row, a pseudo-type) can be meant at any time. So can everything
    -- among values whose types are not known, as in functions that take any type.
    --
    -- A polymorphic function with a default may give a value of the type of that default, unless what it gives has a fixed type.
    ), called AS MATERIALIZED (
      SELECT i.ord, i.schema IN ('', 'pg_catalog') AS besides, p.*
      FROM fn AS i
      CROSS JOIN LATERAL (
        SELECT p.oid, p.proname, p.prorettype, p.proallargtypes, p.proargmodes, p.pronargdefaults, p.proargtypes,
          CASE WHEN p.pronargs = 1 AND p.pronargdefaults = 0 AND p.provariadic = 0 AND p.proallargtypes IS NULL AND p.oid >= 16384 THEN p.proargtypes[0] END AS argument
        FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.proname = i.name AND CASE i.schema
            WHEN '' THEN n.nspname = ANY (q.path) OR q.anywhere AND NOT EXISTS (
              SELECT FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS m ON m.oid = f.pronamespace WHERE f.proname = i.name AND m.nspname = ANY (q.path))
            ELSE n.nspname = i.schema END
          AND (i.own OR p.oid >= 16384)
          AND CASE i.notation
            WHEN 0 THEN true
            WHEN 1 THEN p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1 OR p.provariadic <> 0
            ELSE pg_catalog.current_setting('server_version_num')::int < i.notation
          END
          AND (i.schema <> '' OR p.oid < 16384 OR NOT EXISTS (
            SELECT FROM pg_catalog.pg_proc AS own WHERE own.proname = p.proname AND own.pronamespace = 11 AND own.proargtypes = p.proargtypes AND own.oid < 16384
              AND own.provariadic = 0 AND p.provariadic = 0 AND pg_catalog.array_position(q.path, 'pg_catalog') <= pg_catalog.array_position(q.path, n.nspname))) OFFSET 0) AS p
    ), poly AS MATERIALIZED (
      SELECT FROM pg_catalog.pg_type AS t WHERE t.oid = ANY (q.values) AND t.typtype = 'p'
      UNION ALL
      SELECT FROM called AS p JOIN pg_catalog.pg_type AS t ON t.oid = ANY (p.proargtypes) AND t.typtype = 'p' WHERE p.pronargdefaults > 0 AND p.oid >= 16384
        AND (p.proargmodes && '{o,b,t}' OR EXISTS (SELECT FROM pg_catalog.pg_type AS r WHERE r.oid = p.prorettype AND r.typtype = 'p'))
    ), overloads AS MATERIALIZED (
      SELECT true AS operator, i.ord, i.schema IN ('', 'pg_catalog') AS besides, o.*
      FROM op AS i
      CROSS JOIN LATERAL (
        SELECT o.oid, o.oprcode, o.oprname AS name, o.oprleft AS l, o.oprright AS r, o.oprresult AS result
        FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
        WHERE o.oprname = i.name AND o.oid >= 16384 AND CASE i.schema WHEN '' THEN n.nspname = ANY (q.path) ELSE n.nspname = i.schema END
          AND (i.schema <> '' OR NOT EXISTS (
            SELECT FROM pg_catalog.pg_operator AS own WHERE own.oprname = o.oprname AND own.oprnamespace = 11 AND own.oprleft = o.oprleft
              AND own.oprright = o.oprright AND own.oid < 16384
              AND pg_catalog.array_position(q.path, 'pg_catalog') <= pg_catalog.array_position(q.path, n.nspname))) OFFSET 0) AS o
      UNION ALL
      SELECT false, ord, besides, oid, oid, proname, 0, argument, prorettype FROM called WHERE argument IS NOT NULL
    ), operand AS MATERIALIZED (
      SELECT u.oid, t.typcategory AS category, t.typispreferred AS preferred, t.oid < 16384 AS own,
        t.oid >= 16384 AND t.typtype IN ('b', 'e', 'r', 'm') AND t.typcategory <> 'A' OR t.oid IN (2277, 5078) AS made,
        ARRAY(SELECT c.castsource FROM pg_catalog.pg_cast AS c WHERE c.casttarget = t.oid AND c.castcontext = 'i' AND c.castsource < 16384) AS sources
      FROM (SELECT l AS oid FROM overloads UNION SELECT r FROM overloads) AS u
      CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_type AS t WHERE t.oid = u.oid OFFSET 0) AS t
    ), own AS MATERIALIZED (
      SELECT y.*, lt.typcategory AS lc, lt.typispreferred AS lp, rt.typcategory AS rc, rt.typispreferred AS rp
      FROM (SELECT DISTINCT operator, name FROM overloads WHERE besides) AS o
      CROSS JOIN LATERAL (
        SELECT true AS operator, y.oprname AS name, y.oprleft AS l, y.oprright AS r
        FROM pg_catalog.pg_operator AS y WHERE o.operator AND y.oprname = o.name AND y.oprnamespace = 11 AND y.oid < 16384
        UNION ALL
        SELECT false, y.proname, 0, y.proargtypes[0]
        FROM pg_catalog.pg_proc AS y WHERE NOT o.operator AND y.proname = o.name AND y.pronamespace = 11 AND y.oid < 16384 AND y.pronargs = 1 AND y.provariadic = 0
        OFFSET 0) AS y
      LEFT JOIN pg_catalog.pg_type AS lt ON lt.oid = y.l
      JOIN pg_catalog.pg_type AS rt ON rt.oid = y.r
    -- Each overload beside each of PostgreSQL's own of its name: whether that one is of another kind in a place, or as good there.
    ), pair AS MATERIALIZED (
      SELECT o.*, y.l AS own_l, y.r AS own_r, l.sources AS left_sources, r.sources AS right_sources, l.made AS left_made, r.made AS right_made,
        y.lc <> l.category AND l.category <> 'S' OR y.lc = l.category AND y.lp AND NOT l.preferred AS left_differs,
        y.rc <> r.category AND r.category <> 'S' OR y.rc = r.category AND y.rp AND NOT r.preferred AS right_differs,
        y.lc = l.category AND (y.lp OR NOT l.preferred) AS left_as_good,
        y.rc = r.category AND (y.rp OR NOT r.preferred) AS right_as_good
      FROM (SELECT DISTINCT operator, oid, name, l, r FROM overloads WHERE besides) AS o
      JOIN own AS y ON y.operator = o.operator AND y.name = o.name
      JOIN operand AS r ON r.oid = o.r
      LEFT JOIN operand AS l ON l.oid = o.l
      WHERE (r.own OR r.made) AND (o.l = 0 OR l.own OR l.made) AND (r.made OR l.made)
    ), apart AS MATERIALIZED (
      SELECT o.operator, o.oid
      FROM (SELECT DISTINCT operator, oid, l, r, left_sources, right_sources, left_made, right_made FROM pair) AS o
      WHERE NOT EXISTS (SELECT FROM poly)
        AND EXISTS (
          SELECT FROM pair AS y
          WHERE y.operator = o.operator AND y.oid = o.oid AND (y.own_l = 0) = (o.l = 0)
            AND (y.left_differs OR y.right_differs OR (o.l = 0 OR y.left_as_good) AND y.right_as_good))
        AND CASE
          WHEN o.l = 0 THEN NOT EXISTS (
            SELECT FROM pg_catalog.unnest(o.right_sources) AS a
            WHERE NOT EXISTS (SELECT FROM pair AS y WHERE y.operator = o.operator AND y.oid = o.oid AND y.own_l = 0 AND y.own_r = a))
          WHEN o.left_made AND o.right_made THEN NOT EXISTS (
            SELECT FROM pg_catalog.unnest(o.left_sources || o.right_sources) AS a
            WHERE NOT EXISTS (SELECT FROM pair AS y WHERE y.operator = o.operator AND y.oid = o.oid AND y.own_l = a AND y.own_r = a)
          ) AND NOT EXISTS (
            SELECT FROM pg_catalog.unnest(o.left_sources) AS a, pg_catalog.unnest(o.right_sources) AS b
            WHERE NOT EXISTS (
              SELECT FROM pair AS y
              WHERE y.operator = o.operator AND y.oid = o.oid AND (
                y.own_l = a AND (y.own_r = b OR EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castsource = b AND c.casttarget = y.own_r AND c.castcontext = 'i'))
                OR y.own_r = b AND EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castsource = a AND c.casttarget = y.own_l AND c.castcontext = 'i'))))
          WHEN o.left_made THEN o.left_sources = '{}' AND EXISTS (
            SELECT FROM pair AS y WHERE y.operator = o.operator AND y.oid = o.oid AND y.own_r = o.r AND (y.left_differs OR y.left_as_good))
          ELSE o.right_sources = '{}' AND EXISTS (
            SELECT FROM pair AS y WHERE y.operator = o.operator AND y.oid = o.oid AND y.own_l = o.l AND (y.right_differs OR y.right_as_good))
        END
    ), given AS MATERIALIZED (
      SELECT pg_catalog.unnest(q.values) AS oid
      UNION
      SELECT u.oid
      FROM called AS p CROSS JOIN LATERAL pg_catalog.unnest(p.prorettype || coalesce(p.proallargtypes, '{}')) AS u (oid)
      WHERE p.oid NOT IN (SELECT oid FROM apart WHERE NOT operator)
      UNION
      SELECT u.oid
      FROM overloads AS o CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[o.l, o.r, o.result]) AS u (oid)
      WHERE o.operator AND o.oid NOT IN (SELECT oid FROM apart WHERE operator)

    -- The types named, those of columns and those that functions give bring along what they are made of and are cast to, with
    -- whatever runs when they are used: their own functions, casts, sort orders. An explicit cast needs its target named, which
    -- can be as a function. What extensions bring along with their types in C is left out: it is what they are made for.
    -- An operand is what can be a value in an expression.
    ), parts (oid, named, operand) AS (
      SELECT base, true, true FROM named WHERE base >= 16384
      UNION
      SELECT oid, false, operand FROM columns WHERE oid >= 16384
      UNION
      SELECT oid, false, true FROM given WHERE oid >= 16384
      UNION
      SELECT part.oid, parts.named, parts.operand
      FROM parts
      CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_type AS t WHERE t.oid = parts.oid AND t.oid >= 16384 OFFSET 0) AS t
      CROSS JOIN LATERAL (
        SELECT t.typelem UNION ALL SELECT t.typbasetype
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0
        UNION ALL SELECT u.oid FROM pg_catalog.pg_range AS r, pg_catalog.unnest(ARRAY[r.rngsubtype, r.rngmultitypid]) AS u (oid) WHERE r.rngtypid = t.oid
        UNION ALL SELECT r.rngtypid FROM pg_catalog.pg_range AS r WHERE r.rngmultitypid = t.oid
        UNION ALL SELECT c.casttarget FROM pg_catalog.pg_cast AS c WHERE c.castsource = t.oid AND c.castcontext = 'i'
        UNION ALL SELECT o.result FROM overloads AS o WHERE t.oid IN (o.l, o.r)) AS part (oid)
      WHERE part.oid <> 0 AND part.oid::int8 = part.oid::int8 + 0 * parts.oid::int8
    ), types AS MATERIALIZED (
      SELECT oid, named, operand FROM parts WHERE oid >= 16384
    ), arrays AS MATERIALIZED (
      SELECT FROM pg_catalog.pg_type AS t
      WHERE t.typcategory = 'A' AND t.oid IN (SELECT oid FROM columns WHERE operand UNION ALL SELECT oid FROM parts WHERE operand UNION ALL SELECT oid FROM given)
      UNION ALL
      SELECT FROM fn AS i JOIN pg_catalog.pg_proc AS p ON p.proname = i.name CROSS JOIN LATERAL pg_catalog.unnest(p.prorettype || coalesce(p.proallargtypes, '{}')) AS u (oid)
      JOIN pg_catalog.pg_type AS t ON t.oid = u.oid WHERE t.typcategory = 'A' OR t.oid IN (2277, 5078)
      UNION ALL
      SELECT WHERE q.arrays
    ), used AS MATERIALIZED (
      SELECT u.named, t.*
      FROM (SELECT oid, pg_catalog.bool_or(named) AS named FROM types GROUP BY oid) AS u
      CROSS JOIN LATERAL (
        SELECT t.oid, t.typname, t.typtype, t.typinput, t.typoutput, t.typmodin, t.typsubscript, t.typelem, t.typrelid
        FROM pg_catalog.pg_type AS t WHERE t.oid = u.oid OFFSET 0) AS t

    -- Explicit casts that nothing writes: PostgreSQL's functions that make JSON look for one to json, whatever the value is; those in SQL
    -- that take a value of any type, such as quote_literal() and the one of ||, cast it to text.
    ), converted (oid) AS MATERIALIZED (
      SELECT 114 WHERE 114 = ANY (q.values)
      UNION ALL
      SELECT 114 FROM fn AS i JOIN pg_catalog.pg_proc AS p ON p.proname = i.name
      WHERE p.oid < 16384 AND p.prorettype IN (114, 3802) AND p.proargtypes::oid[] && '{2249,2276,2277,2283}'
      UNION ALL
      SELECT 25 FROM fn AS i JOIN pg_catalog.pg_proc AS p ON p.proname = i.name
      WHERE p.oid < 16384 AND p.prolang = 14 AND p.proargtypes::oid[] && '{2277,2283,2776}'
      UNION ALL
      SELECT 25 FROM op AS i JOIN pg_catalog.pg_operator AS o ON o.oprname = i.name AND o.oid < 16384 JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
      WHERE p.prolang = 14 AND p.proargtypes::oid[] && '{2277,2283,2776}'

    ), casts AS (
      SELECT c.castfunc AS oid, pg_catalog.format('the cast from %s to %s', pg_catalog.format_type(c.castsource, NULL), pg_catalog.format_type(c.casttarget, NULL)) AS of
      FROM pg_catalog.pg_cast AS c
      LEFT JOIN used AS s ON s.oid = c.castsource
      LEFT JOIN used AS t ON t.oid = c.casttarget
      WHERE c.oid >= 16384 AND c.castfunc <> 0
        AND ((s.oid IS NOT NULL OR c.castsource < 16384 AND (t.oid IS NOT NULL OR c.casttarget < 16384))
          AND (c.castcontext <> 'e' OR c.casttarget IN (SELECT oid FROM converted UNION ALL SELECT oid FROM named UNION ALL SELECT base FROM named UNION ALL
            SELECT u.oid FROM parts JOIN pg_catalog.pg_type AS p ON p.oid = parts.oid CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[p.oid, p.typelem]) AS u (oid) WHERE parts.named))
          OR EXISTS (SELECT FROM poly))

    -- The negators and commutators that users have given to PostgreSQL's own operators.
    ), linked AS (
      SELECT n.oprcode::oid AS oid, 'operator ' || o.oprname AS of
      FROM op AS i JOIN pg_catalog.pg_operator AS o ON o.oprname = i.name AND o.oid < 16384
      CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[o.oprnegate, o.oprcom]) AS l (oid)
      CROSS JOIN LATERAL (SELECT n.oprcode FROM pg_catalog.pg_operator AS n WHERE n.oid = l.oid AND n.oprcode <> 0 OFFSET 0) AS n
      WHERE l.oid >= 16384

    -- Values that may be compared. A record, and a value of any type, may hold what compares by any order that users have made.
    ), compared (oid) AS (
      SELECT base FROM named UNION SELECT oid FROM columns UNION SELECT pg_catalog.unnest(q.values) UNION SELECT oid FROM parts UNION SELECT result FROM overloads
      UNION
      SELECT u.oid
      FROM fn AS i JOIN pg_catalog.pg_proc AS p ON p.proname = i.name CROSS JOIN LATERAL pg_catalog.unnest(p.prorettype || coalesce(p.proallargtypes, '{}')) AS u (oid)
      UNION
      SELECT part.oid
      FROM compared
      CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_type AS t WHERE t.oid = compared.oid OFFSET 0) AS t
      CROSS JOIN LATERAL (
        SELECT t.typelem WHERE t.typcategory = 'A' OR t.oid IN (SELECT oid FROM columns) UNION ALL SELECT t.typbasetype
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0
        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range AS r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
        UNION ALL SELECT o.oprresult FROM pg_catalog.pg_operator AS o WHERE o.oprname IN (SELECT name FROM op) AND t.oid IN (o.oprleft, o.oprright)) AS part (oid)
      WHERE part.oid <> 0 AND part.oid::int8 = part.oid::int8 + 0 * compared.oid::int8
    ), anything AS MATERIALIZED (
      SELECT FROM poly
      UNION ALL
      -- What a record holds is known where arguments are for output.
      SELECT FROM called
      WHERE oid >= 16384 AND (prorettype IN (2249, 2287) AND (proargmodes && '{o,b,t}') IS NOT TRUE OR proallargtypes && '{2249,2287}')
      UNION ALL
      SELECT FROM overloads WHERE result IN (2249, 2287)
    ), orders AS (
      SELECT u.oid, 'the order of type ' || pg_catalog.format_type(o.opcintype, NULL) AS of
      FROM pg_catalog.pg_opclass AS o
      CROSS JOIN LATERAL (
        SELECT a.amproc::oid FROM pg_catalog.pg_amproc AS a WHERE a.amprocfamily = o.opcfamily
        UNION ALL SELECT op.oprcode FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS op ON op.oid = a.amopopr WHERE a.amopfamily = o.opcfamily) AS u (oid)
      WHERE o.oid >= 16384 AND o.opcdefault AND o.opcmethod IN (403, 405)
        AND (o.opcintype IN (SELECT oid FROM compared) OR EXISTS (SELECT FROM anything))
      UNION ALL
      -- What users have added to PostgreSQL's own families counts always.
      SELECT u.oid, 'operator family ' || f.opfname
      FROM (
        SELECT a.amproc::oid, a.amprocfamily FROM pg_catalog.pg_amproc AS a WHERE a.oid >= 16384
        UNION ALL SELECT op.oprcode, a.amopfamily FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS op ON op.oid = a.amopopr WHERE a.oid >= 16384) AS u (oid, family)
      JOIN pg_catalog.pg_opfamily AS f ON f.oid = u.family AND f.oid < 16384 AND f.opfmethod IN (403, 405)

    -- The check of a domain runs where a value becomes one: where it is named, within an array or row that a literal is read as,
    -- and as a result of functions and operators that take any type (generic: anyelement, anycompatible, arrays of those), or beside
    -- a row or array that is made of columns. A column of the domain alone is only read.
    ), generic AS MATERIALIZED (
      SELECT FROM fn AS i JOIN pg_catalog.pg_proc AS p ON p.proname = i.name WHERE p.proargtypes::oid[] && '{2283,2776,5077,5079}'
      UNION ALL
      SELECT WHERE q.rows
      UNION ALL
      SELECT FROM op AS i JOIN pg_catalog.pg_operator AS o ON o.oprname = i.name
      WHERE o.oprresult <> 16 AND '{2283,2277,5077,5078}' && ARRAY[o.oprleft, o.oprright]
    ), domains AS (
      SELECT d.refobjid AS oid, 'domain ' || used.typname AS of
      FROM used JOIN pg_catalog.pg_constraint AS c ON c.contypid = used.oid
      JOIN pg_catalog.pg_depend AS d ON d.classid = 2606 AND d.objid = c.oid AND d.refclassid = 1255 AND d.refobjid >= 16384
      WHERE used.typtype = 'd' AND (used.named OR EXISTS (SELECT FROM generic)
        OR used.oid NOT IN (SELECT oid FROM columns UNION ALL SELECT oid FROM given)
        OR EXISTS (SELECT FROM used AS u JOIN pg_catalog.pg_attribute AS a ON a.attrelid = u.typrelid AND a.atttypid = used.oid WHERE u.typrelid <> 0)
        OR EXISTS (SELECT FROM used AS u LEFT JOIN pg_catalog.pg_range AS r ON r.rngtypid = u.oid WHERE used.oid IN (u.typelem, r.rngsubtype)))
    ), built AS (
      SELECT f.oid, 'type ' || used.typname AS of
      FROM used
      CROSS JOIN LATERAL (
        SELECT u.f FROM pg_catalog.unnest(ARRAY[used.typinput, used.typoutput, used.typmodin, used.typsubscript]) AS u (f)
        UNION ALL SELECT u.f FROM pg_catalog.pg_range AS r, pg_catalog.unnest(ARRAY[r.rngcanonical, r.rngsubdiff]) AS u (f) WHERE r.rngtypid = used.oid
        UNION ALL SELECT p.amproc FROM pg_catalog.pg_range AS r JOIN pg_catalog.pg_opclass AS c ON c.oid = r.rngsubopc JOIN pg_catalog.pg_amproc AS p ON p.amprocfamily = c.opcfamily
        WHERE r.rngtypid = used.oid) AS f (oid)
      WHERE f.oid >= 16384

    -- What runs by these names: functions, and operators outside PostgreSQL's own.
    ), uses (what, ord, kind, oid, of) AS MATERIALIZED (
      SELECT 'function', p.ord, 'function', p.oid, ''
      FROM called AS p
      WHERE (p.oid < 16384 OR NOT q.recorded)
        AND (p.oid NOT IN (SELECT oid FROM apart WHERE NOT operator) OR EXISTS (SELECT FROM types WHERE types.operand AND types.oid = p.argument)
          OR p.argument IN (2277, 5078) AND EXISTS (SELECT FROM arrays))
      UNION ALL
      SELECT 'operator', o.ord, 'operator', o.oid, 'operator ' || o.name
      FROM overloads AS o
      WHERE o.operator AND NOT q.recorded AND (o.oid NOT IN (SELECT oid FROM apart WHERE operator)
        OR EXISTS (SELECT FROM types WHERE types.operand AND types.oid IN (o.l, o.r)) OR '{2277,5078}' && ARRAY[o.l, o.r] AND EXISTS (SELECT FROM arrays))
      UNION ALL
      SELECT 'cast', 0, 'function', c.oid, c.of FROM (SELECT * FROM casts UNION ALL SELECT * FROM domains UNION ALL SELECT * FROM linked) AS c
      UNION ALL
      SELECT DISTINCT f.what, 0, 'function', f.oid, f.of
      FROM (SELECT 'implied' AS what, oid, of FROM built UNION ALL SELECT 'order', oid, of FROM orders WHERE oid >= 16384) AS f
      WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
        WHERE d.classid = 1255 AND d.objid = f.oid AND d.deptype = 'e' AND p.prolang IN (12, 13))
    )
    SELECT
      (SELECT pg_catalog.json_agg(c) FROM (
        SELECT rel.ord, c.oid::int8, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.oid < 16384 AS system, c.relrowsecurity AS row_security, c.relhasrules AS rules,
          c.relkind = 'f' OR c.relhassubclass AND c.oid IN (SELECT oid FROM with_foreign) AS foreign,
          (SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
           WHERE d.classid = 1259 AND d.objid = c.oid AND d.deptype = 'e' LIMIT 1) AS extension
        FROM rel JOIN pg_catalog.pg_class AS c ON c.oid = rel.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace) AS c) AS relations,
      (SELECT pg_catalog.json_agg(t) FROM (
        SELECT named.what, named.ord, n.nspname AS schema, t.typname AS name, t.oid < 16384 AS system,
          EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.typrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) AS row,
          (SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
           WHERE d.classid = 1247 AND d.objid = t.oid AND d.deptype = 'e' LIMIT 1) AS extension
        FROM named JOIN pg_catalog.pg_type AS t ON t.oid = named.base JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace) AS t) AS types,
      ARRAY(SELECT used.oid::int8 FROM used WHERE used.typtype = 'd') AS domains,
      (SELECT pg_catalog.json_agg(u) FROM (SELECT what, ord, kind, oid::int8, of FROM uses) AS u) AS uses) AS a

-- What each object uses, as far as PostgreSQL has recorded it; that is not so for what is its own. An operator stands for its
-- negator, its commutator and what sorts and hashes by it too; a table for what the planner runs of constraints, indexes,
-- statistics and keys of it and all its children. What the text of a function may name is here too, as only mentioned: whoever
-- reads the text then needs no further question.
), planned AS MATERIALIZED (
  SELECT d.classid AS class, d.objid AS oid, coalesce(i.indrelid, c.conrelid, s.stxrelid, a.adrelid, d.objid) AS relation
  FROM (
    SELECT DISTINCT d.classid, d.objid FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid IN (1255, 2616, 2617, 2753) AND d.refobjid >= 16384 AND d.classid IN (1259, 2604, 2606, 3381)) AS d
  LEFT JOIN pg_catalog.pg_index AS i ON d.classid = 1259 AND i.indexrelid = d.objid
  LEFT JOIN pg_catalog.pg_constraint AS c ON d.classid = 2606 AND c.oid = d.objid
  LEFT JOIN pg_catalog.pg_statistic_ext AS s ON d.classid = 3381 AND s.oid = d.objid
  LEFT JOIN pg_catalog.pg_attrdef AS a ON d.classid = 2604 AND a.oid = d.objid
  WHERE (d.classid <> 2606 OR c.contype = 'c')
    AND (d.classid <> 2604 OR EXISTS (
      SELECT FROM pg_catalog.pg_attribute AS g WHERE g.attrelid = a.adrelid AND g.attnum = a.adnum AND g.attgenerated = 'v'))
), edge (kind, oid, mentioned, of_kind, of_oid) AS (
  SELECT r.*, '', 0::oid
  FROM (
    SELECT u.kind, u.oid::oid, false FROM answer CROSS JOIN LATERAL pg_catalog.json_to_recordset(answer.uses) AS u (kind text, oid int8)
    WHERE ($2 OR u.kind = 'operator') AND u.oid = u.oid + 0
    UNION
    SELECT k.kind, r.oid::oid, false
    FROM answer CROSS JOIN LATERAL pg_catalog.json_to_recordset(answer.relations) AS r (oid int8, kind text, row_security bool)
    CROSS JOIN LATERAL pg_catalog.unnest(ARRAY['table', CASE r.kind WHEN 'v' THEN 'view' END, CASE WHEN r.row_security THEN 'policy' END]) AS k (kind)
    WHERE $2 AND r.oid >= 16384 AND k.kind <> '' AND r.oid = r.oid + 0
    UNION
    SELECT 'domain', d.oid::oid, false FROM answer CROSS JOIN LATERAL pg_catalog.unnest(answer.domains) AS d (oid) WHERE $2) AS r
  UNION
  SELECT t.kind, t.oid, t.mentioned, x.kind, x.oid
  FROM edge AS x
  CROSS JOIN LATERAL (
    SELECT u.kind, u.oid, false AS mentioned
    FROM (
      SELECT 2618 AS class, r.oid FROM pg_catalog.pg_rewrite AS r WHERE x.kind = 'view' AND r.ev_class = x.oid
      UNION ALL SELECT 3256, p.oid FROM pg_catalog.pg_policy AS p WHERE x.kind = 'policy' AND p.polrelid = x.oid
      UNION ALL SELECT 2606, c.oid FROM pg_catalog.pg_constraint AS c WHERE x.kind = 'domain' AND c.contypid = x.oid
      UNION ALL SELECT 1255, p.oid FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
        WHERE $2 AND x.kind = 'function' AND p.oid = x.oid AND (p.prokind = 'a' OR l.lanname IN ('sql', 'plpgsql'))
      UNION ALL
      SELECT p.class, p.oid
      FROM (
        WITH RECURSIVE tree (oid) AS (
          SELECT x.oid WHERE x.kind = 'table'
          UNION ALL
          SELECT h.inhrelid FROM tree CROSS JOIN LATERAL (SELECT h.inhrelid FROM pg_catalog.pg_inherits AS h WHERE h.inhparent = tree.oid OFFSET 0) AS h
          WHERE h.inhrelid::int8 = h.inhrelid::int8 + 0)
        SELECT oid FROM tree) AS c
      JOIN planned AS p ON p.relation = c.oid) AS part (class, oid)
    CROSS JOIN LATERAL (
      SELECT d.refclassid, d.refobjid FROM pg_catalog.pg_depend AS d
      WHERE d.classid = part.class AND d.objid = part.oid AND d.refobjid >= 16384
        AND (d.refclassid IN (1255, 2616, 2617, 2753) OR d.refclassid IN (1247, 1259) AND x.kind <> 'table') OFFSET 0) AS d
    CROSS JOIN LATERAL (
      SELECT CASE d.refclassid WHEN 1255 THEN 'function' WHEN 2616 THEN 'class' WHEN 2617 THEN 'operator' ELSE 'family' END, d.refobjid
      WHERE d.refclassid NOT IN (1247, 1259)
      UNION ALL
      SELECT 'domain', t.oid FROM pg_catalog.pg_type AS t WHERE d.refclassid = 1247 AND t.oid = d.refobjid AND t.typtype = 'd'
      UNION ALL
      SELECT k.kind, c.oid
      FROM pg_catalog.pg_class AS c
      CROSS JOIN LATERAL pg_catalog.unnest(ARRAY['table', CASE c.relkind WHEN 'v' THEN 'view' END, CASE WHEN c.relrowsecurity THEN 'policy' END]) AS k (kind)
      WHERE d.refclassid = 1259 AND c.oid = d.refobjid AND k.kind <> '') AS u (kind, oid)
    UNION ALL
    SELECT 'function', n.oprcode, false
    FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_operator AS n ON n.oid IN (o.oid, o.oprnegate, o.oprcom)
    WHERE x.kind = 'operator' AND o.oid = x.oid AND n.oprcode <> 0
    UNION ALL
    SELECT 'family', a.amopfamily, false FROM pg_catalog.pg_amop AS a WHERE x.kind = 'operator' AND a.amopopr = x.oid
    UNION ALL
    SELECT 'family', c.opcfamily, false FROM pg_catalog.pg_opclass AS c WHERE x.kind = 'class' AND c.oid = x.oid
    UNION ALL
    SELECT 'function', a.amproc, false FROM pg_catalog.pg_amproc AS a WHERE x.kind = 'family' AND a.amprocfamily = x.oid AND a.amproc >= 16384
    UNION ALL
    SELECT 'function', o.oprcode, false FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS o ON o.oid = a.amopopr
    WHERE x.kind = 'family' AND a.amopfamily = x.oid AND o.oprcode >= 16384
    UNION ALL
    SELECT 'function', u.f, false
    FROM pg_catalog.pg_aggregate AS a
    CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
      a.aggmfinalfn]) AS u (f)
    WHERE $2 AND x.kind = 'function' AND a.aggfnoid = x.oid AND x.oid >= 16384 AND u.f <> 0
    UNION ALL
    SELECT k.kind, k.oid, true
    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
    CROSS JOIN LATERAL pg_catalog.regexp_matches(p.prosrc, '[[:alpha:]_][[:alnum:]_$]*', 'g') AS m (word)
    CROSS JOIN LATERAL (
      SELECT 'function', f.oid FROM pg_catalog.pg_proc AS f WHERE f.proname IN (pg_catalog.lower(m.word[1])::name, m.word[1]::name) AND f.oid >= 16384
      UNION ALL SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'policy' END, c.oid FROM pg_catalog.pg_class AS c
      WHERE c.relname IN (pg_catalog.lower(m.word[1])::name, m.word[1]::name) AND c.oid >= 16384 AND (c.relkind = 'v' OR c.relrowsecurity) OFFSET 0) AS k (kind, oid)
    WHERE $2 AND x.kind = 'function' AND p.oid = x.oid AND x.oid >= 16384) AS t
  WHERE t.oid::int8 = t.oid::int8 + 0 AND t.kind = t.kind || ''
), object AS MATERIALIZED (
  SELECT DISTINCT kind, oid FROM edge
), label (kind, oid, label) AS (
  SELECT o.kind, o.oid, CASE o.kind WHEN 'view' THEN 'view ' WHEN 'policy' THEN 'a policy on ' ELSE 'a constraint, index, key or statistic of ' END || n.nspname || '.' || c.relname
  FROM object AS o JOIN pg_catalog.pg_class AS c ON c.oid = o.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE o.kind IN ('view', 'policy', 'table')
  UNION ALL
  SELECT o.kind, o.oid, 'domain ' || n.nspname || '.' || t.typname
  FROM object AS o JOIN pg_catalog.pg_type AS t ON t.oid = o.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace WHERE o.kind = 'domain'
  UNION ALL
  SELECT o.kind, o.oid, 'function ' || n.nspname || '.' || p.proname
  FROM object AS o JOIN pg_catalog.pg_proc AS p ON p.oid = o.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace WHERE o.kind = 'function'
  UNION ALL
  SELECT o.kind, o.oid, 'operator ' || p.oprname FROM object AS o JOIN pg_catalog.pg_operator AS p ON p.oid = o.oid WHERE o.kind = 'operator'
), text (kind, oid, label, form, text, path, "values") AS (
  SELECT o.kind, o.oid, o.label, 'query', pg_catalog.pg_get_viewdef(o.oid), NULL::text, '{}'::oid[]
  FROM label AS o WHERE o.kind = 'view'
  UNION ALL
  SELECT o.kind, o.oid, pg_catalog.replace(o.label, 'a policy', 'policy ' || p.polname), 'expression', pg_catalog.pg_get_expr(p.polqual, p.polrelid), NULL,
    ARRAY[(SELECT c.reltype FROM pg_catalog.pg_class AS c WHERE c.oid = p.polrelid)]
  FROM label AS o JOIN pg_catalog.pg_policy AS p ON p.polrelid = o.oid AND p.polqual IS NOT NULL WHERE o.kind = 'policy'
  UNION ALL
  SELECT o.kind, o.oid, o.label, 'expression', pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), '^CHECK | NOT VALID$', '', 'g'), NULL, ARRAY[o.oid]
  FROM label AS o JOIN pg_catalog.pg_constraint AS c ON c.contypid = o.oid AND c.contype = 'c' WHERE o.kind = 'domain'
  UNION ALL
  SELECT o.kind, o.oid, o.label, t.*
  FROM label AS o JOIN pg_catalog.pg_proc AS p ON p.oid = o.oid JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
  CROSS JOIN LATERAL (
    SELECT CASE WHEN l.lanname = 'plpgsql' THEN 'plpgsql' WHEN p.prosqlbody IS NOT NULL THEN 'body' ELSE 'sql' END,
      CASE WHEN l.lanname = 'plpgsql' THEN pg_catalog.pg_get_functiondef(CASE WHEN p.prokind <> 'a' THEN p.oid END)
           WHEN p.prosqlbody IS NOT NULL THEN pg_catalog.pg_get_function_sqlbody(p.oid) ELSE p.prosrc END,
      (SELECT pg_catalog.substr(s.setting, 13) FROM pg_catalog.unnest(p.proconfig) AS s (setting) WHERE s.setting ^@ 'search_path='),
      p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')
    WHERE p.prokind <> 'a'
    UNION ALL
    SELECT 'expression', pg_catalog.pg_get_expr(p.proargdefaults, 0), NULL, '{}' WHERE p.proargdefaults IS NOT NULL
    UNION ALL
    -- A value that becomes one of a domain is checked.
    SELECT DISTINCT 'expression', 'NULL::' || pg_catalog.format_type(t.oid, NULL), NULL, '{}'::oid[]
    FROM pg_catalog.unnest(ARRAY[p.prorettype] || p.proargtypes::oid[] || coalesce(p.proallargtypes, '{}')) AS t (oid) WHERE t.oid >= 16384
    UNION ALL
    SELECT 'setting', s.setting, NULL, '{}' FROM pg_catalog.unnest(p.proconfig) AS s (setting)
    WHERE pg_catalog.split_part(s.setting, '=', 1) IN ('standard_conforming_strings', 'role', 'session_authorization')
    UNION ALL
    -- PostgreSQL passes over the schemas of a path that a role may not use.
    SELECT 'setting', 'search_path of its owner, who may use other schemas in it: ' || n.nspname, NULL, '{}'
    FROM pg_catalog.pg_namespace AS n CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_userbyid(p.proowner) AS name) AS r
    WHERE p.prosecdef AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s (setting) WHERE s.setting ^@ 'search_path=')
      AND pg_catalog.has_schema_privilege(r.name, n.oid, 'USAGE') <> pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.strpos(pg_catalog.lower(pg_catalog.replace(pg_catalog.current_setting('search_path'), '""', '"')), pg_catalog.lower(n.nspname::text)) > 0
    UNION ALL
    SELECT 'setting', 'search_path of its owner, who has a schema', NULL, '{}'
    FROM pg_catalog.pg_roles AS r JOIN pg_catalog.pg_namespace AS n ON n.nspname = r.rolname
    WHERE r.oid = p.proowner AND p.prosecdef AND r.rolname <> current_user
      AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s (setting) WHERE s.setting ^@ 'search_path=' AND pg_catalog.strpos(s.setting, '$user') = 0)) AS t
  WHERE o.kind = 'function' AND o.oid >= 16384 AND (p.prokind = 'a' OR l.lanname IN ('sql', 'plpgsql'))
), function AS (
  SELECT p.oid::int8, n.nspname AS schema, p.proname AS name, p.prokind AS kind, p.oid < 16384 AS system,
    -- What PostgreSQL itself calls for its operators and aggregates.
    p.oid < 16384 AND p.oid IN (
      SELECT oprcode FROM pg_catalog.pg_operator WHERE oid < 16384 UNION ALL SELECT u.f FROM pg_catalog.pg_aggregate AS a,
        pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]) AS u (f)
      WHERE a.aggfnoid < 16384) AS inner,
    CASE WHEN l.lanname = 'internal' AND p.prosrc ~ '^(multi)?range_constructor[0-3]$' THEN 'range' ELSE l.lanname END AS language, (
      SELECT e.extname FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
      WHERE d.classid = 1255 AND d.objid = p.oid AND d.deptype = 'e' LIMIT 1) AS extension
  FROM (
    SELECT oid FROM object WHERE kind = 'function'
    UNION SELECT u.oid::oid FROM answer CROSS JOIN LATERAL pg_catalog.json_to_recordset(answer.uses) AS u (kind text, oid int8) WHERE u.kind = 'function') AS f
  JOIN pg_catalog.pg_proc AS p ON p.oid = f.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
)
SELECT pg_catalog.json_build_object(
  'database', pg_catalog.current_database(),
  'encoding', pg_catalog.getdatabaseencoding(),
  'answers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('relations', relations, 'types', types, 'domains', domains, 'uses', uses) ORDER BY ord) FROM answer),
  'functions', (SELECT pg_catalog.json_agg(f) FROM function AS f),
  'labels', (SELECT pg_catalog.json_agg(l) FROM (SELECT kind, oid::int8, label FROM label) AS l),
  'edges', (SELECT pg_catalog.json_agg(e) FROM (SELECT kind, oid::int8, mentioned, of_kind, of_oid::int8 FROM edge WHERE of_kind <> '') AS e),
  'texts', (SELECT pg_catalog.json_agg(t) FROM (SELECT kind, oid::int8, label, form, text, path, "values"::int8[] FROM text WHERE $2) AS t),
  'secrets', CASE WHEN $3::text IS NOT NULL THEN pg_catalog.json_build_object(
    'statistics', EXISTS (
      SELECT FROM pg_catalog.pg_stats AS s
      WHERE s.schemaname = 'pg_catalog'
        AND (s.tablename, s.attname) IN (('pg_authid', 'rolpassword'), ('pg_largeobject', 'data'), ('pg_subscription', 'subconninfo'), ('pg_user_mapping', 'umoptions'),
          ('pg_db_role_setting', 'setconfig'))
        AND (s.most_common_vals IS NOT NULL OR s.histogram_bounds IS NOT NULL OR s.most_common_elems IS NOT NULL)),
    'settings', EXISTS (SELECT FROM pg_catalog.pg_settings AS s WHERE s.vartype = 'string' AND s.setting <> '' AND s.name ~* $3),
    'role_settings', EXISTS (
      SELECT FROM pg_catalog.pg_db_role_setting AS s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
      WHERE pg_catalog.split_part(c.setting, '=', 1) ~* $3)) END)
