// Package deployments_test checks the files with which roomlog is deployed, in
// containers, against what its tests run with. No container engine is needed.
package deployments_test

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"gopkg.in/yaml.v3"

	"github.com/roomlog/roomlog/deployments/kafka"
)

type composeFile struct {
	Services map[string]service
	Volumes  map[string]any
	Secrets  map[string]struct{ File string }
}

type service struct {
	Image       string
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Secrets     []string
	Restart     string
	ReadOnly    bool                                  `yaml:"read_only"`
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct{ Test []string }
}

// composePlaces are the settings of a broker that say where it is, which the
// cluster of the tests has otherwise of necessity.
var composePlaces = []string{
	"KAFKA_NODE_ID", "KAFKA_PROCESS_ROLES", "KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_CONTROLLER_LISTENER_NAMES",
	"KAFKA_INTER_BROKER_LISTENER_NAME", "KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS",
	"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "KAFKA_LOG_DIRS",
}

// knownVariables is the environment of the programs that deployments may set.
var knownVariables = map[string][]string{
	"chat":      {"ROOMLOG_BROKERS", "ROOMLOG_DATABASE", "ROOMLOG_LISTEN", "ROOMLOG_ADMIN", "ROOMLOG_SECRET_FILE"},
	"projector": {"ROOMLOG_BROKERS", "ROOMLOG_DATABASE", "ROOMLOG_ADMIN"},
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	raw, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file composeFile
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// The brokers in the containers behave as those of the tests do: the same
// settings, none missing, none besides.
func TestComposeBrokersAreAsTested(t *testing.T) {
	brokers := brokersOf(t, readCompose(t))
	for name, broker := range brokers {
		for _, difference := range differences(kafka.Settings(len(brokers)), broker.Environment) {
			t.Errorf("%s: %s", name, difference)
		}
	}
}

// differences compares broker settings with the environment of Apache's image,
// which makes KAFKA_SOME_NAME to some.name.
func differences(settings, environment map[string]string) []string {
	var found []string
	want := map[string]string{}
	for key, value := range settings {
		want["KAFKA_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = value
	}
	for _, variable := range slices.Sorted(maps.Keys(want)) {
		if got, ok := environment[variable]; !ok {
			found = append(found, fmt.Sprintf("%s is missing, the tests have %s", variable, want[variable]))
		} else if got != want[variable] {
			found = append(found, fmt.Sprintf("%s is %s, the tests have %s", variable, got, want[variable]))
		}
	}
	for _, variable := range slices.Sorted(maps.Keys(environment)) {
		_, tested := want[variable]
		if strings.HasPrefix(variable, "KAFKA_") && !tested && !slices.Contains(composePlaces, variable) {
			found = append(found, variable+" is set, the tests run without it")
		}
	}
	return found
}

func TestDifferences(t *testing.T) {
	settings := map[string]string{"a.b": "1"}
	for want, environment := range map[string]map[string]string{
		"":                                       {"KAFKA_A_B": "1", "KAFKA_NODE_ID": "7", "CLUSTER_ID": "x"},
		"KAFKA_A_B is 2, the tests have 1":       {"KAFKA_A_B": "2"},
		"KAFKA_A_B is missing, the tests have 1": {},
		"KAFKA_C_D is set, the tests run without it": {"KAFKA_A_B": "1", "KAFKA_C_D": "1"},
	} {
		if got := strings.Join(differences(settings, environment), "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Three brokers that find each other, each with an id, a name and a volume of its own.
func TestComposeBrokersFormOneCluster(t *testing.T) {
	file := readCompose(t)
	brokers := brokersOf(t, file)
	var voters []string
	volumes := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(brokers)) {
		broker := brokers[name]
		voters = append(voters, broker.Environment["KAFKA_NODE_ID"]+"@"+name+":9093")
		if got := broker.Environment["KAFKA_ADVERTISED_LISTENERS"]; got != "PLAINTEXT://"+name+":9092" {
			t.Errorf("%s advertises %s", name, got)
		}
		if id, err := base64.RawURLEncoding.DecodeString(broker.Environment["CLUSTER_ID"]); err != nil || len(id) != 16 {
			t.Errorf("%s: CLUSTER_ID is no UUID in base64: %v", name, err)
		}
		if len(broker.Volumes) != 1 || !strings.HasSuffix(broker.Volumes[0], ":"+broker.Environment["KAFKA_LOG_DIRS"]) || volumes[broker.Volumes[0]] {
			t.Errorf("%s: its data is not in a volume of its own: %v", name, broker.Volumes)
		}
		volumes[strings.Join(broker.Volumes, "")] = true
	}
	for name, broker := range brokers {
		if got := broker.Environment["KAFKA_CONTROLLER_QUORUM_VOTERS"]; got != strings.Join(voters, ",") {
			t.Errorf("%s: voters are %s, want %s", name, got, strings.Join(voters, ","))
		}
		if broker.Environment["CLUSTER_ID"] != brokers["kafka-1"].Environment["CLUSTER_ID"] {
			t.Errorf("%s is of another cluster", name)
		}
	}
}

// The images are of the versions that the tests run.
func TestComposeVersions(t *testing.T) {
	var pom struct {
		Properties struct {
			Kafka    string `xml:"kafka.version"`
			Postgres string `xml:"postgres.version"`
		} `xml:"properties"`
	}
	if err := xml.Unmarshal(kafka.POM, &pom); err != nil {
		t.Fatal(err)
	}
	file := readCompose(t)
	for name, broker := range brokersOf(t, file) {
		if want := "apache/kafka:" + pom.Properties.Kafka; broker.Image != want {
			t.Errorf("%s is %s, want %s", name, broker.Image, want)
		}
	}
	if want := "postgres:" + strings.TrimSuffix(pom.Properties.Postgres, ".0"); file.Services["postgres"].Image != want {
		t.Errorf("the database is %s, want %s", file.Services["postgres"].Image, want)
	}
}

// Two of each program, told what they know and nothing else, on healthy servers.
func TestComposePrograms(t *testing.T) {
	file := readCompose(t)
	count := map[string]int{}
	for name, service := range file.Services {
		program := strings.Join(service.Command, " ")
		known, ours := knownVariables[program]
		if !ours {
			continue
		}
		count[program]++
		if got := slices.Sorted(maps.Keys(service.Environment)); !slices.Equal(got, slices.Sorted(slices.Values(known))) {
			t.Errorf("%s is told %v, %s takes %v", name, got, program, known)
		}
		if !service.ReadOnly {
			t.Errorf("%s may write to its image", name)
		}
		for _, server := range []string{"kafka-1", "kafka-2", "kafka-3", "postgres"} {
			if service.DependsOn[server].Condition != "service_healthy" {
				t.Errorf("%s does not wait for %s", name, server)
			}
		}
		database, err := pgx.ParseConfig(service.Environment["ROOMLOG_DATABASE"])
		if err != nil || database.Host != "postgres" || database.Password != "" {
			t.Errorf("%s: its database is not the one here, or its password is in the environment: %v", name, err)
		}
	}
	if count["chat"] != 2 || count["projector"] != 2 {
		t.Errorf("replicas: %v, want two of each", count)
	}
}

// What holds for every service.
func TestComposeServices(t *testing.T) {
	file := readCompose(t)
	published := map[string]string{}
	for name, service := range file.Services {
		if service.Restart == "" || len(service.Healthcheck.Test) == 0 {
			t.Errorf("%s is not restarted or not watched", name)
		}
		for _, port := range service.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s beyond this host", name, port)
			}
			outside := port[:strings.LastIndexByte(port, ':')]
			if other, taken := published[outside]; taken {
				t.Errorf("%s and %s both publish %s", name, other, outside)
			}
			published[outside] = name
		}
		for _, secret := range service.Secrets {
			if file.Secrets[secret].File == "" {
				t.Errorf("%s: there is no secret %s", name, secret)
			}
		}
		for _, volume := range service.Volumes {
			volume, _, _ = strings.Cut(volume, ":")
			if _, named := file.Volumes[volume]; !named {
				t.Errorf("%s: there is no volume %s", name, volume)
			}
		}
	}
}

func brokersOf(t *testing.T, file composeFile) map[string]service {
	t.Helper()
	brokers := map[string]service{}
	for name, service := range file.Services {
		if strings.HasPrefix(name, "kafka-") {
			brokers[name] = service
		}
	}
	if len(brokers) != 3 {
		t.Fatalf("%d brokers, want 3", len(brokers))
	}
	return brokers
}
