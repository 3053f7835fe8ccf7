package guard

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// In read-only mode a statement is decided on with all that it uses: views, policies, domains, functions, what the
// planner runs for its tables, and what those use. PostgreSQL has recorded most of that; texts are read for
// PostgreSQL's own functions, which are not recorded, and for bodies in SQL and PL/pgSQL.

// maxTexts bounds the texts that are read for one statement.
const maxTexts = 200

// inPath is an object in a search path: bodies of functions mean what that makes of their names. An empty path is the
// session's.
type inPath struct {
	object
	path string
}

// reading is a text in a search path, with the names of those who lead to it.
type reading struct {
	text
	path string
	via  string
	key  memoryKey
}

// uses is what the statements of one caller use, as far as the database has been asked.
type uses struct {
	*Guard
	graph *graph
	// of is one of the statements: its login, role and search path are those of all.
	of subject
	// read are the texts that are read, unasked those of them whose names are not resolved yet.
	read    map[memoryKey]*readText
	unasked []*readText
}

type readText struct {
	sql      string
	question question
	resolved *Resolved
}

// walk decides on what one statement uses.
type walk struct {
	*uses
	seen map[inPath]bool
	// todo are texts whose names are not resolved yet, judged those that were decided on; texts counts both.
	todo   []reading
	judged []memoryKey
	texts  int
}

// start decides on what a verdict names, as far as that is known.
func (w *walk) start(uses []object) *Refusal {
	for _, o := range uses {
		if refusal := w.object(o, "", ""); refusal != nil {
			return refusal
		}
	}
	return nil
}

// goOn decides on what waited for names to be resolved.
func (w *walk) goOn() *Refusal {
	todo := w.todo
	w.todo = nil
	for _, r := range todo {
		if refusal := w.judge(r); refusal != nil {
			return refusal
		}
	}
	return nil
}

// object decides on an object and what it uses.
func (w *walk) object(o object, path, via string) *Refusal {
	p := inPath{o, path}
	if w.seen[p] {
		return nil
	}
	w.seen[p] = true
	label := w.graph.labels[o]
	paths := []string{path}
	for _, t := range w.graph.texts[o] {
		if t.Path != nil { // it holds for what the function calls, too; but its defaults are the caller's
			paths = append(paths, pathText(*t.Path))
		}
	}
	for _, used := range w.graph.uses[o] {
		for _, path := range paths {
			if refusal := w.used(used, label, path, via); refusal != nil {
				return refusal
			}
		}
	}
	for _, t := range w.graph.texts[o] {
		if refusal := w.text(t, path, via); refusal != nil {
			return refusal
		}
	}
	return nil
}

