// Command mcp-postgres is a PostgreSQL server for the Model Context Protocol whose tools are SQL files.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/redact"
)

const about = `PostgreSQL for AI agents over the Model Context Protocol. Each tool is a SQL file.

Try it on sample data:

  mcp-postgres --demo tools
  mcp-postgres --demo call describe_table table_name=orders
  mcp-postgres --demo call query sql='SELECT count(*) FROM orders'

Connect it to your database: configure your client to run "mcp-postgres" with DATABASE_URL in its environment.`

type cli struct {
	config.Config

	Serve   serveCmd   `cmd:"" default:"withargs" help:"Serve MCP clients on standard input and output (the default)."`
	Call    callCmd    `cmd:"" help:"Call one tool and print its answer."`
	ToolsOf toolsCmd   `cmd:"" name:"tools" help:"List the tools, or show one with its SQL. With MCP_AUTH_TOKEN only tools that its caller may call."`
	Check   checkCmd   `cmd:"" help:"Check tool files and print every fault and warning."`
	Test    testCmd    `cmd:"" help:"Run the tests in tool files on a database; their changes are rolled back."`
	New     newCmd     `cmd:"" help:"Write a tool file to start from."`
	Notes   notesCmd   `cmd:"" help:"Print a file of notes to fill in: the objects of the database that have no comment."`
	Eject   ejectCmd   `cmd:"" help:"Write a built-in tool to a file, to edit it."`
	Doctor  doctorCmd  `cmd:"" help:"Find dangerous rights of the server's logins, and print the SQL that revokes them."`
	Grants  grantsCmd  `cmd:"" help:"Print the SQL script that gives database roles the rights in --permissions."`
	DemoCmd demoCmd    `cmd:"" name:"demo" help:"Show what the server does, on sample data, and how to connect a client."`
	Version versionCmd `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	stderr := redact.NewWriter(os.Stderr, os.Environ(), os.Args)
	log.SetOutput(stderr) // libraries have lines of their own
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, stderr})
	stop()
	os.Exit(code)
}

// exitError ends the program with a status. What there is to say has been printed.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// run is the program; it gives the exit status: 2 for a command line or environment that can't be understood.
func run(ctx context.Context, args []string, s streams) int {
	var c cli
	status := -1
	parser, err := kong.New(&c, kong.Name("mcp-postgres"), kong.Description(about), kong.Writers(s.out, s.err),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 110, FlagsLast: true}), kong.ValueFormatter(withDefault),
		kong.Vars{"version": "mcp-postgres " + version()},
		kong.Exit(func(code int) { status = code }))
	var unset, unsetFlags []string
	if err == nil {
		flags := slices.Concat(parser.Model.Flags, parser.Model.DefaultCmd.Flags)
		args, unsetFlags = config.Filled(args, flags)
		unset, err = config.UnsetEmpty(flags)
	}
	if err != nil {
		fmt.Fprintln(s.err, "mcp-postgres:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help or --version has been printed
		return status
	}
	if err == nil {
		err = c.check(args)
	}
	if err != nil {
		fmt.Fprintf(s.err, "mcp-postgres: %s\nRun mcp-postgres --help to see what is wanted.\n", usageFault(err))
		return 2
	}
	level := c.Level()
	if parsed.Command() != "serve" && level == slog.LevelInfo { // a command on a terminal says what it has to say
		level = slog.LevelWarn
	}
	log := observe.NewLogger(s.err, c.LogFormat, level)
	logUnset(&c.Config, append(unset, unsetFlags...), log)
	parsed.BindTo(ctx, (*context.Context)(nil))
	return exitStatus(parsed.Run(&c.Config, s, log), s.err)
}

// logUnset names the settings that came without a value. Of them read-only mode is on, not off.
func logUnset(c *config.Config, names []string, log *slog.Logger) {
	if len(names) > 0 {
		log.Info("settings without a value count as unset", "names", strings.Join(names, ", "))
	}
	if c.ReadOnly && (slices.Contains(names, "POSTGRES_READONLY") || slices.Contains(names, "--read-only")) {
		log.Warn("read-only mode is on: POSTGRES_READONLY or --read-only came without a value; " +
			"to let the server write, set it to false")
	}
}

// usageFault is the message about a command line that can't be understood, with the command that may be meant.
func usageFault(err error) string {
	var fault *kong.ParseError
	word, unexpected := strings.CutPrefix(err.Error(), "unexpected argument ")
	switch {
	case unexpected && strings.ContainsAny(word, ":@= "):
		return "unexpected argument, which is not repeated as it may hold a password: " +
			"a connection string is given by --conn or DATABASE_URL"
	case !unexpected || !errors.As(err, &fault) || fault.Context.Selected() != fault.Context.Model.DefaultCmd:
		return err.Error()
	}
	var commands []string
	for _, c := range fault.Context.Model.Children {
		commands = append(commands, c.Name)
	}
	return err.Error() + faults.DidYouMean(word, commands)
}

// withDefault adds the default to the help of a flag.
func withDefault(v *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(v)
	if v.HasDefault && v.Default != "" {
		help += " Default: " + v.Default + "."
	}
	return help
}

// check refuses flags that contradict each other. DATABASE_URL in the environment does not contradict --demo.
func (c *cli) check(args []string) error {
	given := slices.ContainsFunc(args, func(a string) bool { return a == "--conn" || strings.HasPrefix(a, "--conn=") })
	if c.Demo && given {
		return errors.New("--demo and --conn: want one of them, --demo brings its own database")
	}
	return nil
}

func exitStatus(err error, stderr io.Writer) int {
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.code
	}
	fmt.Fprintln(stderr, "mcp-postgres:", err)
	return 1
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(s streams) error {
	_, err := fmt.Fprintln(s.out, "mcp-postgres", version())
	return err
}

// release is set by the linker in release builds.
var release string

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
