// Package api holds the description of the chat API, from which the server's
// interface and types (internal/api) are generated.
package api

import _ "embed"

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 --config oapi-codegen.yaml openapi.yaml
//go:generate go run ../internal/reference/cmd ../../../docs/api

// YAML is the OpenAPI 3.1 document.
//
//go:embed openapi.yaml
var YAML []byte