// used decides on an object that another one uses.
func (w *walk) used(o object, label, path, via string) *Refusal {
	switch o.Kind {
	case "function", "class", "family":
	case "operator":
		via, label = via+label+": ", w.graph.labels[o]
	default:
		return w.object(o, path, via+label+": ")
	}
	for _, f := range w.graph.functionsOf(o, label) {
		uses, refusal := Restriction{ReadOnly: true}.hiddenFunction(f)
		if refusal != nil {
			return refusal.Within(via)
		}
		for _, o := range uses {
			if refusal := w.object(o, path, via+label+": "); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

// text decides on a text, or notes that it is to be read.
func (w *walk) text(t text, path, via string) *Refusal {
	r := w.reading(t, path)
	r.via = via + t.Label + ": "
	if t.Form == "setting" {
		return unreadable(fmt.Errorf("it runs with the setting %s, which changes what its text means", t.Text)).Within(r.via)
	}
	if d, ok := w.memory.get(r.key); ok && d.refusal == nil {
		return nil
	}
	if w.texts++; w.texts > maxTexts {
		return &Refusal{Code: ReadOnly, Rule: "size",
			Message: fmt.Sprintf("the statement uses more than %d views and functions: they are not looked at", maxTexts)}
	}
	if refusal := w.add(r); refusal != nil {
		return refusal.Within(r.via)
	}
	if w.read[r.names()].resolved != nil {
		return w.judge(r)
	}
	w.todo = append(w.todo, r)
	return nil
}

// names is the key of the names in a text: those that PostgreSQL has written are the same in every path.
func (r reading) names() memoryKey {
	key := r.key
	if !r.written() {
		key.path = ""
	}
	return key
}

// reading is a text in the search path that it runs with.
func (u *uses) reading(t text, path string) reading {
	if t.Path != nil {
		path = pathText(*t.Path)
	}
	form := fmt.Sprint(t.Form, t.Values)
	return reading{text: t, path: path,
		key: memoryKey{sql: t.Text, login: u.of.login, role: u.of.role, path: path, form: form}}
}

// add reads a text, so that its names are resolved with the next question.
func (u *uses) add(r reading) *Refusal {
	if u.read[r.names()] != nil {
		return nil
	}
	texts, err := statements(r.text)
	if err != nil {
		return unreadable(err)
	}
	var all []*sqlscan.Statement
	for _, sql := range texts {
		st, err := sqlscan.Analyze(sql)
		if err != nil {
			return unreadable(err)
		}
		if refusal := (Restriction{ReadOnly: true}).Early(st); refusal != nil {
			return refusal
		}
		all = append(all, st)
	}
	// Its statements are taken together, for a variable of one may hold what another gives.
	q := newQuestion(sqlscan.Together(all), nil, r.Values)
	q.Recorded, q.Anywhere = !r.written(), r.written()
	if r.written() && r.path != "" {
		if q.Path, err = postgres.PathNames(r.path); err != nil {
			return unreadable(err)
		}
	}
	u.read[r.names()] = &readText{sql: strings.Join(texts, ";\n"), question: q}
	u.unasked = append(u.unasked, u.read[r.names()])
	return nil
}

// resolve asks about the names of the texts that are needed, and of those that may be.
func (u *uses) resolve(ctx context.Context) error {
	paths := map[string]bool{"": true}
	for _, texts := range u.graph.texts {
		for _, t := range texts {
			paths[u.reading(t, "").path] = true
		}
	}
	for _, texts := range u.graph.texts {
		for _, t := range texts {
			for path := range paths {
				if t.Form != "setting" && len(u.unasked) < maxTexts {
					_ = u.add(u.reading(t, path)) // its fault counts where it is needed
				}
			}
		}
	}
	asked := u.unasked
	u.unasked = nil
	var questions []question
	for _, r := range asked {
		questions = append(questions, r.question)
	}
	found, resolved, err := u.ask(ctx, questions, sessionPath(u.of.identity))
	if err != nil {
		return err
	}
	u.graph.join(found)
	for i, r := range asked {
		r.resolved = resolved[i]
	}
	return nil
}

// remember keeps that the texts were decided on, once all that the statement uses has been.
func (w *walk) remember() {
	for _, key := range w.judged {
		w.memory.put(key, decided{until: time.Now().Add(rememberedFor)})
	}
}

// judge decides on a text whose names are resolved, without a role: what an owner has built is the owner's right.
func (w *walk) judge(r reading) *Refusal {
	read := w.read[r.names()]
	w.judged = append(w.judged, r.key)
	verdict, refusal := Restriction{ReadOnly: true}.Decide(read.sql, read.question.statement, read.resolved)
	if refusal == nil && verdict.Unknown != "" && (r.written() || strings.HasPrefix(verdict.Unknown, "table ")) {
		// To its owner it may be known. Functions of users are recorded where PostgreSQL has written the text.
		refusal = &Refusal{Code: ReadOnly, Rule: "body",
			Message: verdict.Unknown + " is not known: what it uses can't be looked at"}
	}
	if refusal != nil {
		return refusal.Within(r.via)
	}
	for _, o := range verdict.Uses {
		if refusal := w.object(o, r.path, r.via); refusal != nil {
			return refusal
		}
	}
	return nil
}

func unreadable(err error) *Refusal {
	return &Refusal{Code: ReadOnly, Rule: "body", Message: "its body can't be looked at: " + err.Error()}
}

// pathText writes a path that a function sets; an empty one is not the session's.
func pathText(path string) string {
	if path == "" {
		return `""`
	}
	return path
}

// statements are those of a text.
func statements(t text) ([]string, error) {
	switch t.Form {
	case "expression":
		return []string{"SELECT " + t.Text}, nil
	case "query":
		return []string{t.Text}, nil
	case "plpgsql":
		return sqlscan.PLpgSQL(t.Text)
	}
	return sqlscan.Body(t.Text), nil
}
