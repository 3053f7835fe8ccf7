package guard

// operatorsSQL is the part of factsSQL about operators outside PostgreSQL's own, and functions of one argument beside some of
// its own: overloads, those of them that are apart, and the types given by other functions and from elsewhere.
//
// An overload is apart if it can't be meant unless a value of a type of its own occurs, which no literal is. That is so if for
// all that its operands could be without one (literals and parameters, whose type is unknown, and what PostgreSQL's types are
// cast to by themselves) PostgreSQL takes one of its own or none. See "Operator Type Resolution" in its manual, oper() and
// func_select_candidate() in its source:
//
//   - All is unknown: it drops an overload, or finds none, where one of its own has a type of another category in the place
//     of one that is no string, or the preferred type of the same category in the place of one that is not preferred; and
//     it finds two where one of its own is as good in all places.
//   - One is known: an operator of its own with that type on both sides comes first. Beside an operand of PostgreSQL's own
//     the same is said of the other one as where all is unknown, among the operators with that operand.
//   - All are known: where no operand is exactly the overload's, one of its own with an operand that is comes first.
//
// Whatever else an operand may be (a domain, an array, a row, a pseudo-type) can be meant at any time. So can everything
// among values whose types are not known, as in functions that take any type.
//
// A polymorphic function with a default may give a value of the type of that default.
const operatorsSQL = `called AS MATERIALIZED (
  SELECT i.ord, i.schema IN ('', 'pg_catalog') AS besides, p.*
  FROM ROWS FROM (pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::bool[]), pg_catalog.unnest($6::int[]))
    WITH ORDINALITY AS i (schema, name, own, notation, ord)
  CROSS JOIN LATERAL (
    SELECT p.oid, p.proname, p.prorettype, p.proallargtypes, p.proargmodes, p.pronargdefaults, p.proargtypes,
      CASE WHEN p.pronargs = 1 AND p.pronargdefaults = 0 AND p.provariadic = 0 AND p.proallargtypes IS NULL AND p.oid >= 16384 THEN p.proargtypes[0] END AS argument
    FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE p.proname = i.name::name AND ` + inPath + `
      AND (i.own OR p.oid >= 16384)
      AND CASE i.notation
        WHEN 0 THEN true
        WHEN 1 THEN p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1 OR p.provariadic <> 0
        ELSE pg_catalog.current_setting('server_version_num')::int < i.notation
      END
      AND (i.schema <> '' OR p.oid < 16384 OR NOT EXISTS (
        SELECT FROM pg_catalog.pg_proc AS own WHERE own.proname = p.proname AND own.pronamespace = 11 AND own.proargtypes = p.proargtypes AND own.oid < 16384
          AND own.provariadic = 0 AND p.provariadic = 0 AND ` + catalogFirst + `)) OFFSET 0) AS p
), poly AS MATERIALIZED (
  SELECT FROM pg_catalog.pg_type AS t WHERE t.oid = ANY ($11::oid[]) AND t.typtype = 'p'
  UNION ALL
  SELECT FROM called AS p JOIN pg_catalog.pg_type AS t ON t.oid = ANY (p.proargtypes) AND t.typtype = 'p' WHERE p.pronargdefaults > 0 AND p.oid >= 16384
), overloads AS MATERIALIZED (
  SELECT true AS operator, i.ord, i.schema IN ('', 'pg_catalog') AS besides, o.*
  FROM ROWS FROM (pg_catalog.unnest($7::text[]), pg_catalog.unnest($8::text[])) WITH ORDINALITY AS i (schema, name, ord)
  CROSS JOIN LATERAL (
    SELECT o.oid, o.oprcode, o.oprname AS name, o.oprleft AS l, o.oprright AS r, o.oprresult AS result
    FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
    WHERE o.oprname = i.name::name AND o.oid >= 16384 AND ` + inPath + `
      AND (i.schema <> '' OR NOT EXISTS (
        SELECT FROM pg_catalog.pg_operator AS own WHERE own.oprname = o.oprname AND own.oprnamespace = 11 AND own.oprleft = o.oprleft
          AND own.oprright = o.oprright AND own.oid < 16384 AND ` + catalogFirst + `)) OFFSET 0) AS o
  UNION ALL
  SELECT false, ord, besides, oid, oid, proname, 0, argument, prorettype FROM called WHERE argument IS NOT NULL
), operand AS MATERIALIZED (
  SELECT u.oid, t.typcategory AS category, t.typispreferred AS preferred, t.oid < 16384 AS own,
    t.oid >= 16384 AND t.typtype IN ('b', 'e', 'r', 'm') AND t.typcategory <> 'A' AS made,
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
), apart AS MATERIALIZED (
  SELECT o.operator, o.oid
  FROM (SELECT DISTINCT operator, oid, name, o.l, o.r FROM overloads AS o WHERE besides) AS o
  JOIN operand AS r ON r.oid = o.r
  LEFT JOIN operand AS l ON l.oid = o.l
  WHERE (r.own OR r.made) AND (o.l = 0 OR l.own OR l.made) AND (r.made OR l.made)
    AND NOT EXISTS (SELECT FROM poly)
    AND EXISTS (
      SELECT FROM own AS y
      WHERE ` + sameName + ` AND (y.l = 0) = (o.l = 0) AND (` + leftDiffers + ` OR ` + rightDiffers + ` OR (o.l = 0 OR ` + leftAsGood + `) AND ` + rightAsGood + `))
    AND CASE
      WHEN o.l = 0 THEN NOT EXISTS (
        SELECT FROM pg_catalog.unnest(r.sources) AS a WHERE NOT EXISTS (SELECT FROM own AS y WHERE ` + sameName + ` AND y.l = 0 AND y.r = a))
      WHEN l.made AND r.made THEN NOT EXISTS (
        SELECT FROM pg_catalog.unnest(l.sources || r.sources) AS a
        WHERE NOT EXISTS (SELECT FROM own AS y WHERE ` + sameName + ` AND y.l = a AND y.r = a)
      ) AND NOT EXISTS (
        SELECT FROM pg_catalog.unnest(l.sources) AS a, pg_catalog.unnest(r.sources) AS b
        WHERE NOT EXISTS (
          SELECT FROM own AS y
          WHERE ` + sameName + ` AND (
            y.l = a AND (y.r = b OR EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castsource = b AND c.casttarget = y.r AND c.castcontext = 'i'))
            OR y.r = b AND EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castsource = a AND c.casttarget = y.l AND c.castcontext = 'i'))))
      WHEN l.made THEN l.sources = '{}' AND EXISTS (
        SELECT FROM own AS y WHERE ` + sameName + ` AND y.r = o.r AND (` + leftDiffers + ` OR ` + leftAsGood + `))
      ELSE r.sources = '{}' AND EXISTS (
        SELECT FROM own AS y WHERE ` + sameName + ` AND y.l = o.l AND (` + rightDiffers + ` OR ` + rightAsGood + `))
    END
), given AS MATERIALIZED (
  SELECT pg_catalog.unnest($11::oid[]) AS oid
  UNION
  SELECT u.oid
  FROM called AS p CROSS JOIN LATERAL pg_catalog.unnest(p.prorettype || coalesce(p.proallargtypes, '{}')) AS u (oid)
  WHERE p.oid NOT IN (SELECT oid FROM apart WHERE NOT operator)
  UNION
  SELECT u.oid
  FROM overloads AS o CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[o.l, o.r, o.result]) AS u (oid)
  WHERE o.operator AND o.oid NOT IN (SELECT oid FROM apart WHERE operator)
)`

// What is said of an overload o with the operands l and r, and of an operator or function y of PostgreSQL's own.
const (
	sameName     = `y.operator = o.operator AND y.name = o.name`
	leftDiffers  = `(y.lc <> l.category AND l.category <> 'S' OR y.lc = l.category AND y.lp AND NOT l.preferred)`
	rightDiffers = `(y.rc <> r.category AND r.category <> 'S' OR y.rc = r.category AND y.rp AND NOT r.preferred)`
	leftAsGood   = `(y.lc = l.category AND (y.lp OR NOT l.preferred))`
	rightAsGood  = `(y.rc = r.category AND (y.rp OR NOT r.preferred))`
)
