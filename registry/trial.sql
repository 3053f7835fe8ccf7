DO $trial$
-- Plans statements under hypothetical indexes. The setting mcp.trial has what to do, and then the answer. Indexes of hypopg
-- belong to the session, not to the transaction: they are taken away at every end.
DECLARE
  request constant jsonb := pg_catalog.current_setting('mcp.trial')::jsonb;
  place constant text := pg_catalog.quote_ident(request ->> 'hypopg');
  until constant timestamptz := pg_catalog.clock_timestamp() + (request ->> 'ms')::float8 * interval '1 ms';
  trial jsonb; ddl text; statement int; plan json; made jsonb; plans jsonb; one record; answer jsonb := '[]';
BEGIN
  FOR trial IN SELECT t.value FROM pg_catalog.jsonb_array_elements(request -> 'trials') AS t (value) LOOP
    EXIT WHEN pg_catalog.clock_timestamp() > until;
    made := '[]'; plans := '[]';
    IF place IS NOT NULL THEN
      EXECUTE 'SELECT ' || place || '.hypopg_reset()';
    END IF;
    FOR ddl IN SELECT d.value FROM pg_catalog.jsonb_array_elements_text(trial -> 'indexes') AS d (value) LOOP
      EXECUTE 'SELECT i.indexname AS name, ' || place || '.hypopg_relation_size(i.indexrelid) AS bytes FROM ' || place ||
        '.hypopg_create_index($1) AS i' INTO one USING ddl;
      made := made || pg_catalog.jsonb_build_object('name', one.name, 'bytes', one.bytes);
    END LOOP;
    FOR ddl IN SELECT s.key || '=' || s.value FROM pg_catalog.jsonb_each_text(request -> 'settings') AS s LOOP
      PERFORM pg_catalog.set_config(pg_catalog.split_part(ddl, '=', 1), pg_catalog.split_part(ddl, '=', 2), true);
    END LOOP;
    FOR statement IN SELECT s.value::int FROM pg_catalog.jsonb_array_elements(trial -> 'statements') AS s (value) LOOP
      EXECUTE request -> 'statements' ->> statement INTO plan;
      plans := plans || CASE WHEN (request ->> 'whole')::bool THEN pg_catalog.jsonb_build_array(plan)
                             ELSE plan::jsonb -> 0 -> 'Plan' -> 'Total Cost' END;
    END LOOP;
    answer := answer || pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('indexes', made, 'plans', plans));
  END LOOP;
  IF place IS NOT NULL THEN
    EXECUTE 'SELECT ' || place || '.hypopg_reset()';
  END IF;
  PERFORM pg_catalog.set_config('mcp.trial', answer::text, true);
EXCEPTION WHEN query_canceled OR OTHERS THEN
  IF place IS NOT NULL THEN
    EXECUTE 'SELECT ' || place || '.hypopg_reset()';
  END IF;
  RAISE;
END $trial$
