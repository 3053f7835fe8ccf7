package catalog

// Replacement is a tool of one folder that takes the place of one of an earlier folder.
type Replacement = replacement

// ParsePrompt reads one prompt file.
var ParsePrompt = parsePrompt
