package guard

import (
	"regexp"
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

// Secrets says whether statistics and settings, which are harmless on most servers, show this login secrets.
type Secrets struct {
	// Statistics hold values of relations that are secret. Settings are ones of the server that PostgreSQL hides from
	// most, or ones whose name says so, RoleSettings those of databases and roles.
	Statistics, Settings bool
	RoleSettings         bool `json:"role_settings"`
}

// SecretSetting is a regular expression, for PostgreSQL too, of the names of settings that hold secrets: those of the
// server that ordinary logins are not shown, and those that applications define.
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

// mayShowSecrets reports whether a statement names what shows secrets, where there are any: then Resolved.Secrets is
// needed.
func mayShowSecrets(st *sqlscan.Statement) bool {
	views := slices.Concat(statisticsViews, settingsViews, roleSettingsViews)
	return slices.Contains(st.Settings, "all") ||
		slices.ContainsFunc(st.Relations, func(r sqlscan.Relation) bool { return slices.Contains(views, r.Name) }) ||
		slices.ContainsFunc(st.Functions, func(f sqlscan.Object) bool { return slices.Contains(settingsFunctions, f.Name) })
}

// secrets refuses statements that would show a secret in read-only mode. A role may read none of these catalogues.
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
				"%s shows this login values of catalogues with secrets, as they were analyzed: want a login that is no superuser",
				found.Name)
		case s.Settings && slices.Contains(settingsViews, found.Name),
			s.RoleSettings && slices.Contains(roleSettingsViews, found.Name):
			return refuse("secret", r.Position,
				"%s shows this login settings that are secret, such as passwords of connections: SHOW shows others", found.Name)
		}
	}
	for _, name := range d.st.Settings {
		if isSecretSetting(name) || name == "all" && (s.Settings || s.RoleSettings) {
			return refuse("secret", 0, "SHOW %s would show a setting that is secret", strings.ToUpper(name))
		}
	}
	return d.settingCalls()
}

// settingCalls refuses calls that show settings, but for those of constant names, and of s.name with FROM pg_settings
// AS s.
func (d *decision) settingCalls() *Refusal {
	names, computed := calledSettings(d.sql)
	if slices.ContainsFunc(names, isSecretSetting) {
		return refuse("secret", 0, "the statement names a setting that is secret")
	}
	secret := d.resolved.Secrets.Settings || d.resolved.Secrets.RoleSettings
	for _, f := range d.st.Functions {
		switch constant := f.Name == "current_setting" && !f.Field && !computed; {
		case !slices.Contains(settingsFunctions, f.Name) || constant:
		case secret:
			return refuse("secret", f.Position,
				"%s would show settings that are secret: want current_setting of a constant name", f.Name)
		case f.Name == "current_setting" && (f.Field || !d.namesFromCatalog()):
			// PostgreSQL lists no settings of applications.
			return refuse("secret", f.Position, "%s of a computed name can show a setting that is secret: "+
				"want a constant name, or s.name with FROM pg_settings AS s", f.Name)
		}
	}
	return nil
}

// calledSettings gives the constant names in calls of current_setting; computed is set where a call may be of another
// one: of an expression, of a constant with escapes or in several pieces, or by another spelling of the function.
func calledSettings(sql string) (names []string, computed bool) {
	tokens := significant(sql)
	for i, text := range tokens {
		if !strings.EqualFold(strings.Trim(text, `"`), "current_setting") {
			computed = computed || strings.HasPrefix(strings.ToLower(text), `u&"`)
			continue
		}
		rest := tokens[i+1:]
		open := 0
		for open < len(rest) && rest[open] == "(" {
			open++
		}
		if open == 0 || open == len(rest) { // no call, but in field notation
			continue
		}
		name, ok := plainConstant(rest[open])
		names = append(names, name)
		rest = append(rest[open+1:], "", "")
		for ; open > 1 && rest[0] == ")"; open-- {
			rest = rest[1:]
		}
		computed = computed || !ok || open > 1 || rest[0] != "," && rest[0] != ")"
	}
	return names, computed
}

// plainConstant reads a string constant in one piece without escapes. Of another token it gives what could be the name
// in it.
func plainConstant(token string) (text string, ok bool) {
	switch {
	case token[0] == '\'' && strings.Count(token, "'") == 2:
		return token[1 : len(token)-1], true
	case token[0] == '$' && strings.HasSuffix(token, "$"):
		tag := token[:strings.Index(token[1:], "$")+2]
		return strings.TrimSuffix(strings.TrimPrefix(token, tag), tag), true
	}
	return "", false
}

var (
	settingsAlias = regexp.MustCompile(` pg_settings (?:as )?([a-z_0-9]+) `)
	settingCall   = regexp.MustCompile(` "?current_setting"? \((?: (?:([a-z_0-9]+) \. name|') [,)])?`)
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
		strings.Count(sql, " "+alias[1]+" ")-strings.Count(sql, " "+alias[1]+" . ") != 1 {
		return false
	}
	own := func(r *Relation) bool { return r != nil && r.System && r.Name == "pg_settings" }
	return slices.ContainsFunc(d.resolved.Relations, own) &&
		!slices.ContainsFunc(settingCall.FindAllStringSubmatch(sql, -1), func(call []string) bool {
			return strings.HasSuffix(call[0], "(") || call[1] != "" && call[1] != alias[1]
		})
}

// significant are the tokens of SQL as they are written, without spaces and comments.
func significant(sql string) []string {
	var tokens []string
	for _, t := range sqlscan.Significant(sql) {
		tokens = append(tokens, sql[t.Start:t.End])
	}
	return tokens
}
