package guard

import (
	"regexp"
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// Secrets are what the login can read of the server's secrets by ways that mostly show none.
type Secrets struct {
	// Statistics hold values of relations that are secret. Settings are ones of the server that PostgreSQL hides from
	// most, or ones whose name says so, RoleSettings those of databases and roles.
	Statistics, Settings bool
	RoleSettings         bool `json:"role_settings"`
}

// SecretSetting is how the names of settings look that hold secrets, for PostgreSQL's ~ too. They are those of the
// server that it hides from ordinary logins, and what applications put there.
const SecretSetting = `conninfo|passw|passphrase|secret|private_?key|api_?key|token`

var (
	secretSetting = regexp.MustCompile(SecretSetting)
	// notSecret are settings that only sound so.
	notSecret = []string{"password_encryption", "ssl_passphrase_command_supports_reload", "md5_password_warnings"}
)

func isSecretSetting(name string) bool {
	name = strings.ToLower(name)
	return secretSetting.MatchString(name) && !slices.Contains(notSecret, name)
}

// Relations and functions that show secrets where there are any.
var (
	statisticsViews   = []string{"pg_stats"}
	settingsViews     = []string{"pg_settings"}
	roleSettingsViews = []string{"pg_db_role_setting", "pg_roles", "pg_user"}
	settingsFunctions = []string{"current_setting", "pg_show_all_settings"}
)

// MayShowSecrets reports whether a statement names what shows secrets, where there are any: then Resolved.Secrets is
// needed.
func MayShowSecrets(st *sqlscan.Statement) bool {
	views := slices.Concat(statisticsViews, settingsViews, roleSettingsViews)
	return slices.Contains(st.Settings, "all") ||
		slices.ContainsFunc(st.Relations, func(r sqlscan.Relation) bool { return slices.Contains(views, r.Name) }) ||
		slices.ContainsFunc(st.Functions, func(f sqlscan.Object) bool { return slices.Contains(settingsFunctions, f.Name) })
}

// secrets refuses what would show one in read-only mode. For a role none of it is allowed anyway.
func (d *decision) secrets() *Refusal {
	if !d.ReadOnly {
		return nil
	}
	s := d.resolved.Secrets
	for i, r := range d.st.Relations {
		found := d.resolved.Relations[i]
		if found == nil || !found.System {
			continue
		}
		switch {
		case s.Statistics && slices.Contains(statisticsViews, found.Name):
			return refuse("secret", r.Position,
				"%s shows this login values of catalogues with secrets, as they were analyzed: want a login that is no superuser", found.Name)
		case s.Settings && slices.Contains(settingsViews, found.Name), s.RoleSettings && slices.Contains(roleSettingsViews, found.Name):
			return refuse("secret", r.Position,
				"%s shows this login settings that are secret, such as passwords of connections: SHOW shows others", found.Name)
		}
	}
	for _, name := range d.st.Settings {
		if isSecretSetting(name) || name == "all" && (s.Settings || s.RoleSettings) {
			return refuse("secret", 0, "SHOW %s would show a setting that is secret", strings.ToUpper(name))
		}
	}
	for _, f := range d.st.Functions {
		known := f.Name == "current_setting" && !f.Field && constantSettings(d.sql)
		switch {
		case !slices.Contains(settingsFunctions, f.Name) || known:
		case s.Settings || s.RoleSettings:
			return refuse("secret", f.Position,
				"%s would show settings that are secret: want current_setting of a constant name", f.Name)
		case f.Name == "current_setting" && !d.namesFromCatalog(): // PostgreSQL lists no settings of applications
			return refuse("secret", f.Position, "%s of a computed name can show a setting that is secret: "+
				"want a constant name, or s.name with FROM pg_settings AS s", f.Name)
		}
	}
	if !namesNoSecret(d.sql) {
		return refuse("secret", 0, "the statement names a setting that is secret")
	}
	return nil
}

var (
	settingsAlias = regexp.MustCompile(` pg_settings (?:as )?([a-z_0-9]+) `)
	settingCall   = regexp.MustCompile(` "?current_setting\b"?(?: \( (?:([a-z_0-9]+) \. name|') [,)])?`)
)

// namesFromCatalog reports whether each call of current_setting is given a constant, or s.name of pg_settings AS s,
// where nothing else has one of these names.
func (d *decision) namesFromCatalog() bool {
	tokens := []string{""}
	for _, text := range significant(d.sql) {
		if strings.Contains(text, "'") {
			text = "'"
		}
		tokens = append(tokens, strings.ToLower(text))
	}
	sql := strings.Join(append(tokens, ""), " ")
	alias := settingsAlias.FindStringSubmatch(sql)
	if alias == nil || strings.Count(sql, "pg_settings") != 1 || strings.Contains(sql, ` u&"`) ||
		strings.Count(sql, " "+alias[1]+" ")-strings.Count(sql, " "+alias[1]+" . ") != 1 ||
		!slices.ContainsFunc(d.resolved.Relations, func(r *Relation) bool { return r != nil && r.System && r.Name == "pg_settings" }) {
		return false
	}
	return !slices.ContainsFunc(settingCall.FindAllStringSubmatch(sql, -1), func(call []string) bool {
		return !strings.Contains(call[0], "(") || call[1] != "" && call[1] != alias[1]
	})
}

// constantSettings reports whether each call of current_setting has a plain constant as its first argument.
func constantSettings(sql string) bool {
	all := true
	firstArguments(sql, "current_setting", func(first, next string) {
		plain := strings.HasPrefix(first, "'") && strings.Count(first, "'") == 2 || len(first) > 1 && first[0] == '$' && strings.HasSuffix(first, "$")
		all = all && plain && (next == "," || next == ")")
	})
	return all
}

// namesNoSecret reports whether no call of current_setting begins with a constant that is the name of a secret setting,
// or one with escapes or in several pieces, which is not read.
func namesNoSecret(sql string) bool {
	none := true
	firstArguments(sql, "current_setting", func(first, _ string) {
		constant := strings.ContainsAny(first, "'$")
		read := first == "" || strings.ContainsAny(first[:1], "'$") && strings.Count(first, "'") <= 2
		none = none && !(constant && (!read || isSecretSetting(strings.Trim(first, "'$"))))
	})
	return none
}

// firstArguments gives the first token of the arguments of each call, without parentheses around it, and the one after
// those. One by another spelling of the name is given an empty one.
func firstArguments(sql, function string, give func(first, next string)) {
	tokens := significant(sql)
	for i, text := range tokens {
		switch {
		case strings.HasPrefix(strings.ToLower(text), `u&"`):
			give("", "")
		case strings.EqualFold(strings.Trim(text, `"`), function) && i+3 < len(tokens) && tokens[i+1] == "(":
			start := i + 2
			for i = start; i+2 < len(tokens) && tokens[i] == "("; i++ {
			}
			end := i + 1
			for end+1 < len(tokens) && end < i+1+i-start && tokens[end] == ")" {
				end++
			}
			give(tokens[i], tokens[end])
		}
	}
}

// significant are the tokens of SQL as they are written, without spaces and comments.
func significant(sql string) []string {
	var tokens []string
	for _, t := range sqlscan.Lex(sql) {
		if t.Significant() {
			tokens = append(tokens, sql[t.Start:t.End])
		}
	}
	return tokens
}
