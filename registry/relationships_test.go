package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// The share of declared keys that are found again without them, and of those said to be strong or likely that were declared.
const (
	leastRecall    = 0.9
	leastPrecision = 0.9
)

const declaredKeys = `SELECT string_agg(concat_ws(' ', k.conrelid::regclass::name::text, (SELECT string_agg(a.attname, ',' ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u (n, place)
	JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.n), k.confrelid::regclass::name::text), ';') FROM pg_constraint AS k WHERE k.contype = 'f'`

const dropKeys = `DO $$ DECLARE k record; BEGIN
	FOR k IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'f' LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.t, k.conname); END LOOP; END $$`

// TestImpliedRelationships drops the declared keys of schemas, each with its habits of naming, and looks for them again.
func TestImpliedRelationships(t *testing.T) {
	for _, name := range []string{"beside", "board", "cinema", "clinic", "encyclopedia", "invoices", "learning", "maker", "warehouse"} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.URL(t)
			pgtest.Exec(t, url, readFile(t, "testdata/relationships/"+name+".sql"))
			declared := map[string]bool{}
			for _, key := range strings.Split(strings.ReplaceAll(pgtest.Value(t, url, declaredKeys), `"`, ""), ";") {
				declared[key] = true
			}
			pgtest.Exec(t, url, dropKeys)
			found := implied(t, build(t, registry.Config{DB: openDB(t, url)}, nil), strings.Split(pgtest.Value(t, url,
				"SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"), " "))
			hits, right, said := 0, 0, 0
			for key := range declared {
				if found[key] != "" {
					hits++
				} else {
					t.Logf("not found: %s", key)
				}
			}
			for key, confidence := range found {
				if confidence == "possible" || strings.HasSuffix(key, " ") { // a pair of type and id is of no table
					continue
				}
				if said++; declared[key] {
					right++
				} else {
					t.Logf("wrong: %s (%s)", key, confidence)
				}
			}
			t.Logf("found %d of %d, right %d of %d", hits, len(declared), right, said)
			if float64(hits) < leastRecall*float64(len(declared)) || float64(right) < leastPrecision*float64(said) {
				t.Errorf("found %d of %d declared keys, and %d of %d are right: want shares of %v and %v", hits, len(declared), right, said, leastRecall, leastPrecision)
			}
		})
	}
}

// implied is what find_relationships finds, with its confidence, by table, columns and referenced table.
func implied(t *testing.T, r *registry.Registry, tables []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, table := range tables {
		got, isError := call(t, r, "find_relationships", fmt.Sprintf(`{"table_name": %q, "schema": "public"}`, table))
		var answer struct {
			Implied []struct {
				TableName       string `json:"table_name"`
				ReferencedTable string `json:"referenced_table"`
				Columns         []string
				Confidence      string
			}
		}
		if err := json.Unmarshal([]byte(got), &answer); err != nil || isError {
			t.Fatalf("%s: %s", table, got)
		}
		for _, i := range answer.Implied {
			found[i.TableName+" "+strings.Join(i.Columns, ",")+" "+i.ReferencedTable] = i.Confidence
		}
	}
	return found
}

// TestImpliedRelationshipsByStatistics has columns whose values are those of a key, beyond them, or more than there are keys.
func TestImpliedRelationshipsByStatistics(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE items AS SELECT n AS id, 'ABC' || n AS code FROM generate_series(1, 1000) AS n; ALTER TABLE items ADD PRIMARY KEY (id), ADD UNIQUE (code);
		CREATE TABLE sold AS SELECT 1 + n % 500 AS item_id, 'ABC' || 1 + n % 500 AS item_code FROM generate_series(1, 1000) AS n;
		CREATE TABLE measured AS SELECT 100000 + n AS item_id, (ARRAY['x-ray', 'ultrasound'])[1 + n % 2] AS item_code FROM generate_series(1, 1000) AS n;
		CREATE TABLE counted AS SELECT n AS item_id, 'ABC' || n AS item_code FROM generate_series(1, 5000) AS n`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, want := range []bool{true, false} { // before and after somebody has looked
		found := implied(t, r, []string{"items"})
		if found["sold item_id items"] != "strong" || found["sold item_code items"] == "" {
			t.Errorf("implied: %v, want those of sold", found)
		}
		for _, key := range []string{"measured item_id items", "measured item_code items", "counted item_id items", "counted item_code items"} {
			if (found[key] != "") != want {
				t.Errorf("implied: %v, want %s among them: %v", found, key, want)
			}
		}
		pgtest.Exec(t, url, "ANALYZE items; ANALYZE sold; ANALYZE measured; ANALYZE counted")
	}
}

// TestPolymorphicPair names the pair of a type and an id as one.
func TestPolymorphicPair(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, readFile(t, "testdata/relationships/board.sql"))
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	if found := implied(t, r, []string{"pictures"}); found["pictures comments comments"] != "" {
		t.Errorf("the number of comments is taken for a key: %v", found)
	}
	got := askTool(t, r, "find_relationships", `{"table_name": "comments"}`)
	if want := `"columns":["commentable_id","commentable_type"],"confidence":"likely","reason":"commentable_id is the key of a row in the table that commentable_type names."`; !strings.Contains(got, want) {
		t.Errorf("find_relationships = %s\nwant %s in it", got, want)
	}
}
