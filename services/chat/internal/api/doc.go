// Package api is generated from api/openapi.yaml: the server's interface, its
// registration with Echo and the types of bodies and parameters.
package api
