package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// echoEnv makes this program a server over stdio that asks no database: what the way between two processes costs.
const echoEnv = "BENCH_ECHO"

// echoOf is the request for a result of that many bytes.
func echoOf(size int) string { return fmt.Sprintf(`"method":"echo","params":%d`, size) }

// serveEcho answers every request with a string as long as its params say.
func serveEcho(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	var answer []byte
	for lines.Scan() {
		var r struct {
			ID     json.RawMessage
			Params json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		if r.ID == nil {
			continue
		}
		size := 2
		_ = json.Unmarshal(r.Params, &size) // those of initialize are no number
		answer = append(append(append(answer[:0], `{"jsonrpc":"2.0","id":`...), r.ID...), `,"result":"`...)
		answer = append(append(answer, strings.Repeat("x", size-2)...), "\"}\n"...)
		if _, err := out.Write(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}
