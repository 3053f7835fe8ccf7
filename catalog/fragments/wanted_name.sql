-- The names that @table_name holds: one, or up to 20 with commas between them.
-- needs: relation
wanted_name AS MATERIALIZED (
  SELECT w.name, w.place, pg_catalog.count(*) OVER () > 1 AS is_one_of_many
  FROM pg_catalog.unnest(
    CASE WHEN @table_name !~ '[,[]' OR EXISTS (SELECT FROM relation AS r WHERE r.table_name = @table_name AND (@schema IS NULL OR r.schema = @schema)) THEN ARRAY[@table_name]
         -- Commas within quotes are part of a name; a JSON array is a list, too.
         ELSE ARRAY(SELECT pg_catalog.btrim(m.match[1], E' \t\r\n')
                    FROM pg_catalog.regexp_matches(pg_catalog.regexp_replace(@table_name, '^\s*\[(.*)\]\s*$', '\1'), '((?:"(?:[^"]|"")*"|[^",])+)', 'g')
                         WITH ORDINALITY AS m (match, place)
                    WHERE m.match[1] ~ '\S'
                    ORDER BY m.place) END) WITH ORDINALITY AS w (name, place)
)
