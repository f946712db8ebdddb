package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/deployments/kafka"
)

// java finds the Java runtime: JAVA_HOME's, else the one on the path.
func java() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java"), nil
	}
	path, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("%w: java, version 17 or later. Install it, for example with `apt-get install openjdk-17-jdk-headless maven` or `brew install openjdk maven`", ErrMissingTool)
	}
	return path, nil
}

// jvm is how every Java program here is run: small, and quick to start rather than fast for days.
func (c *Cluster) jvm(java string, args ...string) *exec.Cmd {
	flags := []string{
		"-Xmx400m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
		"-Djava.awt.headless=true",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
		"-cp", c.servers.classPath(),
	}
	if _, err := os.Stat(c.servers.archive); err == nil {
		flags = append(flags, "-XX:SharedArchiveFile="+c.servers.archive)
	}
	return exec.Command(java, append(flags, args...)...) //nolint:noctx // a server outlives the call that starts it
}

// broker describes the i-th broker (from 0) of the cluster in dir.
func (c *Cluster) broker(i int, java string) *Node {
	dir := c.brokerDir(i)
	id := int32(i + 1)
	return &Node{
		name:     filepath.Base(dir),
		address:  c.state.Brokers[i],
		dir:      dir,
		marker:   propertiesFile(dir),
		detached: c.detached,
		command: func() *exec.Cmd {
			return c.jvm(java, append(slices.Clone(c.jvmFlags), "kafka.Kafka", propertiesFile(dir))...)
		},
		ready: func(ctx context.Context) error { return registered(ctx, c.state.Brokers[i], id) },
		stop:  syscall.SIGTERM,
	}
}

func (c *Cluster) brokerDir(i int) string {
	return filepath.Join(c.dir, fmt.Sprintf("broker-%d", i+1))
}

func propertiesFile(dir string) string { return filepath.Join(dir, "server.properties") }

// prepareBroker writes the i-th broker's properties, and formats its directory when it is new.
func (c *Cluster) prepareBroker(ctx context.Context, i int, java string) error {
	dir := c.brokerDir(i)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	settings := kafka.Settings(len(c.state.Brokers))
	maps.Copy(settings, c.placeSettings(i))
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s=%s\n", key, settings[key])
	}
	if err := os.WriteFile(propertiesFile(dir), []byte(text.String()), 0o600); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "meta.properties")); err == nil {
		return nil
	}
	format := c.jvm(java, "kafka.tools.StorageTool", "format", "--cluster-id", c.state.ClusterID, "--config", propertiesFile(dir))
	pid, err := spawn(format, filepath.Join(dir, "log"), false)
	if err != nil {
		return err
	}
	if err := pid.await(ctx); err != nil {
		return errors.Join(err, pid.signal(syscall.SIGKILL))
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "meta.properties")); err != nil {
		return fmt.Errorf("format %s: see %s: %w", dir, filepath.Join(dir, "log"), err)
	}
	return nil
}

// placeSettings are those of one broker on this machine, beside [kafka.Settings].
func (c *Cluster) placeSettings(i int) map[string]string {
	voters := make([]string, len(c.state.Controllers))
	for j, controller := range c.state.Controllers {
		voters[j] = fmt.Sprintf("%d@%s", j+1, controller)
	}
	return map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        fmt.Sprint(i + 1),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", c.state.Brokers[i], c.state.Controllers[i]),
		"advertised.listeners":           "PLAINTEXT://" + c.state.Brokers[i],
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs":                       filepath.Join(c.brokerDir(i), "data"),
		"log.cleaner.dedupe.buffer.size": "16777216", // of a small heap
	}
}

// registered asks the broker at the address whether all these brokers are in
// the cluster, unfenced: its own metadata lists no others.
func registered(ctx context.Context, address string, ids ...int32) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.RetryTimeout(0))
	if err != nil {
		return err
	}
	defer client.Close()
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{}
	answer, err := client.SeedBrokers()[0].Request(ctx, request)
	if err != nil {
		return err
	}
	metadata := answer.(*kmsg.MetadataResponse)
	for _, id := range ids {
		if !slices.ContainsFunc(metadata.Brokers, func(b kmsg.MetadataResponseBroker) bool { return b.NodeID == id }) {
			return fmt.Errorf("broker %d is not registered", id)
		}
	}
	return nil
}
