package postgres

// User is the login of a connection string; empty if it can't be told.
func User(url string) string {
	if url == "" {
		return ""
	}
	conf, err := parseConfig(url)
	if err != nil {
		return ""
	}
	return conf.ConnConfig.User
}
