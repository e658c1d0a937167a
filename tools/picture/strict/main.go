// Reads dashboards as Grafana's foundation SDK does, strictly: unknown and missing fields, and values of a
// wrong type, are errors.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	failed := len(os.Args) < 2
	for _, path := range os.Args[1:] {
		bytes, err := os.ReadFile(path)
		var read dashboard.Dashboard
		if err == nil {
			err = read.UnmarshalJSONStrict(bytes)
		}
		if err == nil || err.Error() == "" { // an empty list of errors
			err = read.Validate()
		}
		if err != nil && err.Error() != "" {
			fmt.Printf("%s: %v\n", path, err)
			failed = true
			continue
		}
		fmt.Printf("%s: %d panels\n", path, len(read.Panels))
	}
	if failed {
		os.Exit(1)
	}
}
