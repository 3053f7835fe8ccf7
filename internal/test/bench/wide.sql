-- The tables item_0001, item_0002, ... of one schema: eight columns, a primary key and comments each; three of four refer to another
-- one, and each names one without a declared key. The settings wide.schema and wide.tables say which schema, and how many.
DO $fill$
DECLARE
  tables integer := current_setting('wide.tables');
BEGIN
  EXECUTE format('CREATE SCHEMA %I', current_setting('wide.schema'));
  PERFORM set_config('search_path', current_setting('wide.schema'), true);
  FOR i IN 1..tables LOOP
    EXECUTE format($sql$
      CREATE TABLE %1$s (
        id bigint PRIMARY KEY, code varchar(20) NOT NULL, name text, amount numeric(12,2) DEFAULT 0,
        active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(), parent_id bigint %2$s, %3$s_id bigint);
      COMMENT ON TABLE %1$s IS 'Items of kind %4$s';
      COMMENT ON COLUMN %1$s.amount IS 'In EUR, without tax'$sql$,
      'item_' || to_char(i, 'FM0000'),
      CASE WHEN i > 1 AND i % 4 <> 0 THEN 'REFERENCES item_' || to_char(i / 2, 'FM0000') END,
      'item_' || to_char(i % tables + 1, 'FM0000'), i);
  END LOOP;
END $fill$
