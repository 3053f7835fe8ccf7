// Package sql embeds the tool files that come with the server, and the schemas generated from them.
package sql

import "embed"

//go:generate go run ../internal/generate

// Files holds <toolset>/<tool>.sql, prompts/<prompt>.md and schema/<tool>.json.
//
//go:embed */*.sql prompts schema
var Files embed.FS
