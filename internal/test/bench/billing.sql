-- A schema as a grown application for billing has it: 200 tables of which most belong to a tenant, 566 foreign keys, ten indexes
-- for each table, some columns that refer to others without a key, and comments.
CREATE SCHEMA billing;

DO $fill$
DECLARE
  area text;
  noun text;
  name text;
  made text[] := '{}';
  other text;
BEGIN
  SET LOCAL search_path = billing;
  CREATE TABLE tenants (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL UNIQUE, created_at timestamptz NOT NULL);
  CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL UNIQUE, tenant_id uuid REFERENCES tenants);
  FOREACH area IN ARRAY '{customer,invoice,payment,credit_note,subscription,wallet,coupon,usage,tax,dunning,quote,contract}'::text[] LOOP
    FOREACH noun IN ARRAY '{"",item,line,event,status,setting,template,rule,rate,attempt,document,address,metadata,export,error,note,tag}'::text[] LOOP
      CONTINUE WHEN cardinality(made) = 198;
      name := concat_ws('_', area, nullif(noun, '')) || 's';
      EXECUTE format($sql$
        CREATE TABLE %1$I (
          id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenants, created_at timestamptz NOT NULL,
          updated_at timestamptz, deleted_at timestamptz, code text, name text, amount_cents bigint NOT NULL DEFAULT 0, currency char(3),
          status integer NOT NULL DEFAULT 0, properties jsonb, updated_by_user_id uuid, external_id text, UNIQUE (tenant_id, code));
        CREATE INDEX ON %1$I (tenant_id);
        CREATE INDEX ON %1$I (created_at) WHERE deleted_at IS NULL;
        CREATE INDEX ON %1$I (updated_at);
        CREATE INDEX ON %1$I (status);
        CREATE INDEX ON %1$I (external_id);
        CREATE INDEX ON %1$I (currency, amount_cents);
        CREATE INDEX ON %1$I (lower(name));
        CREATE INDEX ON %1$I USING gin (properties);
        COMMENT ON TABLE %1$I IS %2$L;
        COMMENT ON COLUMN %1$I.amount_cents IS 'Without tax'$sql$, name, initcap(replace(name, '_', ' ')));
      -- The parent of its area, and one of the area before.
      IF noun <> '' THEN
        EXECUTE format('ALTER TABLE %I ADD COLUMN %I uuid REFERENCES %I', name, area || '_id', area || 's');
      END IF;
      FOREACH other IN ARRAY ARRAY[made[cardinality(made) - 16], made[cardinality(made) - 20]] LOOP
        CONTINUE WHEN other IS NULL;
        EXECUTE format('ALTER TABLE %I ADD COLUMN %I uuid %s', name, rtrim(other, 's') || '_id',
                       CASE WHEN other = made[cardinality(made) - 16] THEN format('REFERENCES %I', other) END);
      END LOOP;
      made := made || name;
    END LOOP;
  END LOOP;
END $fill$;
