// Package topics describes what stands in the topics of an installation, for
// programs that are not roomlog's: an AsyncAPI document. Tests hold it against what
// the code writes (package topicstest).
package topics

import _ "embed"

// AsyncAPI is the AsyncAPI 3.0 document.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte
