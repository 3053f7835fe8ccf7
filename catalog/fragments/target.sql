-- The table or view that @table_name and @schema name: one row, or none.
-- needs: targets
target AS MATERIALIZED (
  SELECT t.* FROM targets AS t WHERE NOT EXISTS (SELECT FROM wanted_name AS w WHERE w.is_one_of_many)
)
