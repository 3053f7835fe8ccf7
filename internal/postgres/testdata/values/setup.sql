CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s "ok", {really}\', 'NULL', '😀', '');
CREATE TYPE pair AS (n int, t text);
CREATE TYPE nest AS (p pair, list text[], doc jsonb);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE DOMAIN positive_two AS positive;
CREATE DOMAIN label AS text;
CREATE DOMAIN ints AS int[];
CREATE DOMAIN feeling AS mood;
CREATE DOMAIN boxed AS box;
CREATE DOMAIN paired AS pair;
CREATE TYPE label_range AS RANGE (subtype = text, multirange_type_name = label_multirange);
CREATE TABLE positions (id int DEFAULT 7, name text);

-- Values of pg_ndistinct, pg_dependencies and pg_mcv_list.
CREATE TABLE correlated AS SELECT i % 5 AS a, i % 5 AS b FROM generate_series(1, 100) i;
CREATE STATISTICS correlation ON a, b FROM correlated;
ANALYZE correlated;

-- The sign and the separators of money.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lc_monetary = ''C''', current_database()); END $$;

