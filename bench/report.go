package main

import (
	"bytes"
	_ "embed"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/template"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed report.md.tmpl
var reportText string

// writeReport writes the page and its picture from the results in a folder.
func writeReport(folder string) error {
	r, err := readResults(filepath.Join(folder, "benchmarks.json"))
	if err != nil {
		return err
	}
	page, err := report(r)
	if err != nil {
		return err
	}
	svg, err := picture(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "benchmarks.md"), page, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "benchmarks.svg"), svg, 0o644)
}

// report returns the page for what was measured, in Markdown. The aims stand in its template.
func report(r *Results) ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"count": count, "figure": figure,
		"least": slices.Min[[]float64], "greatest": slices.Max[[]float64], "median": median,
		"values":   func(m Measurement) []float64 { return r.values(value, m.What, m.System, m.Names) },
		"cpu":      func(m Measurement) float64 { return median(r.values(cpu, m.What, m.System, m.Names)) },
		"sessions": func(m Measurement) float64 { return median(r.values(sessions, m.What, m.System, m.Names)) },
		"ratio": func(least float64, what, system string, names int, peer string, peerNames int) string {
			of := ratios(r.values(value, what, system, names), r.values(value, what, peer, peerNames))
			return judge(of, "≥ "+figure(least), func(v float64) bool { return v >= least })
		},
		"most": func(limit float64, unit, what, system string, names int) string {
			return judge(r.values(value, what, system, names), "≤ "+figure(limit)+unit, func(v float64) bool { return v <= limit })
		},
		"double": func(least float64, what, system string, names int) float64 {
			return max(least, 2*median(r.values(value, what, system, names)))
		},
	}).Parse(reportText)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, r)
	return page.Bytes(), err
}

// judge returns the last three cells of a row of the table of aims.
func judge(values []float64, aim string, reached func(float64) bool) string {
	switch v := median(values); {
	case len(values) == 0:
		return "| " + aim + " | not measured |"
	case reached(v):
		return figure(v) + " | " + aim + " | yes |"
	default:
		return figure(v) + " | " + aim + " | **no** |"
	}
}

// Date is when the run began.
func (r *Results) Date() string { return r.Began.Format("2 January 2006") }

// figure writes a value with three significant digits.
func figure(v float64) string {
	if math.Abs(v) >= 1000 {
		return count(int(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// count writes a number with commas between the thousands.
func count(n int) string { return message.NewPrinter(language.English).Sprint(n) }
