-- What the attacks of the corpus meet, beside the sample shop: extensions that reach files and networks, and code of the
-- database's owner that does what a caller may not. {{data}} is the server's data directory, {{conn}} a way back into it.

SET search_path = public;
SET check_function_bodies = off;

-- The observer writes here, to have the write-ahead log flushed.
CREATE SCHEMA observer;
CREATE TABLE observer.looks (n int);

CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION "uuid-ossp";
CREATE EXTENSION pgcrypto;
CREATE EXTENSION unaccent;
CREATE EXTENSION fuzzystrmatch;
CREATE EXTENSION intarray;
CREATE EXTENSION ltree;
CREATE EXTENSION tsm_system_rows;
CREATE EXTENSION tablefunc;
CREATE EXTENSION dblink;
CREATE EXTENSION file_fdw;
CREATE EXTENSION lo;
CREATE EXTENSION pageinspect;
CREATE EXTENSION pg_buffercache;
CREATE EXTENSION pg_prewarm;
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION pg_surgery;
CREATE EXTENSION pg_visibility;
CREATE EXTENSION pgrowlocks;
CREATE EXTENSION pgstattuple;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION xml2;
-- PostgreSQL 17 has no adminpack, 14 no pg_walinspect.
DO $$
DECLARE e text;
BEGIN
    FOR e IN SELECT name FROM pg_available_extensions WHERE name IN ('adminpack', 'pg_walinspect') LOOP
        EXECUTE 'CREATE EXTENSION ' || e;
    END LOOP;
END $$;

---------------------------------------------------------------------------------------------------- trap: code that must not run

CREATE SCHEMA trap;
CREATE TABLE trap.log (id int GENERATED ALWAYS AS IDENTITY, note text);
INSERT INTO trap.log (note) VALUES ('first');
CREATE TABLE trap.t (id int PRIMARY KEY, note text);
INSERT INTO trap.t VALUES (1, 'one'), (2, 'two');
CREATE SEQUENCE trap.seq;
SELECT nextval('trap.seq');
SELECT lo_from_bytea(4242, 'a large object');

