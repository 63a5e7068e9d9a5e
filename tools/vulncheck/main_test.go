package main

import (
	"slices"
	"strings"
	"testing"
)

func TestFixable(t *testing.T) {
	const scanned = `{"SBOM": {"roots": ["nametag/cmd/nametag"]}}`
	for _, test := range []struct {
		name   string
		report string
		want   []string
		fails  bool
	}{
		{name: "nothing found", report: scanned},
		{
			name: "called and fixed",
			report: scanned + `
				{"finding": {"osv": "GO-2", "fixed_version": "v1.2.0", "trace": [{"function": "Serve"}, {"function": "main"}]}}
				{"finding": {"osv": "GO-1", "fixed_version": "v1.2.0", "trace": [{"function": "Parse"}]}}
				{"finding": {"osv": "GO-2", "fixed_version": "v1.2.0", "trace": [{"function": "Close"}]}}`,
			want: []string{"GO-1", "GO-2"},
		},
		{
			name:   "called, but no release fixes it",
			report: scanned + `{"finding": {"osv": "GO-1", "trace": [{"function": "Serve"}]}}`,
		},
		{
			name: "imported or required, but not called",
			report: scanned + `
				{"finding": {"osv": "GO-1", "fixed_version": "v1.2.0", "trace": [{"package": "net/http"}]}}
				{"finding": {"osv": "GO-2", "fixed_version": "v1.2.0", "trace": [{"module": "stdlib"}]}}`,
		},
		{name: "nothing scanned", report: `{"SBOM": {"modules": []}}`, fails: true},
		{name: "empty", fails: true},
		{name: "cut off", report: scanned + `{"finding": {`, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := fixable(strings.NewReader(test.report))
			if (err != nil) != test.fails {
				t.Fatalf("error: %v", err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
