package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

// databases are a primary with the sample and a streaming standby.
type databases struct {
	primary     *demo.Cluster
	conf        *pgx.ConnConfig // of the primary, for the demo's login
	bin         string
	standby     *child
	standbyPort int
}

func (s *setting) databases(ctx context.Context) (*databases, error) {
	bin, err := demo.Installed(nil)
	if err != nil {
		return nil, err
	}
	d := &databases{bin: bin}
	d.primary, err = demo.Start(ctx, demo.Config{TCP: true, Sample: true, BinDir: bin, Settings: map[string]string{
		"wal_level": "replica", "max_wal_senders": "5", "max_connections": "200"}})
	if err != nil {
		return nil, err
	}
	s.later(d.primary.Stop)
	if d.conf, err = pgx.ParseConfig(d.primary.URL()); err != nil {
		return nil, err
	}
	return d, execute(ctx, d.primary.AdminURL(), "ANALYZE")
}

// replicate makes the standby with pg_basebackup and starts it.
func (s *setting) replicate(ctx context.Context, d *databases) error {
	admin, err := pgx.ParseConfig(d.primary.AdminURL())
	if err != nil {
		return err
	}
	if d.standbyPort, err = demo.FreePort(); err != nil {
		return err
	}
	data := filepath.Join(d.primary.Dir(), "standby")
	backup := exec.CommandContext(ctx, filepath.Join(d.bin, "pg_basebackup"), "-h", "127.0.0.1", "-p",
		strconv.Itoa(int(admin.Port)), "-U", admin.User,
		"-D", data, "-R", "-X", "stream", "-c", "fast")
	backup.Env = append(os.Environ(), "PGPASSWORD="+admin.Password)
	backup.Dir = "/"
	if backup.SysProcAttr, err = as(d.primary.User()); err != nil {
		return err
	}
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	d.standby, err = start(d.primary.User(), nil, filepath.Join(d.bin, "postgres"), "-D", data, "-c",
		"port="+strconv.Itoa(d.standbyPort),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200",
		"-c", "max_wal_senders=5")
	if err != nil {
		return err
	}
	s.later(d.standby.stop)
	return until(ctx, "the standby", func(ctx context.Context) error { return execute(ctx, d.standbyURL(), "SELECT 1") })
}

// standbyURL is the standby for the superuser.
func (d *databases) standbyURL() string {
	return strings.Replace(d.primary.AdminURL(), fmt.Sprintf("127.0.0.1:%d", d.conf.Port),
		fmt.Sprintf("127.0.0.1:%d", d.standbyPort), 1)
}

// bothURL names both servers and what is wanted of the one that is used.
func (d *databases) bothURL(attrs string) string {
	one := fmt.Sprintf("127.0.0.1:%d", d.conf.Port)
	return strings.Replace(d.primary.URL(), one, one+fmt.Sprintf(",127.0.0.1:%d", d.standbyPort), 1) +
		"&target_session_attrs=" + attrs
}

func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// bouncer is PgBouncer in transaction mode.
type bouncer struct {
	*child
	program, ini, account string
	port                  int
	d                     *databases
}

func (s *setting) pgbouncer(ctx context.Context, d *databases) (*bouncer, error) {
	b := &bouncer{d: d, account: d.primary.User(), ini: filepath.Join(d.primary.Dir(), "pgbouncer.ini")}
	var err error
	if b.program, err = installed("pgbouncer"); err != nil {
		return nil, err
	}
	if b.port, err = demo.FreePort(); err != nil {
		return nil, err
	}
	if err := b.point(int(d.conf.Port)); err != nil {
		return nil, err
	}
	s.later(func() error { return b.stop() })
	return b, b.restart(ctx)
}

// point writes the file that says where the database is.
func (b *bouncer) point(port int) error {
	text := fmt.Sprintf(`[databases]
%s = host=127.0.0.1 port=%d user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
server_login_retry = 1
log_connections = 0
log_disconnections = 0
`, demo.Database, port, b.d.conf.User, b.d.conf.Password, b.port)
	_, err := b.d.primary.AddFile("pgbouncer.ini", []byte(text))
	return err
}

