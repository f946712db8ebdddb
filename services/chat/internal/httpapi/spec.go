package httpapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	description "github.com/roomlog/roomlog/services/chat/api"
)

// spec is what the server itself needs of its description.
type spec struct {
	json []byte
	// operations is by method and Echo's path.
	operations map[string]operation
}

type operation struct {
	query []string // names of the query parameters
}

// document is the part of an OpenAPI document that is read here.
type document struct {
	Paths map[string]struct {
		Parameters []parameter   `yaml:"parameters"`
		Get        *specEndpoint `yaml:"get"`
		Put        *specEndpoint `yaml:"put"`
		Post       *specEndpoint `yaml:"post"`
		Patch      *specEndpoint `yaml:"patch"`
		Delete     *specEndpoint `yaml:"delete"`
	} `yaml:"paths"`
	Components struct {
		Parameters map[string]parameter `yaml:"parameters"`
	} `yaml:"components"`
}

type specEndpoint struct {
	Parameters []parameter `yaml:"parameters"`
}

type parameter struct {
	Ref  string `yaml:"$ref"`
	Name string `yaml:"name"`
	In   string `yaml:"in"`
}

func parseSpec() (*spec, error) {
	var whole any
	var doc document
	if err := yaml.Unmarshal(description.YAML, &whole); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if err := yaml.Unmarshal(description.YAML, &doc); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	s := &spec{operations: map[string]operation{}}
	var err error
	if s.json, err = json.Marshal(whole); err != nil {
		return nil, fmt.Errorf("openapi.yaml as JSON: %w", err)
	}
	for path, item := range doc.Paths {
		route := echoPath(path)
		for method, e := range map[string]*specEndpoint{
			"GET": item.Get, "PUT": item.Put, "POST": item.Post, "PATCH": item.Patch, "DELETE": item.Delete,
		} {
			if e == nil {
				continue
			}
			var op operation
			for _, p := range slices.Concat(item.Parameters, e.Parameters) {
				if p.Ref != "" {
					p = doc.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]]
				}
				if p.In == "query" {
					op.query = append(op.query, p.Name)
				}
			}
			s.operations[method+" "+route] = op
		}
	}
	return s, nil
}

// echoPath writes the path of a description as Echo does.
func echoPath(path string) string { return strings.NewReplacer("{", ":", "}", "").Replace(path) }
