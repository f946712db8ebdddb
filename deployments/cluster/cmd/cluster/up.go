package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/roomlog/roomlog/deployments/cluster"
)

// servers are the flags that say what to start.
type servers struct {
	Brokers  int  `help:"How many Kafka brokers: 0, 1 or 3." default:"3" env:"ROOMLOG_CLUSTER_BROKERS"`
	Postgres bool `help:"With PostgreSQL." default:"true" negatable:"" env:"ROOMLOG_CLUSTER_POSTGRES"`
}

// place is the flag that says where the cluster lives.
type place struct {
	Dir string `help:"The cluster's directory: data, logs and cluster.json, which has the addresses and the password (mode 0600)." default:".cluster" env:"ROOMLOG_CLUSTER_DIR"`
}

type upCommand struct {
	place
	servers
}

func (u upCommand) Run(ctx context.Context) error {
	before, err := cluster.Open(u.Dir)
	if err != nil && !errors.Is(err, cluster.ErrNoCluster) {
		return err
	}
	if err == nil && before.Running() {
		fmt.Fprintln(os.Stderr, "the cluster in", before.Dir(), "is already up")
	}
	c, err := cluster.Start(ctx, cluster.Config{
		Dir: u.Dir, Brokers: u.Brokers, Postgres: u.Postgres, Detached: true, Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	defer c.Release()
	return describe(c)
}

// describe prints the addresses and what to do with them.
func describe(c *cluster.Cluster) error {
	brokers := strings.Join(c.Brokers(), ",")
	flags := ""
	if brokers != "" {
		fmt.Println("brokers   ", brokers)
		flags += " --brokers " + brokers
	}
	if c.Postgres() != nil {
		database, err := c.DatabaseURL(cluster.DefaultDatabase)
		if err != nil {
			return err
		}
		fmt.Println("database  ", database)
		flags += " --database " + quote(database)
	}
	fmt.Println("directory ", c.Dir(), "(data, logs,", cluster.StateFile+")")
	fmt.Printf(`
Lines to paste. Everything in one process, on these servers:

    bin/roomlog run --data data%[1]s

or the services apart (any number of each, on ports of their own):

    (umask 077; head -c 32 /dev/urandom | base64 > secret)
    bin/chat%[1]s --listen 127.0.0.1:8080 --admin 127.0.0.1:8081 --secret-file secret
    bin/projector%[1]s --admin 127.0.0.1:8082
`, flags)
	return nil
}

type downCommand struct {
	place
	Purge bool `help:"Remove its data and its directory too."`
}

func (d downCommand) Run() error {
	c, err := cluster.Open(d.Dir)
	if errors.Is(err, cluster.ErrNoCluster) {
		fmt.Fprintln(os.Stderr, "there is no cluster in", d.Dir)
		return nil
	}
	if err != nil {
		return err
	}
	if d.Purge {
		err = c.Purge()
	} else {
		err = c.Close()
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, map[bool]string{true: "removed", false: "stopped; its data stays in"}[d.Purge], c.Dir())
	return nil
}

type envCommand struct{ place }

func (e envCommand) Run() error {
	c, err := cluster.Open(e.Dir)
	if err != nil {
		return err
	}
	if !c.Running() {
		return fmt.Errorf("the cluster in %s is not up", c.Dir())
	}
	for _, variable := range variables(c) {
		name, value, _ := strings.Cut(variable, "=")
		fmt.Printf("export %s=%s\n", name, quote(value))
	}
	return nil
}

// variables names the cluster to package cluster.
func variables(c *cluster.Cluster) []string {
	return []string{
		cluster.BrokersVariable + "=" + strings.Join(c.Brokers(), ","),
		cluster.PostgresVariable + "=" + c.PostgresURL(),
	}
}

// quote makes one word of it for a POSIX shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
