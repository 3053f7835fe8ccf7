-- What happens to the tables of fixture.sql once they have been vacuumed and analyzed.
INSERT INTO stale SELECT i, 'new' FROM generate_series(20001, 40000) AS i;
DELETE FROM dead WHERE id % 10 <> 0;
UPDATE visits SET page = page WHERE id % 50 = 0;
