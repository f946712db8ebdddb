package deployments_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// manifest is what the tests look at in any Kubernetes object.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Selector yaml.Node // a Service's and a Deployment's differ
		Ports    []struct {
			TargetPort string `yaml:"targetPort"`
		}
		Replicas int
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				SecurityContext struct {
					RunAsNonRoot bool `yaml:"runAsNonRoot"`
					RunAsUser    int  `yaml:"runAsUser"`
				} `yaml:"securityContext"`
				Containers []container
				Volumes    []struct{ Name string }
			}
		}
	}
}

type container struct {
	Name, Image string
	Command     []string
	Args        []string
	Env         []struct {
		Name, Value string
		ValueFrom   struct {
			ConfigMapKeyRef struct{ Name, Key string } `yaml:"configMapKeyRef"`
			SecretKeyRef    struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	LivenessProbe   probe `yaml:"livenessProbe"`
	ReadinessProbe  probe `yaml:"readinessProbe"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func readManifests(t *testing.T) map[string]manifest {
	t.Helper()
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifests := map[string]manifest{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for documents := yaml.NewDecoder(bytes.NewReader(raw)); ; {
			var m manifest
			err := documents.Decode(&m)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			manifests[m.Kind+"/"+m.Metadata.Name] = m
		}
	}
	return manifests
}

func TestKubernetesPrograms(t *testing.T) {
	manifests := readManifests(t)
	for program, known := range knownVariables {
		t.Run(program, func(t *testing.T) {
			deployment, ok := manifests["Deployment/"+program]
			if !ok || len(deployment.Spec.Template.Spec.Containers) != 1 {
				t.Fatal("there is no deployment of it with one container")
			}
			c := deployment.Spec.Template.Spec.Containers[0]
			if !slices.Equal(c.Command, []string{program}) || len(c.Args) > 0 {
				t.Errorf("it runs %v %v", c.Command, c.Args)
			}
			var told []string
			for _, variable := range c.Env {
				told = append(told, variable.Name)
				if ref := variable.ValueFrom.ConfigMapKeyRef; ref.Name != "" && manifests["ConfigMap/"+ref.Name].Data[ref.Key] == "" {
					t.Errorf("%s: no %s in ConfigMap %s", variable.Name, ref.Key, ref.Name)
				}
			}
			slices.Sort(told)
			if want := slices.Sorted(slices.Values(known)); !slices.Equal(told, want) {
				t.Errorf("it is told %v, it takes %v", told, want)
			}
			checkConfined(t, deployment, c)
			checkProbes(t, c)
			checkMounts(t, deployment, c)
		})
	}
}

// checkConfined: not root, nothing to write to, no way to more rights.
func checkConfined(t *testing.T, deployment manifest, c container) {
	t.Helper()
	if pod := deployment.Spec.Template.Spec.SecurityContext; !pod.RunAsNonRoot || pod.RunAsUser == 0 {
		t.Errorf("the pod may be root: %+v", pod)
	}
	limits := c.SecurityContext
	if !limits.ReadOnlyRootFilesystem || limits.AllowPrivilegeEscalation == nil || *limits.AllowPrivilegeEscalation ||
		!slices.Equal(limits.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("the container may too much: %+v", limits)
	}
}

// checkProbes: both ask the admin port, which is where ROOMLOG_ADMIN says.
func checkProbes(t *testing.T, c container) {
	t.Helper()
	if c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Errorf("probes: %+v, %+v", c.LivenessProbe, c.ReadinessProbe)
	}
	for _, probe := range []probe{c.LivenessProbe, c.ReadinessProbe} {
		if probe.HTTPGet.Port != "admin" {
			t.Errorf("a probe asks port %s", probe.HTTPGet.Port)
		}
	}
	listens := map[string]string{}
	for _, variable := range c.Env {
		listens[variable.Name] = variable.Value
	}
	for _, port := range c.Ports {
		variable := map[string]string{"admin": "ROOMLOG_ADMIN", "http": "ROOMLOG_LISTEN"}[port.Name]
		if !strings.HasSuffix(listens[variable], ":"+strconv.Itoa(port.ContainerPort)) {
			t.Errorf("port %s is %d, %s is %q", port.Name, port.ContainerPort, variable, listens[variable])
		}
	}
}

// checkMounts: every mount has its volume, is read-only, and holds the files that the environment names.
func checkMounts(t *testing.T, deployment manifest, c container) {
	t.Helper()
	volumes := map[string]bool{}
	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		volumes[volume.Name] = true
	}
	mounted := map[string]bool{}
	for _, mount := range c.VolumeMounts {
		mounted[mount.MountPath] = true
		if !volumes[mount.Name] || !mount.ReadOnly {
			t.Errorf("mount %s has no volume or is writable", mount.Name)
		}
	}
	for _, variable := range c.Env {
		if strings.HasSuffix(variable.Name, "_FILE") && !mounted[filepath.Dir(variable.Value)] {
			t.Errorf("%s=%s is in no mount: %v", variable.Name, variable.Value, slices.Collect(maps.Keys(mounted)))
		}
	}
}

// The service finds the API's pods and port.
func TestKubernetesService(t *testing.T) {
	manifests := readManifests(t)
	service := manifests["Service/chat"]
	var selector map[string]string
	if err := service.Spec.Selector.Decode(&selector); err != nil {
		t.Fatal(err)
	}
	if labels := manifests["Deployment/chat"].Spec.Template.Metadata.Labels; len(selector) == 0 || !maps.Equal(selector, labels) {
		t.Errorf("it selects %v, the pods have %v", selector, labels)
	}
	if len(service.Spec.Ports) != 1 || service.Spec.Ports[0].TargetPort != "http" {
		t.Errorf("it leads to %+v", service.Spec.Ports)
	}
}
