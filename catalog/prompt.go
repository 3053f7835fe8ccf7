package catalog

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"mcp-postgres/internal/faults"
)

// Prompt is one prompt file: Markdown with YAML front matter.
type Prompt struct {
	// Name is the file name without ".md", ^[a-z][a-z0-9_]{0,63}$.
	Name string
	// Title is for people; it may be empty. Description is never empty.
	Title, Description string
	// Arguments are texts, as the MCP specification has it, in the order of the file.
	Arguments []Param
	// Roles are the permission roles that see the prompt; none means all.
	Roles []string
	// Path is the file's path as shown in messages, Source the Name of the Source that it is from.
	Path, Source string

	text string
}

// Text is the prompt with the values in place of {{argument}}; one that is not given becomes empty.
func (p *Prompt) Text(values map[string]string) string {
	return placeholderPattern.ReplaceAllStringFunc(p.text, func(found string) string {
		return values[placeholderPattern.FindStringSubmatch(found)[1]]
	})
}

var placeholderPattern = regexp.MustCompile(`\{\{ *([a-zA-Z0-9_]+) *\}\}`)

// promptFolder is the folder of a Source that holds its prompt files.
const promptFolder = "prompts"

// LoadPrompts reads prompts/*.md of every source, sorted by name. A prompt of a later source replaces that of an
// earlier one with the same name. When anything is wrong there are no prompts and the error is faults.List.
func LoadPrompts(sources ...Source) ([]*Prompt, error) {
	byName := map[string]*Prompt{}
	var found faults.List
	for _, s := range sources {
		l := loader{source: s}
		if l.isDir(promptFolder) {
			l.prompts(byName)
		}
		found = append(found, l.faults...)
	}
	if len(found) > 0 {
		found.Sort()
		return nil, found
	}
	var all []*Prompt
	for _, p := range byName {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *Prompt) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func (l *loader) prompts(byName map[string]*Prompt) {
	for _, name := range l.list(promptFolder) {
		name = path.Join(promptFolder, name)
		if path.Ext(name) != ".md" || l.isDir(name) {
			continue
		}
		text, err := l.read(name, maxFile)
		if err != nil {
			l.fault(name, "reading the file: %v", cause(err))
			continue
		}
		p, found := parsePrompt(l.shown(name), text)
		l.faults = append(l.faults, found...)
		if p != nil {
			p.Source = l.source.Name
			byName[p.Name] = p
		}
	}
}

// parsePrompt reads one prompt file. path is shown in messages and its last element gives the prompt its name.
func parsePrompt(file string, text []byte) (*Prompt, faults.List) {
	f := newFile(file, text)
	p := &Prompt{Path: file, Name: strings.TrimSuffix(path.Base(file), ".md")}
	if f.IsText(maxFile) {
		if a, ok := f.frontMatter(); ok {
			f.prompt(p, a)
		}
	}
	if len(f.Faults) > 0 {
		f.Faults.Sort()
		return nil, f.Faults
	}
	return p, nil
}

const frontMark = "---"

// frontMatter finds the YAML between the first two lines of three dashes; body is where the text after it starts.
func (f *file) frontMatter() (anatomy, bool) {
	line, _, _ := strings.Cut(f.Text, "\n")
	if strings.TrimSpace(line) != frontMark {
		f.Add(1, 1, "no front matter: want %s on the first line", frontMark)
		return anatomy{}, false
	}
	a := anatomy{headerStart: len(line)}
	end := strings.Index(f.Text[len(line):], "\n"+frontMark)
	if end < 0 {
		f.Add(1, 1, "front matter is not closed: want %s on a line of its own", frontMark)
		return a, false
	}
	a.headerEnd = len(line) + end + 1
	line, _, _ = strings.Cut(f.Text[a.headerEnd:], "\n")
	a.body = min(a.headerEnd+len(line)+1, len(f.Text))
	return a, true
}

func (f *file) prompt(p *Prompt, a anatomy) {
	f.checkName(1, 1, "file name", p.Name)
	root, ok := f.YAML(a.headerStart, a.headerEnd)
	if ok && root == nil {
		f.Add(1, 1, "front matter is empty: want a description at least")
	}
	if root != nil {
		m, _ := f.Mapping(root, "the front matter", "title", "description", "arguments", "roles")
		p.Title, p.Description, p.Roles = m.Prose("title"), m.Prose("description"), m.Names("roles")
		if !m.Has("description") {
			f.Add(1, 1, "description is missing: want what the prompt is for")
		}
		f.arguments(p, m)
	}
	if p.text = strings.TrimSpace(f.Text[a.body:]); p.text == "" {
		f.AddAt(a.body, "no text below the front matter: want what the prompt says")
	}
	f.checkPlaceholders(p, a.body)
}

func (f *file) arguments(p *Prompt, m faults.Mapping) {
	for _, n := range m.Items("arguments") {
		am, ok := f.Mapping(n, "an argument", "name", "description", "required", "enum", "names")
		if !ok {
			continue
		}
		arg := Param{Name: am.Text("name"), Type: Type{Scalar: String}, Description: am.Prose("description"),
			Required: am.Flag("required", false), Names: nameKind(am)}
		for _, word := range am.Names("enum") {
			arg.Enum = append(arg.Enum, word)
		}
		switch {
		case !am.Has("name"):
			f.AddNode(n, "name is missing: want the argument's name")
			continue
		case !namePattern.MatchString(arg.Name):
			f.AddNode(am.Values["name"], "argument name %q: want %s", arg.Name, namePattern)
		case slices.Contains(paramNames(p.Arguments), arg.Name):
			f.AddNode(am.Values["name"], "argument %q is here twice: want it once", arg.Name)
		}
		p.Arguments = append(p.Arguments, arg)
	}
}

// checkPlaceholders wants each {{name}} declared and each argument used.
func (f *file) checkPlaceholders(p *Prompt, start int) {
	names := paramNames(p.Arguments)
	used := map[string]bool{}
	for _, at := range placeholderPattern.FindAllStringSubmatchIndex(f.Text[start:], -1) {
		name := f.Text[start+at[2] : start+at[3]]
		if used[name] = true; !slices.Contains(names, name) {
			hint := cmp.Or(faults.Suggest(name, names), ": want it declared under arguments")
			f.AddAt(start+at[0], "{{%s}} is no argument%s", name, hint)
		}
	}
	for _, name := range names {
		if !used[name] && p.text != "" {
			f.Add(1, 1, "argument %q is not used: want {{%s}} in the text", name, name)
		}
	}
}