func (b *bouncer) url() string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", demo.Role, b.port, demo.Database)
}

func (b *bouncer) restart(ctx context.Context) (err error) {
	if b.child != nil {
		if err := b.stop(); err != nil {
			return err
		}
	}
	if b.child, err = start(b.account, nil, b.program, b.ini); err != nil {
		return err
	}
	return until(ctx, "PgBouncer", func(ctx context.Context) error { return execute(ctx, b.url(), "SELECT 1") })
}

// replica is one server of ours.
type replica struct {
	*child
	port int
	env  []string
}

// url is where the protocol is spoken.
func (r *replica) url() string { return fmt.Sprintf("http://127.0.0.1:%d/mcp", r.port) }

func (s *setting) replica(ctx context.Context, url string, env ...string) (*replica, error) {
	port, err := demo.FreePort()
	if err != nil {
		return nil, err
	}
	if url != "" {
		env = append(env, "DATABASE_URL="+url)
	}
	r := &replica{port: port, env: append([]string{"MCP_TRANSPORT=streamable-http",
		"MCP_PORT=" + strconv.Itoa(port),
		"MCP_LOG_LEVEL=warn", "POSTGRES_STATEMENT_TIMEOUT_MS=5000"}, env...)}
	if err := s.revive(ctx, r); err != nil {
		return nil, err
	}
	s.later(func() error { return r.stop() })
	return r, nil
}

// revive starts a replica, again.
func (s *setting) revive(ctx context.Context, r *replica) error {
	program, err := filepath.Abs(s.server)
	if err == nil {
		r.child, err = start("", r.env, program)
	}
	if err != nil {
		return err
	}
	return until(ctx, "a replica", func(ctx context.Context) error { return ready(ctx, r.url()) })
}

// ready asks /readyz beside url.
func ready(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/mcp")+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %d", res.StatusCode)
	}
	return nil
}

var (
	tlsLines  = regexp.MustCompile(`(?m)^\s*ssl_.*\n`)
	upstreams = regexp.MustCompile(`(?m)^(\s*)server 127\.0\.0\.1:8001(.*\n)(\s*server 127.*\n)*`)
)

// nginx serves the replicas with the settings of deploy/nginx.conf, without TLS, and gives the address.
func (s *setting) nginx(ctx context.Context, replicas []*replica) (string, error) {
	program, err := installed("nginx")
	if err != nil {
		return "", err
	}
	port, err := demo.FreePort()
	if err != nil {
		return "", err
	}
	example, err := os.ReadFile("deploy/nginx.conf")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "scaleout-nginx-")
	if err != nil {
		return "", err
	}
	s.later(func() error { return os.RemoveAll(dir) })
	servers := ""
	for _, r := range replicas {
		servers += fmt.Sprintf("${1}server 127.0.0.1:%d$2", r.port)
	}
	site := upstreams.ReplaceAllString(tlsLines.ReplaceAllString(string(example), ""), servers)
	site = strings.Replace(site, "listen 443 ssl;", fmt.Sprintf("listen 127.0.0.1:%d;", port), 1)
	text := fmt.Sprintf("daemon off;\npid %s/pid;\nerror_log stderr error;\nevents { worker_connections 1024; }\nhttp "+
		"{\naccess_log off;\n", dir)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, dir, kind)
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(text+site+"}\n"), 0o600); err != nil {
		return "", err
	}
	c, err := start("", nil, program, "-c", conf, "-e", "stderr")
	if err != nil {
		return "", err
	}
	s.later(c.stop)
	url := fmt.Sprintf("http://127.0.0.1:%d/mcp", port)
	if err := until(ctx, "nginx", func(ctx context.Context) error { return ready(ctx, url) }); err != nil {
		return "", fmt.Errorf("%w\n%s", err, c.log.Bytes())
	}
	return url, nil
}

// kill ends a replica at once, as a lost machine does.
func (r *replica) kill() error {
	err := r.signal(syscall.SIGKILL)
	return errors.Join(err, r.stop())
}
