package hook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// What the program may say.
const (
	actionAllow   = "allow"
	actionRefuse  = "refuse"
	actionReplace = "replace"
)

// results is how each is counted.
var results = map[string]string{actionAllow: "allowed", actionRefuse: "refused", actionReplace: "replaced"}

// answer is what the program has said.
type answer struct {
	Action string `json:"action"`
	// Reason is for the client whose command is refused.
	Reason string `json:"reason"`
	// Text replaces that of a message.
	Text string `json:"text"`
}

// parseAnswer reads an answer; 204 allows. Anything that is not clear is an error.
func parseAnswer(status int, body []byte) (a answer, err error) {
	switch {
	case status == http.StatusNoContent:
		return answer{Action: actionAllow}, nil
	case status != http.StatusOK:
		return a, fmt.Errorf("status %d", status)
	case len(body) > maxAnswer:
		return a, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("the answer is no JSON object: %w", err)
	}
	if results[a.Action] == "" {
		return a, fmt.Errorf("the answer has no action of allow, refuse, replace: %.32q", a.Action)
	}
	return a, nil
}

func (a answer) reason() string {
	if a.Reason == "" {
		return "the command is not allowed here"
	}
	return strings.ToValidUTF8(a.Reason[:min(len(a.Reason), maxReason)], "")
}
