package deployments_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What the deployments tell a program, the program takes: its --help names the variable.
func TestProgramsTakeTheirVariables(t *testing.T) {
	for _, program := range []string{"chat", "projector"} {
		t.Run(program, func(t *testing.T) {
			help, err := exec.CommandContext(t.Context(), "go", "run",
				"github.com/roomlog/roomlog/services/"+program+"/cmd/"+program, "--help").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, help)
			}
			for _, variable := range knownVariables[program] {
				if !strings.Contains(string(help), "$"+variable+")") {
					t.Errorf("%s --help does not name %s", program, variable)
				}
			}
		})
	}
}
