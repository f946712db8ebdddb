package standalone

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// What is allocated after it lies where the kernel was asked for huge pages, and what was
// asked for takes no memory.
func TestHeapIsInHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("this kernel has no transparent huge pages: ", err)
	}
	useHugePages()
	const size = 32 << 20
	heap := make([]byte, size)
	for i := 0; i < size; i += 4 << 10 {
		heap[i] = 1
	}
	area := areaOf(t, uintptr(unsafe.Pointer(&heap[size/2])))
	if !slices.Contains(strings.Fields(area["VmFlags"]), "hg") { // proc_pid_smaps(5)
		t.Errorf("the heap's flags are %q: the kernel was not asked", area["VmFlags"])
	}
	var kB int
	if _, err := fmt.Sscanf(area["Rss"], "%d kB", &kB); err != nil || kB < size>>10 || kB > hugeHeap>>10/2 {
		t.Errorf("%q of it is in memory (%v), want a bit more than %d kB", area["Rss"], err, size>>10)
	}
}

// areaOf is what the kernel says of the area of memory with an address, by name.
func areaOf(t *testing.T, address uintptr) map[string]string {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var found map[string]string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			if found != nil {
				break
			}
			if from <= address && address < to {
				found = map[string]string{}
			}
		} else if name, value, ok := strings.Cut(lines.Text(), ":"); ok && found != nil {
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}
