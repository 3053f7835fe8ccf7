-- A shop with thirty known problems, which problems.yaml lists. The numbers are the same on every run: nothing is random.
SET work_mem = '64MB';
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, name varchar(40) NOT NULL, city text NOT NULL, zip text NOT NULL, score int,
  code varchar(12) NOT NULL, tags text[] NOT NULL, extra jsonb NOT NULL) WITH (autovacuum_enabled = off);
INSERT INTO customers
SELECT i, 'user' || i || '@example.com', 'Customer ' || i, 'city' || i % 200, 'zip' || i % 200, nullif(i % 1000, 0),
       lpad(i::text, 8, '0'), ARRAY['t' || i % 500], jsonb_build_object('plan', 'p' || i % 400, 'n', i)
FROM generate_series(1, 40000) AS i;
CREATE INDEX customers_email ON customers (email);
CREATE INDEX customers_code ON customers (code);
CREATE INDEX customers_score ON customers (score);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, created_at timestamp NOT NULL, placed_on date NOT NULL, total numeric NOT NULL,
  kind int NOT NULL, note text NOT NULL) WITH (autovacuum_enabled = off);
INSERT INTO orders
SELECT i, 1 + i * 7 % 40000, CASE WHEN i % 500 = 0 THEN 'open' WHEN i % 3 = 0 THEN 'returned' ELSE 'done' END,
       timestamp '2024-01-01' + i * interval '3 minutes', date '2024-01-01' + i / 480, i % 977, i % 50, md5(i::text) || md5((i + 1)::text)
FROM generate_series(1, 100000) AS i;
CREATE INDEX orders_created ON orders (created_at);
CREATE INDEX orders_kind ON orders (kind);
CREATE TABLE lines (order_id int NOT NULL, line int NOT NULL, product_id int NOT NULL, quantity int NOT NULL, body text NOT NULL)
  WITH (autovacuum_enabled = off);
INSERT INTO lines SELECT 1 + i % 50000, i / 50000, i % 997, i % 9, 'line ' || i FROM generate_series(0, 99999) AS i;
CREATE TABLE small (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO small SELECT i, 'n' || i FROM generate_series(1, 50) AS i;
CREATE TABLE bands (lo int NOT NULL, hi int NOT NULL, band text NOT NULL);
INSERT INTO bands SELECT i * 400, i * 400 + 399, 'b' || i FROM generate_series(0, 99) AS i;
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int PRIMARY KEY, parent_id int NOT NULL CONSTRAINT children_parent REFERENCES parents) WITH (autovacuum_enabled = off);
INSERT INTO parents SELECT generate_series(1, 30000);
INSERT INTO children SELECT i, 15001 + i % 15000 FROM generate_series(1, 30000) AS i;
CREATE TABLE stale (id int PRIMARY KEY, state text NOT NULL) WITH (autovacuum_enabled = off);
INSERT INTO stale SELECT i, 'old' FROM generate_series(1, 20000) AS i;
CREATE TABLE fresh (id int, v text) WITH (autovacuum_enabled = off);
INSERT INTO fresh SELECT i, 'v' || i FROM generate_series(1, 30000) AS i;
CREATE TABLE bloated (id int, v text) WITH (autovacuum_enabled = off);
INSERT INTO bloated SELECT i, repeat('x', 200) FROM generate_series(1, 30000) AS i;
CREATE TABLE dead (id int, v text) WITH (autovacuum_enabled = off);
INSERT INTO dead SELECT i, repeat('x', 100) FROM generate_series(1, 20000) AS i;
CREATE TABLE visits (id int PRIMARY KEY, page int NOT NULL) WITH (autovacuum_enabled = off);
INSERT INTO visits SELECT i, i % 100 FROM generate_series(1, 40000) AS i;
CREATE INDEX visits_page ON visits (page, id);
CREATE TABLE wide (id int, key text NOT NULL) WITH (autovacuum_enabled = off);
INSERT INTO wide SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 40000) AS i;
CREATE TABLE events (happened date NOT NULL, who int NOT NULL, what text NOT NULL) PARTITION BY RANGE (happened);
DO $$ BEGIN FOR m IN 1..12 LOOP
  EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', m, date '2024-01-01' + (m - 1) * 30, date '2024-01-01' + m * 30);
END LOOP; END $$;
INSERT INTO events SELECT date '2024-01-01' + i % 360, i % 5000, 'w' || i % 20 FROM generate_series(1, 60000) AS i;
CREATE INDEX ON events (who);
CREATE FUNCTION many() RETURNS SETOF int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN QUERY SELECT generate_series(1, 60000); END';