CREATE FUNCTION trap.write_sql() RETURNS int LANGUAGE sql AS $$ INSERT INTO trap.log (note) VALUES ('sql') RETURNING 1 $$;
CREATE FUNCTION trap.write_plpgsql() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO trap.log (note) VALUES ('plpgsql'); RETURN 1; END $$;
CREATE FUNCTION trap.labelled(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_plpgsql(); RETURN x; END $$;
CREATE FUNCTION trap.read_sql() RETURNS text LANGUAGE sql STABLE AS $$ SELECT pg_read_file('canary.txt') $$;
CREATE FUNCTION trap.read_atomic() RETURNS text STABLE RETURN pg_read_file('canary.txt');
CREATE FUNCTION trap.read_plpgsql() RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.read_immutable(x int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.read_concealed() RETURNS text LANGUAGE plpgsql STABLE AS
$$ DECLARE r text; BEGIN EXECUTE 'SELECT pg_read' || '_file(''canary.txt'')' INTO r; RETURN r; END $$;
CREATE FUNCTION trap.read_definer() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT pg_read_file('canary.txt') $$;
CREATE FUNCTION trap.read_nested() RETURNS text LANGUAGE sql STABLE AS $$ SELECT trap.read_plpgsql() $$;
CREATE FUNCTION trap.read_set() RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT pg_read_file('canary.txt') $$;
CREATE FUNCTION trap.kill() RETURNS bool LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'observer'; RETURN true; END $$;
CREATE FUNCTION trap.run_program() RETURNS int LANGUAGE plpgsql AS
$$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch {{data}}/made_by_program'''; RETURN 1; END $$;
CREATE FUNCTION trap.write_file() RETURNS int LANGUAGE sql AS $$ SELECT lo_export(4242, '{{data}}/made_by_function') $$;
CREATE FUNCTION trap.write_remote() RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RETURN dblink_exec('{{conn}}', 'INSERT INTO trap.log (note) VALUES (''remote'')'); END $$;
CREATE FUNCTION trap.keep_lock() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(77); END $$;
CREATE FUNCTION trap.swallow() RETURNS int LANGUAGE plpgsql AS
$$ BEGIN BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(20); END; RETURN 1; END $$;
CREATE FUNCTION trap.nice(text) RETURNS text LANGUAGE internal STRICT AS 'pg_read_file_all';
CREATE FUNCTION trap.pretty(text, text) RETURNS text LANGUAGE c STRICT AS '$libdir/dblink', 'dblink_exec';
CREATE FUNCTION public.note_of(trap.t) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION public.kill_row(trap.t) RETURNS bool LANGUAGE sql AS $$ SELECT trap.kill() $$;
CREATE FUNCTION trap.write_step(state int, x int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.write_remote(); RETURN 1; END $$;
CREATE AGGREGATE trap.write_all(int) (SFUNC = trap.write_step, STYPE = int, INITCOND = '0');
CREATE FUNCTION trap.operate(int, int) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE OPERATOR trap.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.operate);
CREATE OPERATOR trap.### (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.operate);
CREATE FUNCTION public.operate(int, int) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE OPERATOR public.@#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = public.operate);
CREATE FUNCTION trap.operate_prefix(text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN pg_read_file($1); END $$;
CREATE OPERATOR public.@#@ (RIGHTARG = text, FUNCTION = trap.operate_prefix);
CREATE TYPE trap.wrapped AS (content text);
CREATE FUNCTION trap.wrap(text) RETURNS trap.wrapped LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN ROW(pg_read_file($1)); END $$;
CREATE CAST (text AS trap.wrapped) WITH FUNCTION trap.wrap(text);
CREATE FUNCTION trap.check_remote(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN true; END $$;
CREATE DOMAIN trap.checked AS text CHECK (trap.check_remote(VALUE));
CREATE TYPE trap.holder AS (a trap.checked);
CREATE FUNCTION trap.less(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN $1 < $2; END $$;
CREATE FUNCTION trap.compare(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN $1 - $2; END $$;
CREATE OPERATOR trap.<# (LEFTARG = int, RIGHTARG = int, FUNCTION = trap.less);
CREATE OPERATOR CLASS trap.int_ops FOR TYPE int USING btree AS OPERATOR 1 trap.<#, OPERATOR 3 pg_catalog.=, FUNCTION 1 trap.compare(int, int);
CREATE PROCEDURE trap.proc() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO trap.log (note) VALUES ('procedure'); COMMIT; END $$;
CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION public.cosh(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.variadic(VARIADIC text[]) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.with_default(a text DEFAULT pg_read_file('canary.txt')) RETURNS text LANGUAGE sql AS $$ SELECT a $$;

-- Code in places that are easy to overlook.
CREATE FUNCTION trap.unwrap(trap.wrapped) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.write_remote(); RETURN 1; END $$;
CREATE FUNCTION trap.final_read(int) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.moving_read(int, int) RETURNS int LANGUAGE plpgsql STRICT AS $$ BEGIN PERFORM trap.write_remote(); RETURN $1 + $2; END $$;
CREATE FUNCTION trap.span_diff(float8, float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN $1 - $2; END $$;
CREATE FUNCTION trap.less_line(line, line) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN true; END $$;
CREATE FUNCTION trap.compare_lines(line, line) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN 1; END $$;
CREATE FUNCTION trap.takes_domain(x trap.checked) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION trap.gives_domain() RETURNS trap.checked LANGUAGE sql AS $$ SELECT 'x'::text $$;
CREATE FUNCTION trap.gives_domain_rows() RETURNS TABLE (a trap.checked) LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT 'x'::text; END $$;
CREATE FUNCTION trap.domain_variable() RETURNS int LANGUAGE plpgsql AS $$ DECLARE v trap.checked := 'x'; BEGIN RETURN 1; END $$;
CREATE FUNCTION trap.domain_out(OUT v trap.checked) LANGUAGE plpgsql AS $$ BEGIN v := 'x'; END $$;
CREATE CAST (trap.wrapped AS int) WITH FUNCTION trap.unwrap(trap.wrapped) AS ASSIGNMENT;
CREATE FUNCTION trap.cast_variable() RETURNS int LANGUAGE plpgsql AS $$ DECLARE v int; BEGIN v := ROW('x')::trap.wrapped; RETURN v; END $$;
CREATE FUNCTION trap.body_default() RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text := pg_read_file('canary.txt'); BEGIN RETURN v; END $$;
CREATE FUNCTION trap.body_if() RETURNS text LANGUAGE plpgsql AS $$ BEGIN IF pg_read_file('canary.txt') > '' THEN RETURN dblink_exec('{{conn}}', 'DELETE FROM trap.log'); END IF; END $$;
CREATE FUNCTION trap.body_case() RETURNS text LANGUAGE plpgsql AS $$ BEGIN CASE pg_read_file('canary.txt') WHEN 'x' THEN RETURN 'x'; ELSE RETURN 'y'; END CASE; END $$;
CREATE FUNCTION trap.body_while() RETURNS text LANGUAGE plpgsql AS $$ BEGIN WHILE length(pg_read_file('canary.txt')) > 0 LOOP RETURN 'x'; END LOOP; END $$;
CREATE FUNCTION trap.body_for() RETURNS text LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1 .. length(pg_read_file('canary.txt')) LOOP RETURN i; END LOOP; END $$;
CREATE FUNCTION trap.body_for_query() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT pg_read_file('canary.txt') AS c LOOP RETURN r.c; END LOOP; END $$;
CREATE FUNCTION trap.body_for_execute() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT pg_read_file(''canary.txt'') AS c' LOOP RETURN r.c; END LOOP; END $$;
CREATE FUNCTION trap.body_foreach() RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN FOREACH v IN ARRAY ARRAY[pg_read_file('canary.txt')] LOOP RETURN v; END LOOP; END $$;
CREATE FUNCTION trap.body_exit() RETURNS text LANGUAGE plpgsql AS $$ BEGIN LOOP EXIT WHEN pg_read_file('canary.txt') > ''; END LOOP; RETURN 'x'; END $$;
CREATE FUNCTION trap.body_raise() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.body_raise_option() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'x' USING HINT = pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.body_assert() RETURNS text LANGUAGE plpgsql AS $$ BEGIN ASSERT false, pg_read_file('canary.txt'); RETURN 'x'; END $$;
CREATE FUNCTION trap.body_exception() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.body_cursor() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT pg_read_file('canary.txt'); v text; BEGIN OPEN c; FETCH c INTO v; RETURN v; END $$;
CREATE FUNCTION trap.body_cursor_execute() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c refcursor; v text; BEGIN OPEN c FOR EXECUTE 'SELECT pg_read_file(''canary.txt'')'; FETCH c INTO v; RETURN v; END $$;
CREATE FUNCTION trap.body_return_query() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.body_return_execute() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'SELECT pg_read_file(''canary.txt'')'; END $$;
CREATE FUNCTION trap.body_return_next() RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN NEXT pg_read_file('canary.txt'); END $$;
CREATE FUNCTION trap.body_into() RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN SELECT pg_read_file('canary.txt') INTO STRICT v; RETURN v; END $$;
CREATE FUNCTION trap.body_subscript() RETURNS text LANGUAGE plpgsql AS $$ DECLARE v int[]; BEGIN v[length(pg_read_file('canary.txt'))] := 1; RETURN v; END $$;
CREATE FUNCTION trap.body_set() RETURNS text LANGUAGE plpgsql AS $$ BEGIN SET search_path = trap; RETURN 'x'; END $$;
CREATE FUNCTION trap.body_call() RETURNS text LANGUAGE plpgsql AS $$ BEGIN CALL trap.proc_remote(); RETURN 'x'; END $$;
CREATE PROCEDURE trap.proc_remote() LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.write_remote(); END $$;
CREATE FUNCTION trap.body_copy() RETURNS text LANGUAGE sql AS $$ SELECT 'x'; COPY trap.t TO '{{data}}/made_by_body_copy'; SELECT 'y' $$;
CREATE FUNCTION trap.body_second() RETURNS text LANGUAGE sql AS $$ SELECT 'x'; SELECT pg_read_file('canary.txt') $$;
CREATE FUNCTION trap.body_path() RETURNS text LANGUAGE sql SET search_path = trap AS $$ SELECT innocent() $$;
CREATE FUNCTION trap.innocent() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN pg_read_file('canary.txt'); END $$;
CREATE FUNCTION public.innocent() RETURNS text LANGUAGE sql AS $$ SELECT 'innocent' $$;
CREATE FUNCTION trap.body_view() RETURNS text LANGUAGE sql AS $$ SELECT content FROM trap.file_view $$;
CREATE FUNCTION trap.body_operator() RETURNS text LANGUAGE sql AS $$ SELECT 1 OPERATOR(trap.###) 2 $$;
CREATE FUNCTION trap.body_row(trap.t) RETURNS text LANGUAGE sql AS $$ SELECT $1.note_of $$;
CREATE FUNCTION trap.body_loop(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN $1 > 0 THEN trap.body_loop($1 - 1) ELSE length(trap.read_plpgsql()) END; END $$;
CREATE AGGREGATE trap.read_final(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC = trap.final_read);
CREATE AGGREGATE trap.read_moving(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', MSFUNC = trap.moving_read, MINVFUNC = int4mi, MSTYPE = int, MINITCOND = '0');
CREATE TYPE trap.mood AS ENUM ('good', 'bad');
CREATE FUNCTION trap.mood_number(trap.mood) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN 1; END $$;
CREATE CAST (trap.mood AS int) WITH FUNCTION trap.mood_number(trap.mood) AS IMPLICIT;
CREATE TABLE trap.moods (id int, m trap.mood);
INSERT INTO trap.moods VALUES (1, 'good');
CREATE TYPE trap.span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = trap.span_diff);
CREATE OPERATOR trap.<# (LEFTARG = line, RIGHTARG = line, FUNCTION = trap.less_line);
CREATE OPERATOR trap.=# (LEFTARG = line, RIGHTARG = line, FUNCTION = trap.less_line);
CREATE OPERATOR CLASS trap.line_ops DEFAULT FOR TYPE line USING btree AS OPERATOR 1 trap.<#, OPERATOR 3 trap.=#, FUNCTION 1 trap.compare_lines(line, line);
CREATE SCHEMA common;
CREATE FUNCTION common.same(int, text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.write_remote(); RETURN true; END $$;
CREATE OPERATOR common.= (LEFTARG = int, RIGHTARG = text, FUNCTION = common.same);
CREATE OPERATOR common.<= (LEFTARG = int, RIGHTARG = text, FUNCTION = common.same);
CREATE OPERATOR common.>= (LEFTARG = int, RIGHTARG = text, FUNCTION = common.same);
CREATE OPERATOR common.~~ (LEFTARG = int, RIGHTARG = text, FUNCTION = common.same);
CREATE OPERATOR common.~ (LEFTARG = int, RIGHTARG = text, FUNCTION = common.same);
CREATE TABLE common.numbers (id int);
INSERT INTO common.numbers VALUES (1);
CREATE TABLE common.texts (id text);
INSERT INTO common.texts VALUES ('1');

CREATE VIEW trap.file_view AS SELECT pg_read_file('canary.txt') AS content;
CREATE VIEW trap.file_view_twice AS SELECT content FROM trap.file_view;
CREATE VIEW trap.kill_view AS SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'observer';
CREATE VIEW trap.remote_view AS SELECT * FROM dblink('{{conn}}', 'INSERT INTO trap.log (note) VALUES (''view'') RETURNING id') AS t(id int);
CREATE VIEW trap.function_view AS SELECT trap.write_remote() AS done;
CREATE VIEW trap.operator_view AS SELECT 1 OPERATOR(trap.###) 2 AS content;
CREATE VIEW trap.next_view AS SELECT nextval('trap.seq');
CREATE FUNCTION trap.write_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.write_remote(); RETURN NEW; END $$;
CREATE TRIGGER note BEFORE INSERT OR UPDATE ON trap.t FOR EACH ROW EXECUTE FUNCTION trap.write_trigger();

CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE trap.canary (line text) SERVER files OPTIONS (filename '{{data}}/canary.txt');
CREATE FOREIGN TABLE trap.program (line text) SERVER files OPTIONS (program 'touch {{data}}/made_by_fdw; echo done');
CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({{fdw}});
CREATE USER MAPPING FOR PUBLIC SERVER loopback OPTIONS (user 'postgres', password 'hunter2');
CREATE VIEW trap.log_writer AS SELECT trap.write_sql() AS done;
CREATE FOREIGN TABLE trap.remote_log (done int) SERVER loopback OPTIONS (schema_name 'trap', table_name 'log_writer');
CREATE VIEW trap.canary_view AS SELECT line FROM trap.canary;
CREATE TABLE trap.parent (line text);
CREATE FOREIGN TABLE trap.child () INHERITS (trap.parent) SERVER files OPTIONS (filename '{{data}}/canary.txt');
CREATE TABLE trap.parts (line text, k int) PARTITION BY LIST (k);
CREATE TABLE trap.parts_1 PARTITION OF trap.parts FOR VALUES IN (1);
CREATE FOREIGN TABLE trap.parts_2 PARTITION OF trap.parts FOR VALUES IN (2) SERVER loopback OPTIONS (schema_name 'trap', table_name 'parts_1');

---------------------------------------------------------------------------------------------------- public, internal, hr: what roles see and what they don't

CREATE TABLE public.products (id int PRIMARY KEY, name text);
INSERT INTO public.products VALUES (1, 'public lamp'), (2, 'public chair');
CREATE SCHEMA internal;
CREATE TABLE internal.products (id int PRIMARY KEY, name text, cost int);
INSERT INTO internal.products VALUES (1, 'SECRET-product', 7);
CREATE TABLE internal.only_here (id int, secret text);
INSERT INTO internal.only_here VALUES (1, 'SECRET-internal');
CREATE TYPE internal.mood AS ENUM ('SECRET-happy', 'SECRET-sad');
CREATE FUNCTION internal.peek() RETURNS text LANGUAGE sql STABLE AS $$ SELECT secret FROM internal.only_here $$;
CREATE SEQUENCE internal.numbers START 4711;

CREATE SCHEMA hr;
CREATE TABLE hr.salaries (id int PRIMARY KEY, employee text, salary int, owner text);
INSERT INTO hr.salaries VALUES (1, 'SECRET-ann', 90001, 'ann'), (2, 'SECRET-ben', 80002, 'ben');
COMMENT ON TABLE hr.salaries IS 'SECRET-comment';
CREATE INDEX salaries_secret_idx ON hr.salaries (salary) WHERE employee <> 'SECRET-index';
ANALYZE hr.salaries;

-- Ways from the shop, which a role may read, to what it may not.
CREATE VIEW shop.salary_view AS SELECT employee, salary FROM hr.salaries;
CREATE FUNCTION shop.salary_of(int) RETURNS int LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT salary FROM hr.salaries WHERE id = $1 $$;
CREATE FUNCTION shop.discounted(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT round($1 * (1 - $2), 2) $$;
CREATE FUNCTION shop.order_count(int) RETURNS bigint LANGUAGE plpgsql STABLE AS
$$ BEGIN RETURN (SELECT count(*) FROM shop.orders WHERE customer_id = $1); END $$;
CREATE FUNCTION shop.big_orders(numeric) RETURNS SETOF int LANGUAGE sql STABLE AS
$$ SELECT order_id FROM shop.order_items GROUP BY order_id HAVING sum(quantity * unit_price) > $1 ORDER BY order_id $$;
CREATE FUNCTION shop.employee(shop.products) RETURNS text LANGUAGE sql STABLE AS $$ SELECT employee FROM hr.salaries LIMIT 1 $$;
CREATE FUNCTION shop.reveal(int, int) RETURNS int LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT max(salary) FROM hr.salaries $$;
CREATE OPERATOR shop.@@# (LEFTARG = int, RIGHTARG = int, FUNCTION = shop.reveal);
CREATE FUNCTION shop.to_secret(text) RETURNS trap.wrapped LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT ROW(employee)::trap.wrapped FROM hr.salaries LIMIT 1 $$;
CREATE AGGREGATE shop.sum_secret(int) (SFUNC = shop.reveal, STYPE = int, INITCOND = '0');
CREATE FUNCTION shop.is_secret(text) RETURNS bool LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT EXISTS (SELECT FROM hr.salaries WHERE employee = $1) $$;
CREATE DOMAIN shop.secret_name AS text CHECK (shop.is_secret(VALUE));
CREATE FOREIGN TABLE shop.remote_salaries (employee text, salary int) SERVER loopback OPTIONS (schema_name 'hr', table_name 'salaries');
CREATE TABLE hr.events_2026_01 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
INSERT INTO hr.events_2026_01 (id, occurred_at, session_id, kind) VALUES (900001, '2026-01-05', gen_random_uuid(), 'view');
CREATE MATERIALIZED VIEW shop.sales_by_month AS
SELECT date_trunc('month', o.placed_at AT TIME ZONE 'UTC')::date AS month, sum(i.quantity * i.unit_price) AS revenue
FROM shop.orders o JOIN shop.order_items i ON i.order_id = o.id GROUP BY 1;
CREATE TABLE shop."Odd Names" ("Order" int, "weiß nicht" text);
INSERT INTO shop."Odd Names" VALUES (1, 'ja'), (2, 'nein');
CREATE TABLE shop.documents (id int PRIMARY KEY, title citext, body text, labels hstore, path ltree, tsv tsvector GENERATED ALWAYS AS (to_tsvector('english', body)) STORED);
INSERT INTO shop.documents VALUES (1, 'Tent care', 'Dry the tent before you pack it', 'lang=>en, kind=>howto', 'docs.care.tent'),
    (2, 'Stove safety', 'Never use stoves inside tents', 'lang=>en', 'docs.safety');
CREATE TABLE shop.rentals (id int PRIMARY KEY, during tstzrange NOT NULL, price int4range);
INSERT INTO shop.rentals VALUES (1, '[2025-01-01,2025-01-05)', '[10,20)'), (2, '[2025-01-04,2025-01-09)', '[15,30)');
CREATE TABLE shop.counters (name text PRIMARY KEY, n int NOT NULL DEFAULT 0);
INSERT INTO shop.counters VALUES ('visits', 1);

CREATE TABLE shop.accounts (id int PRIMARY KEY, owner text, balance int);
INSERT INTO shop.accounts VALUES (1, 'ann', 10), (2, 'ben', 20), (3, 'cid', 30);
ALTER TABLE shop.accounts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.accounts USING (owner = current_setting('request.jwt.claims', true)::jsonb ->> 'sub');

GRANT USAGE ON SCHEMA shop, billing, public TO corpus_tenant;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO corpus_tenant;
