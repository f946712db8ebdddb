// Package roomlog is a client of the chat API.
//
// Requests, answers and one method per operation are generated from the API's
// description; a [Client] adds what that cannot say:
//
//   - Problems are errors: an answer with a status of 400 or more is an [*Error], so
//     that an answer without an error has what the operation promises.
//   - It keeps the latest position and sends it with every request, so that what was
//     written through it is read through it, on any replica.
//   - [Client.Follow] and [Client.FollowAll] go on where a stream was cut.
//
// A Client is safe for concurrent use.
package roomlog

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 --config oapi-codegen.yaml ../../services/chat/api/openapi.yaml
