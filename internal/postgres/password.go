package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"mcp-postgres/internal/redact"
)

// Password says where the password of the login comes from, if it is not in the connection string. It is asked for when
// a connection is made.
type Password struct {
	// Command is a program with its arguments, which writes the password to its standard output. No shell reads it.
	Command []string
	// File has the password in its first line.
	File string
	// Keep is how long a password of Command is used for other connections; one that is refused is asked for anew.
	Keep time.Duration
}

const (
	// commandTime bounds the command.
	commandTime = 10 * time.Second
	// maxPassword bounds a password, in bytes: tokens of cloud providers have a few thousand.
	maxPassword = 64 << 10
)

// passwords gives the password of a login. Its errors are for the log: they hold no password.
type passwords struct {
	Password
	log *slog.Logger

	mu      sync.Mutex // held while the command runs: connections that are made at once share what comes of it
	known   string
	asked   time.Time // known is of then; zero is never
	failed  time.Time // the command failed then, with failure; zero is never
	failure error
}

// own reports whether there is another source than the connection string.
func (p *passwords) own() bool { return p.Command != nil || p.File != "" }

func (p *passwords) get(ctx context.Context) (string, error) {
	if p.File != "" {
		text, err := os.ReadFile(p.File)
		if err != nil {
			return "", &passwordError{fmt.Errorf("reading the password file: %w", err)}
		}
		return firstLine(text)
	}
	began := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.asked.IsZero() && time.Since(p.asked) < p.Keep:
		return p.known, nil
	case p.failed.After(began):
		return "", p.failure
	}
	if p.known, p.failure = p.run(ctx); p.failure != nil {
		p.failed = time.Now()
		return "", p.failure
	}
	p.asked = time.Now()
	return p.known, nil
}

// refused forgets a password, and reports whether another may be had at once: this one was not asked for just now, or
// stands in a file, which may have changed meanwhile.
func (p *passwords) refused(began time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.asked.Before(began)
	if old {
		p.asked = time.Time{}
	}
	return p.own() && (old || p.File != "")
}

// run runs the command. What it writes to standard error goes to the log.
func (p *passwords) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...)
	cmd.WaitDelay = time.Second
	stdout, stderr := beginning{most: maxPassword + 1}, beginning{most: maxErrorText}
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	password, lineErr := firstLine(stdout.text)
	if said := strings.TrimSpace(strings.ToValidUTF8(string(stderr.text), "?")); said != "" {
		p.log.Warn("the password command says", "stderr", redact.Text(said, password))
	}
	switch {
	case ctx.Err() != nil:
		return "", &passwordError{fmt.Errorf("the password command did not end within %v", commandTime)}
	case err != nil:
		return "", &passwordError{fmt.Errorf("the password command: %w", err)}
	}
	return password, lineErr
}

// beginning keeps the first bytes of what is written to it.
type beginning struct {
	text []byte
	most int
}

// Write implements io.Writer.
func (b *beginning) Write(text []byte) (int, error) {
	b.text = append(b.text, text[:min(len(text), b.most-len(b.text))]...)
	return len(text), nil
}

func firstLine(text []byte) (string, error) {
	line, _, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case line == "":
		return "", &passwordError{errors.New("the first line of the password command or file is empty: want the password")}
	case len(line) > maxPassword || strings.IndexByte(line, 0) >= 0:
		return "", &passwordError{fmt.Errorf("the password command or file gives more than %d bytes, or a zero byte: "+
			"want the password in the first line", maxPassword)}
	}
	return line, nil
}

// passwordError is a password that can't be had.
type passwordError struct{ cause error }

func (e *passwordError) Error() string { return e.cause.Error() }

func (e *passwordError) Unwrap() error { return e.cause }
