package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// CheckPatch refuses what is no merge patch (RFC 7396) of the struct that of points
// at: all that [Decode] refuses, apart from null. Errors are problems.
func CheckPatch(patch []byte, of any) error {
	w := walker{nulls: true}
	return w.walk(patch, reflect.TypeOf(of).Elem())
}

// Patch lays a merge patch that [CheckPatch] lets pass on what the pointer points
// at. The values in it are not looked at before, so they can be refused here too.
func Patch[T any](to *T, patch []byte) error {
	before, err := marshal(to)
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	after, err := merge(before, patch)
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	var patched T
	if err := unmarshal(after, &patched); err != nil {
		return err
	}
	*to = patched
	return nil
}

// merge is MergePatch of RFC 7396, section 2. What no patch names stays as it was
// written, numbers above all.
func merge(to, patch json.RawMessage) (json.RawMessage, error) {
	if !isObject(patch) {
		return patch, nil
	}
	members := map[string]json.RawMessage{}
	if isObject(to) {
		if err := json.Unmarshal(to, &members); err != nil {
			return nil, err
		}
	}
	var changes map[string]json.RawMessage
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, err
	}
	for name, change := range changes {
		if string(change) == "null" {
			delete(members, name)
			continue
		}
		merged, err := merge(members[name], change)
		if err != nil {
			return nil, err
		}
		members[name] = merged
	}
	return marshal(members)
}

func isObject(v json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimLeft(v, " \t\r\n"), []byte("{"))
}

// marshal is json.Marshal that leaves <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
