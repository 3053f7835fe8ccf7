-- The database that cases.yaml asks about. Made for an empty database, as superuser, on PostgreSQL 14 to 18.

-- Traps: nothing here may stand in for the object of pg_catalog.
CREATE TABLE public.pg_class (oid integer);
CREATE FUNCTION public.lower(name) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;
CREATE FUNCTION public.format(text, name, name) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;

CREATE SCHEMA secret;
CREATE SCHEMA app;
CREATE TABLE secret.agents (id integer PRIMARY KEY);
CREATE FUNCTION secret.agent_check() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TYPE secret.cover AS ENUM ('blown');
CREATE INDEX agents_lone ON secret.agents (id, id);

CREATE TYPE app.mood AS ENUM ('good', 'bad');
COMMENT ON TYPE app.mood IS 'How it went.';
ALTER TYPE app.mood ADD VALUE 'so-so' BEFORE 'bad';
CREATE TYPE app.size AS ENUM ('s', 'xl');

CREATE TABLE app.customers (
  id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email text UNIQUE,
  agent_id integer CONSTRAINT customers_agent REFERENCES secret.agents
);
COMMENT ON TABLE app.customers IS 'Who buys.';
COMMENT ON COLUMN app.customers.email IS 'The address for invoices.';
CREATE TABLE app.orders (
  id integer PRIMARY KEY,
  customer_id smallint NOT NULL CONSTRAINT orders_customer REFERENCES app.customers,
  seller_id smallint CONSTRAINT orders_seller REFERENCES app.customers,
  line_no integer,
  mood app.mood[],
  note text CONSTRAINT note_not_empty CHECK (note <> '')
);
CREATE TABLE app.order_lines (order_id integer, no integer, PRIMARY KEY (order_id, no));
CREATE TABLE app."Große Tabelle" (id integer);

-- Indexes that another one makes needless, and some that look so.
CREATE INDEX orders_by_customer ON app.orders (customer_id);
CREATE INDEX orders_by_customer_again ON app.orders (customer_id);
CREATE INDEX orders_by_customer_line ON app.orders (customer_id, line_no);
CREATE INDEX orders_by_customer_down ON app.orders (customer_id DESC);
CREATE INDEX orders_by_customer_some ON app.orders (customer_id) WHERE line_no > 1;
CREATE INDEX orders_by_customer_hash ON app.orders USING hash (customer_id);
CREATE INDEX orders_by_note ON app.orders (pg_catalog.lower(note));
CREATE INDEX orders_id ON app.orders (id);
ALTER TABLE app.orders ADD CONSTRAINT line_positive CHECK (line_no > 0) NOT VALID;

CREATE VIEW app.buyers AS SELECT c.email FROM app.customers AS c;
CREATE VIEW app.handlers AS SELECT c.email FROM app.customers AS c JOIN secret.agents AS a ON a.id = c.agent_id;
CREATE MATERIALIZED VIEW app.totals AS SELECT count(*) AS orders FROM app.orders WITH NO DATA;
CREATE FUNCTION app.discount(amount numeric, percent integer DEFAULT 10) RETURNS numeric LANGUAGE sql IMMUTABLE
  AS $$ SELECT amount * percent / 100 $$;
COMMENT ON FUNCTION app.discount IS 'What an invoice is lowered by.';
CREATE FUNCTION app.discount(code text) RETURNS numeric LANGUAGE sql STABLE SECURITY DEFINER AS $$ SELECT 1.0 FROM secret.agents $$;
CREATE PROCEDURE app.clean() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE AGGREGATE app.total (integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER vet BEFORE INSERT ON app.customers FOR EACH ROW EXECUTE FUNCTION secret.agent_check();
ALTER TABLE app.customers DISABLE TRIGGER vet;

-- parts: what is so for a partitioned table is told once.
CREATE SCHEMA parts;
CREATE TABLE parts.events (id bigint, at date, customer_id smallint CONSTRAINT events_customer REFERENCES app.customers) PARTITION BY RANGE (at);
CREATE TABLE parts.events_2024 PARTITION OF parts.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX events_id ON parts.events (id);
CREATE INDEX events_id_again ON parts.events (id);

CREATE SCHEMA seq;
CREATE SEQUENCE seq.small AS smallint;
SELECT setval('seq.small', 32000);
CREATE SEQUENCE seq.never;
CREATE SEQUENCE seq.round MAXVALUE 10 CYCLE;
SELECT setval('seq.round', 9);
-- A sequence of bigint that fills an integer column.
CREATE TABLE seq.tickets (id integer PRIMARY KEY);
CREATE SEQUENCE seq.tickets_id OWNED BY seq.tickets.id;
SELECT setval('seq.tickets_id', 1073741824);

-- bloat: nine of ten rows are gone, and the space of them is free.
CREATE SCHEMA bloat;
CREATE TABLE bloat.holes (id integer, filler text);
INSERT INTO bloat.holes SELECT i, repeat('x', 90) FROM generate_series(1, 4000) AS i;
DELETE FROM bloat.holes WHERE id % 10 <> 0;
CREATE TABLE bloat.dense (id integer, filler text);
INSERT INTO bloat.dense SELECT i, repeat('x', 90) FROM generate_series(1, 4000) AS i;
ANALYZE bloat.holes, bloat.dense;
