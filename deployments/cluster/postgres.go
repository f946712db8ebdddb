package cluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const superuser = "roomlog"

// postgresHome chooses where the database's files lie: in the cluster's
// directory, or, where the user that the server must run as cannot go there
// (root's home), in /var/lib/roomlog.
func postgresHome(dir string) (string, error) {
	home := filepath.Join(dir, "postgres", "home")
	ok, err := serverAccount().reaches(dir)
	if err != nil || ok {
		return home, err
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join("/var/lib/roomlog", hex.EncodeToString(sum[:8])), nil
}

// postgresURL returns the superuser's address of the server's own database.
func postgresURL(address string) string {
	return (&url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, rand.Text()),
		Host:     address,
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}).String()
}

// postgres describes the database server of the cluster in dir.
func (c *Cluster) postgres() (*Node, error) {
	server, err := url.Parse(c.state.Postgres)
	if err != nil {
		return nil, err
	}
	return &Node{
		name:     "postgres",
		address:  server.Host,
		dir:      filepath.Join(c.dir, "postgres"),
		marker:   c.postgresData(),
		family:   true,
		detached: c.detached,
		command: func() *exec.Cmd {
			return c.postgresCommand("postgres", "-D", c.postgresData(),
				"-c", "listen_addresses="+server.Hostname(), "-c", "port="+server.Port(),
				"-c", "unix_socket_directories=",
				"-c", "max_connections=300",
				"-c", "timezone=UTC", "-c", "log_timezone=UTC")
		},
		ready: func(ctx context.Context) error { return execute(ctx, c.state.Postgres, "select 1") },
		stop:  syscall.SIGINT, // "fast": sessions are ended, nothing is lost
	}, nil
}

func (c *Cluster) postgresData() string { return filepath.Join(c.state.PostgresHome, "data") }

func (c *Cluster) postgresCommand(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.servers.postgres, "bin", program), args...) //nolint:noctx // a server outlives the call that starts it
	cmd.Dir = c.state.PostgresHome
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = serverAccount().attributes()
	return cmd
}

// preparePostgres makes the data directory when it is new.
func (c *Cluster) preparePostgres(ctx context.Context) error {
	node := filepath.Join(c.dir, "postgres")
	if err := mkdirOpen(node); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.postgresData(), "PG_VERSION")); err == nil {
		return nil
	}
	home := c.state.PostgresHome
	if err := mkdirOpen(home); err != nil {
		return err
	}
	if err := serverAccount().own(home); err != nil {
		return err
	}
	password := filepath.Join(home, "password")
	if err := c.writePassword(password); err != nil {
		return err
	}
	defer func() { _ = os.Remove(password) }()

	log := filepath.Join(node, "log")
	pid, err := spawn(c.postgresCommand("initdb", "-D", c.postgresData(), "--no-sync",
		"--username="+superuser, "--pwfile="+password, "--auth=scram-sha-256",
		"--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"), log, false)
	if err != nil {
		return err
	}
	if err := pid.await(ctx); err != nil {
		return errors.Join(err, pid.signal(syscall.SIGKILL))
	}
	if _, err := os.Stat(filepath.Join(c.postgresData(), "PG_VERSION")); err != nil {
		return fmt.Errorf("initdb: see %s: %w", log, err)
	}
	return nil
}

func (c *Cluster) writePassword(path string) error {
	server, err := url.Parse(c.state.Postgres)
	if err != nil {
		return err
	}
	password, _ := server.User.Password()
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	return serverAccount().own(path)
}

// CreateDatabase makes an empty database on the server that the URL names (as
// a user who may) and returns its URL.
func CreateDatabase(ctx context.Context, server, name string) (string, error) {
	// template0 has no sessions that could be in the way.
	err := execute(ctx, server, "create database "+pgx.Identifier{name}.Sanitize()+" template template0")
	if err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	return databaseURL(server, name)
}

// DropDatabase removes a database and ends its sessions. One that is not there is no error.
func DropDatabase(ctx context.Context, server, name string) error {
	err := execute(ctx, server, "drop database if exists "+pgx.Identifier{name}.Sanitize()+" with (force)")
	if err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

func databaseURL(server, name string) (string, error) {
	database, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	database.Path = "/" + name
	return database.String(), nil
}

func execute(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}
