package guard

import (
	_ "embed" // the names
	"sync"

	"gopkg.in/yaml.v3"
)

//go:embed states.yaml
var statesYAML []byte

var stateNames = sync.OnceValue(func() (names map[string]string) {
	must(yaml.Unmarshal(statesYAML, &names))
	return names
})

// stateName is the name of a SQLSTATE, or of its class.
func stateName(code string) string {
	names := stateNames()
	if name := names[code]; name != "" {
		return name
	}
	if len(code) == 5 && names[code[:2]] != "" {
		return names[code[:2]]
	}
	return "an error"
}
