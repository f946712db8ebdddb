package reference

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Map is a mapping in the order in which it is written.
type Map[T any] []Entry[T]

// Entry is one of a [Map].
type Entry[T any] struct {
	Name  string
	Value T
}

// Get gives the value under a name.
func (m Map[T]) Get(name string) (v T, ok bool) {
	for _, e := range m {
		if e.Name == name {
			return e.Value, true
		}
	}
	return v, false
}

// UnmarshalYAML reads a mapping.
func (m *Map[T]) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d is not a mapping", n.Line)
	}
	for i := 0; i < len(n.Content); i += 2 {
		e := Entry[T]{Name: n.Content[i].Value}
		if err := n.Content[i+1].Decode(&e.Value); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		*m = append(*m, e)
	}
	return nil
}
