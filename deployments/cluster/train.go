package cluster

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A class archive (Java's application class-data sharing) holds Kafka's
// classes as the JVM lays them out in memory: with it a broker starts in half
// the time and a third of the work. The JVM that made it is the only one that
// uses it; any other ignores it, so it is never wrong, only useless.

// train makes the class archive by starting one broker and stopping it. Of
// several processes one does it and the others wait. A failure costs speed, so
// it is told and forgiven, unless ctx ended.
func train(ctx context.Context, servers parts, java string, log io.Writer) error {
	if _, err := os.Stat(servers.archive); err == nil {
		return nil
	}
	unlock, err := waitLock(ctx, servers.lock)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(servers.archive); err == nil {
		return nil
	}
	say(log, "teaching the Java runtime Kafka's classes (once)")
	if err := runOnce(ctx, servers, java); err != nil {
		if ctx.Err() != nil {
			return err
		}
		say(log, "without a class archive, so brokers start slower: %v", err)
	}
	return nil
}

// runOnce lets a broker write the classes that it has loaded when it stops.
func runOnce(ctx context.Context, servers parts, java string) (err error) {
	partial := servers.archive + ".partial"
	defer func() { err = errors.Join(err, removeIfThere(partial)) }()
	c := &Cluster{servers: servers, unlock: func() {}, jvmFlags: []string{"-XX:ArchiveClassesAtExit=" + partial}}
	if err := c.claimDir(); err != nil {
		return err
	}
	if err := c.prepareIn(ctx, Config{Brokers: 1}, java); err != nil {
		return errors.Join(err, c.abandon())
	}
	if err := c.start(ctx, io.Discard); err != nil {
		return errors.Join(err, c.abandon())
	}
	if err := c.Broker(0).Stop(); err != nil {
		return errors.Join(err, c.abandon())
	}
	if err := c.Close(); err != nil {
		return err
	}
	return os.Rename(partial, servers.archive)
}

// classPath names all jars in one fixed order: the archive is bound to it.
func (p parts) classPath() string {
	jars, _ := filepath.Glob(filepath.Join(p.kafkaJars, "*.jar")) // sorted; the pattern is well-formed
	return strings.Join(jars, string(filepath.ListSeparator))
}
