package cluster

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// StateFile is the file in a cluster's directory that says where its servers
// listen. It has the database's password: its mode is 0600.
const StateFile = "cluster.json"

// ErrNoCluster says that a directory holds no cluster.
var ErrNoCluster = errors.New("no cluster there")

// state is what a cluster keeps over restarts.
type state struct {
	ClusterID    string   `json:"cluster_id"`
	Brokers      []string `json:"brokers"`                 // host:port of each, in the order of their ids from 1
	Controllers  []string `json:"controllers"`             // likewise
	Postgres     string   `json:"postgres,omitempty"`      // the superuser's URL, "": no database
	PostgresHome string   `json:"postgres_home,omitempty"` // the directory with its data
}

// newState chooses addresses and secrets.
func newState(dir string, brokers int, postgres bool) (state, error) {
	ports, err := freePorts(2*brokers + 1)
	if err != nil {
		return state{}, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[0] &= 0x7f           // StorageTool takes an id that begins with "-" for an option
	made := state{ClusterID: base64.RawURLEncoding.EncodeToString(id[:]), Brokers: []string{}, Controllers: []string{}}
	for i := range brokers {
		made.Brokers = append(made.Brokers, address(ports[2*i]))
		made.Controllers = append(made.Controllers, address(ports[2*i+1]))
	}
	if postgres {
		made.Postgres = postgresURL(address(ports[2*brokers]))
		made.PostgresHome, err = postgresHome(dir)
	}
	return made, err
}

func loadState(dir string) (state, error) {
	raw, err := os.ReadFile(filepath.Join(dir, StateFile))
	if os.IsNotExist(err) {
		return state{}, fmt.Errorf("%w: %s", ErrNoCluster, dir)
	}
	if err != nil {
		return state{}, err
	}
	var loaded state
	if err := json.Unmarshal(raw, &loaded); err != nil {
		return state{}, fmt.Errorf("%s: %w", filepath.Join(dir, StateFile), err)
	}
	if len(loaded.Brokers) != len(loaded.Controllers) || len(loaded.Brokers) > 0 && loaded.ClusterID == "" {
		return state{}, fmt.Errorf("%s is not one that this program wrote", filepath.Join(dir, StateFile))
	}
	return loaded, nil
}

// save writes the state whole or not at all.
func (s state) save(dir string) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	temporary := filepath.Join(dir, StateFile+".new")
	if err := os.WriteFile(temporary, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(dir, StateFile))
}
