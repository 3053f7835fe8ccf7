-- What the catalogues say of the tables of a plan: $1 are their schemas, $2 their names. One row of one JSON.
WITH wanted AS (
  SELECT c.oid, c.relname, c.relkind, c.reltuples, c.relispartition, n.nspname,
         pg_catalog.format('%I.%I', n.nspname, c.relname) AS written
  FROM (SELECT DISTINCT w.schema, w.name
        FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS w (schema, name)) AS w
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
)
SELECT pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num')::int,
  'settings', (SELECT pg_catalog.json_object_agg(s.name, pg_catalog.current_setting(s.name))
               FROM pg_catalog.pg_settings AS s WHERE s.name IN ('work_mem', 'max_parallel_workers', 'random_page_cost')),
  'tables', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'schema', w.nspname, 'name', w.relname, 'kind', w.relkind, 'written', w.written,
    'parent', (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
               FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
               WHERE w.relispartition AND c.oid = root.oid),
    'rows', w.reltuples, 'pages', pg_catalog.pg_relation_size(w.oid) / pg_catalog.current_setting('block_size')::int,
    'live', pg_catalog.pg_stat_get_live_tuples(w.oid), 'dead', pg_catalog.pg_stat_get_dead_tuples(w.oid),
    'modified', pg_catalog.pg_stat_get_mod_since_analyze(w.oid),
    'analyzed', coalesce(pg_catalog.pg_stat_get_last_analyze_time(w.oid), pg_catalog.pg_stat_get_last_autoanalyze_time(w.oid)) IS NOT NULL,
    'inserts', pg_catalog.pg_stat_get_tuples_inserted(w.oid), 'updates', pg_catalog.pg_stat_get_tuples_updated(w.oid),
    'days', (SELECT extract(epoch FROM pg_catalog.now() - coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time())) / 86400
             FROM pg_catalog.pg_stat_database AS d WHERE d.datname = pg_catalog.current_database()),
    'width', (SELECT pg_catalog.sum(s.avg_width) FROM pg_catalog.pg_stats AS s WHERE s.schemaname = w.nspname AND s.tablename = w.relname),
    'key', (SELECT pg_catalog.json_agg(a.attname)
            FROM pg_catalog.pg_partitioned_table AS p
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::pg_catalog.int2[]) AND a.attnum > 0
            WHERE p.partrelid = root.oid),
    'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'written', pg_catalog.quote_ident(a.attname),
                         'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'known', s.attname IS NOT NULL, 'distinct', s.n_distinct) ORDER BY a.attnum)
                FROM pg_catalog.pg_attribute AS a
                LEFT JOIN pg_catalog.pg_stats AS s ON s.schemaname = w.nspname AND s.tablename = w.relname AND s.attname = a.attname
                WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'indexes', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', c.relname, 'written', pg_catalog.format('%I.%I', w.nspname, c.relname),
                         'method', m.amname, 'predicate', coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid, true), ''),
                         'keys', (SELECT pg_catalog.json_agg(pg_catalog.pg_get_indexdef(c.oid, k::int, false) ORDER BY k)
                                  FROM pg_catalog.generate_series(1, i.indnkeyatts) AS k),
                         'unique', i.indisunique, 'valid', i.indisvalid,
                         'constraint', EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = c.oid)))
                FROM pg_catalog.pg_index AS i
                JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
                JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
                WHERE i.indrelid = w.oid),
    'statistics', (SELECT pg_catalog.json_agg((SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute AS a
                                               WHERE a.attrelid = w.oid AND a.attnum = ANY (e.stxkeys::pg_catalog.int2[])))
                   FROM pg_catalog.pg_statistic_ext AS e WHERE e.stxrelid = w.oid),
    'referrers', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('constraint', k.conname,
                           'table', pg_catalog.format('%I.%I', n.nspname, c.relname),
                           'columns', (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place)
                                       FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
                                       JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
                           'indexed', EXISTS (SELECT FROM pg_catalog.pg_index AS i
                                              WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = k.conkey[1])))
                  FROM pg_catalog.pg_constraint AS k
                  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
                  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                  WHERE k.confrelid = w.oid AND k.contype = 'f')))
    FROM wanted AS w
    LEFT JOIN LATERAL (SELECT pg_catalog.pg_partition_root(w.oid)::pg_catalog.oid AS oid WHERE w.relispartition) AS root ON true))::pg_catalog.text
