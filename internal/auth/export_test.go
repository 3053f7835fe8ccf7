package auth

// Validate says all that is wrong with a configuration.
func (c Config) Validate() error { return c.validate() }
